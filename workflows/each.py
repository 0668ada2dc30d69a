"""The verb `each`: the same work over many things, side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from temporalio.exceptions import ApplicationError, FailureError

from workflows.calls import cause, heed_cancellation

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Fate(Generic[A, B]):
    """What became of one of many: its result, or in `failure` why it has none."""

    of: A
    result: B | None = None
    failure: FailureError | None = None

    @property
    def error(self) -> str:
        """Say in one line why there is no result; empty when there is one."""
        return cause(self.failure) if self.failure else ""


async def each(work: Callable[[A], Awaitable[B]], over: Iterable[A], at_once: int = 4) -> list[Fate[A, B]]:
    """Do the same work over many things, so many at once; the fates are in the order of `over`.

    One that fails for good never sinks the others. When the whole is called off, all are, and each cleans up first.
    It all happens in one workflow: for thousands of things, make each a child workflow with a history of its own.
    """
    if at_once < 1:
        raise ApplicationError(f"each: at_once is {at_once}; let at least 1 work at a time", non_retryable=True)
    waiting = enumerate(over)
    fates: dict[int, Fate[A, B]] = {}

    async def take() -> None:
        for number, one in waiting:
            heed_cancellation()
            fates[number] = await _fate(work, one)

    takers = [asyncio.ensure_future(take()) for _ in range(at_once)]
    try:
        await asyncio.gather(*takers)
    finally:
        for taker in takers:
            taker.cancel()
        await asyncio.gather(*takers, return_exceptions=True)
    return [fates[number] for number in sorted(fates)]


def results(fates: Sequence[Fate[A, B]]) -> list[B]:
    """Give all results, where nothing less will do.

    Raises:
        FailureError: the failure of the first that has none.
    """
    for fate in fates:
        if fate.failure is not None:
            raise fate.failure
    return [cast("B", fate.result) for fate in fates]


async def _fate(work: Callable[[A], Awaitable[B]], one: A) -> Fate[A, B]:
    try:
        return Fate(one, await work(one))
    except FailureError as error:  # a bug of ours is retried until it is mended, and is nobody's fate
        heed_cancellation()  # then it is the whole that is called off
        return Fate(one, failure=error)
