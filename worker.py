"""A worker, from the environment alone. The composition root: copy `main` to bring your own tools and pipelines."""

import asyncio
import contextlib
import json
import signal
import sys

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from activities.connection import connect
from activities.leave import leave
from activities.logs import log_as_json
from activities.settings import Settings
from activities.telemetry import Telemetry, trace_ids
from activities.tools import TOOLS
from activities.tools.definition import BadTool
from activities.world import World
from workflows.pipelines import PIPELINES


async def main() -> None:
    """Serve the task queues of the settings until SIGTERM or SIGINT, then drain."""
    telemetry = Telemetry.from_environment()
    telemetry.install()
    world = await World.open(tools=TOOLS, pipelines=PIPELINES, telemetry=telemetry)
    client = await connect(runtime=telemetry.runtime)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await world.share_rates(client)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(world.metered(client))
        for worker in world.workers(client):
            await stack.enter_async_context(worker)
        ready = {"ready": True, "queues": world.settings.queues}
        if telemetry.scraped_at:
            ready["metrics"] = telemetry.scraped_at
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()
    world.close()


def run() -> int:
    """Run the worker; what keeps it from starting is one line, never a traceback."""
    try:
        log_as_json(Settings(), (trace_ids,))
        asyncio.run(main())
    except (OSError, ValueError, BadTool, SQLAlchemyError, RPCError) as error:
        sys.stderr.write(f"callsheet worker: {plainly(error)}\n")
        return 9
    return 0


def plainly(error: Exception) -> str:
    """Say in one line what is wrong, without the values: one may be a secret."""
    if isinstance(error, ValidationError):
        return "; ".join(f"CALLSHEET_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()[:3])
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"the database does not serve: {first}" if isinstance(error, SQLAlchemyError) else first


if __name__ == "__main__":
    leave(run())
