"""Serving: a worker of any world, from the environment, until it is told to end."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, NoReturn

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.connection import connect
from activities.engine_metrics import plain_runtime
from activities.health import Health
from activities.leave import leave
from activities.logs import log_as_json
from activities.probes import served
from activities.reconciler import Reconciler
from activities.settings import Settings
from activities.telemetry import trace_ids
from activities.tools.definition import BadTool
from activities.vital_signs import database, polling, temporal
from activities.world import World

CANNOT_WORK = 9
"""The exit code of a worker that something keeps from starting."""


def work(open_world: Callable[[], Awaitable[World]]) -> NoReturn:
    """Be a worker of this world: the whole of a worker's `__main__`."""
    leave(run(open_world))


def run(open_world: Callable[[], Awaitable[World]]) -> int:
    """Run a worker and return its exit code; what keeps it from starting is said plainly, never as a traceback."""
    try:
        log_as_json(Settings(), (trace_ids,))
        asyncio.run(serve(open_world))
    except (OSError, ValueError, BadTool, SQLAlchemyError, RPCError) as error:
        sys.stderr.write(f"callsheet worker: {plainly(error)}\n")
        return CANNOT_WORK
    return 0


async def serve(open_world: Callable[[], Awaitable[World]]) -> None:
    """Serve the task queues of the settings until SIGTERM or SIGINT, then drain."""
    world = await open_world()
    world.telemetry.install()
    client = await connect(runtime=world.telemetry.runtime or plain_runtime())
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await world.share_rates(client)
    workers = world.workers(client)
    health = health_of(world, client, workers)
    async with contextlib.AsyncExitStack() as stack:
        probed = await stack.enter_async_context(served(world.settings.health, health))
        await stack.enter_async_context(world.metered(client))
        if "workflows" in world.served:
            await stack.enter_async_context(at_work(Reconciler(world.database, client).watch()))
        for worker in workers:
            await stack.enter_async_context(worker)
        _say_ready(world, probed)
        await stop.wait()
        health.drain()
        await asyncio.gather(*(worker.shutdown() for worker in workers))  # at once: none polls while another drains
    world.close()


def health_of(world: World, client: Client, workers: Sequence[Worker]) -> Health:
    """Look after what a worker needs: the server, the database, and that it polls."""
    checks = {"temporal": temporal(client), "database": database(world.database), "workers": polling(workers)}
    return Health(checks)


@contextlib.asynccontextmanager
async def at_work(duty: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have a duty done as long as the block lasts."""
    task = asyncio.create_task(duty)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _say_ready(world: World, probed: str) -> None:
    ready = {"ready": True, "queues": list(world.served)}
    if world.telemetry.scraped_at:
        ready["metrics"] = world.telemetry.scraped_at
    if probed:
        ready["health"] = probed
    if world.deployment.use_worker_versioning:
        ready["version"] = world.deployment.version.to_canonical_string()
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def plainly(error: Exception) -> str:
    """Say what is wrong, without the values: one may be a secret. Only a tool's mistake has a second line: its fix."""
    if isinstance(error, ValidationError):
        return "; ".join(f"CALLSHEET_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()[:3])
    if isinstance(error, BadTool):
        return str(error)
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"the database does not serve: {first}" if isinstance(error, SQLAlchemyError) else first
