"""The desk as a process, from the environment alone: `python -m desk`."""

import asyncio
import json
import socket
import sys

import uvicorn
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from activities.connection import connect
from activities.leave import leave
from activities.logs import log_as_json
from activities.settings import Settings
from desk.app import build
from desk.house import House
from desk.settings import DeskSettings

GRACE = 3
"""Seconds that requests under way get at the end; live lines never end by themselves."""


async def main(settings: Settings, desk: DeskSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    listener = _listen(desk)
    house = House.open(await connect(), settings, desk)
    config = uvicorn.Config(
        build(house),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
    )
    server = uvicorn.Server(config)
    port = listener.getsockname()[1]
    url = desk.url or f"http://{f'[{desk.host}]' if ':' in desk.host else desk.host}:{port}"
    sys.stdout.write(json.dumps({"ready": True, "url": url}) + "\n")
    sys.stdout.flush()
    await server.serve(sockets=[listener])
    house.close()


def _listen(desk: DeskSettings) -> socket.socket:
    """Take the port before anything else is opened; one that is taken is said at once."""
    family = socket.AF_INET6 if ":" in desk.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((desk.host, desk.port))
    except OSError as error:
        text = f"cannot listen at {desk.host}:{desk.port} ({error.strerror}); choose another CALLSHEET_DESK_PORT"
        raise ValueError(text) from None
    listener.listen(128)
    return listener


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
        return "; ".join(f"{prefix}{str((each['loc'] or ('',))[0]).upper()}: {each['msg']}" for each in error.errors()[:3])
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"the database does not serve: {first}" if isinstance(error, SQLAlchemyError) else first


if __name__ == "__main__":
    leave(run())
