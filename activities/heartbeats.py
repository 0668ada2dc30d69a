"""Heartbeats on a timer: a long activity must hear of its cancellation, and a lost worker must be noticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity


@asynccontextmanager
async def beating(seconds: float = 10.0) -> AsyncIterator[None]:
    """Beat every `seconds`, and at least twice within the activity's time limit for it; not in local activities.

    What is over before the first beat sends none: the server counts from the start, and Temporal Cloud bills each.
    """
    if not activity.in_activity() or activity.info().is_local:
        yield
        return
    limit = activity.info().heartbeat_timeout
    beat = asyncio.create_task(_beat(min(seconds, limit.total_seconds() / 2) if limit else seconds))
    try:
        yield
    finally:
        beat.cancel()


async def _beat(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        activity.heartbeat()
