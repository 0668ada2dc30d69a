"""The desk as a process, from the environment alone: `python -m desk`."""

import asyncio
import json
import sys

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from activities.connection import connect
from activities.leave import leave
from activities.logs import log_as_json
from activities.settings import Settings
from desk.serving import serve
from desk.settings import DeskSettings


async def main(settings: Settings, desk: DeskSettings) -> None:
    """Serve, and say so in one line of JSON."""
    await serve(await connect(), settings, desk, _say_ready)


def _say_ready(url: str) -> None:
    sys.stdout.write(json.dumps({"ready": True, "url": url}) + "\n")
    sys.stdout.flush()


def run() -> int:
    """Run the desk; what keeps it from starting is one line, never a traceback."""
    try:
        settings, desk = Settings(), DeskSettings()
        log_as_json(settings)
        asyncio.run(main(settings, desk))
    except (OSError, ValueError, SQLAlchemyError, RPCError) as error:
        sys.stderr.write(f"callsheet desk: {plainly(error)}\n")
        return 9
    return 0


def plainly(error: Exception) -> str:
    """Say in one line what is wrong, without the values: one may be a secret."""
    if isinstance(error, ValidationError):
        prefix = "CALLSHEET_DESK_" if error.title == "DeskSettings" else "CALLSHEET_"
        found = (
            (prefix + str(each["loc"][0]).upper() + ": " if each["loc"] else "") + each["msg"]
            for each in error.errors()
        )
        return "; ".join(found)[:600]
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"the database does not serve: {first}" if isinstance(error, SQLAlchemyError) else first


if __name__ == "__main__":
    leave(run())
