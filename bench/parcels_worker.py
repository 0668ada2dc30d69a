"""A worker for the parcels, configured by the environment like worker.py."""

import asyncio
import contextlib
import sys
from datetime import timedelta

from pydantic import Field

from activities.connection import connect
from activities.tools.definition import Arguments, tool
from activities.world import World
from bench.parcels import Parcel, Parcels


class Place(Arguments):
    """Where to look."""

    place: str = Field(max_length=200)


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def look(at: Place) -> dict[str, str]:
    """Look at a place."""
    return {"seen": f"nothing new at {at.place}"}


async def main() -> None:
    """Serve every queue until killed."""
    world = await World.open(tools=(look,), pipelines=(Parcel, Parcels))
    async with contextlib.AsyncExitStack() as stack:
        for each in world.workers(await connect()):
            await stack.enter_async_context(each)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
