"""What operators pause is held back: whoever asks for it waits at that point, and asks again."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Protocol, TypeVar

from temporalio import workflow


class Answer(Protocol):
    """What an activity answers that can be held back."""

    @property
    def held(self) -> str:
        """Why nothing was done; empty when it was."""
        ...


H = TypeVar("H", bound=Answer)

Hold = Callable[[str], Awaitable[None]]
"""Waits out a pause, given who paused and why; given nothing, it is told that the pause is over."""


async def no_hold(why: str) -> None:
    """Refuse: whoever can be paused has to say how it waits."""
    if why:
        raise NotImplementedError(f"paused ({why}), and nothing tells how to wait")


class Holds:
    """Waits out what is held back, however often, and knows for how long: that time is not the agent's."""

    def __init__(self, hold: Hold) -> None:
        """Wait by `hold`."""
        self._hold = hold
        self._waiting = 0
        self._time = timedelta()

    async def through(self, ask: Callable[[], Awaitable[H]]) -> H:
        """Ask until it is not held back; where nothing is paused this is one question and nothing more."""
        answer = await ask()
        if not answer.held:
            return answer
        with self._timed():
            while answer.held:
                await self._hold(answer.held)
                answer = await ask()
        await self._hold("")
        return answer

    def taken(self) -> timedelta:
        """Tell how long was waited since this was asked last; work that waits side by side waits once."""
        time, self._time = self._time, timedelta()
        return time

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        began, first = workflow.now(), not self._waiting
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if first:
                self._time += workflow.now() - began
