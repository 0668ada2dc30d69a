"""The verb `each`: the same work over many things, side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from workflows.calls import heed_cancellation

A = TypeVar("A")
B = TypeVar("B")


async def each(work: Callable[[A], Awaitable[B]], over: Iterable[A], at_once: int) -> list[B]:
    """Do the same work over many things, so many at once; the results are in the order of `over`.

    When one of them fails for good, or the whole is called off, the others are called off as well.
    """
    places = asyncio.Semaphore(at_once)

    async def placed(one: A) -> B:
        async with places:
            heed_cancellation()
            return await work(one)

    tasks = [asyncio.ensure_future(placed(one)) for one in over]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
