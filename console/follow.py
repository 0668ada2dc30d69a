"""Following a run until it ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from rich.live import Live
from rich.markup import escape
from temporalio.service import RPCError, RPCStatusCode

from console import views
from console.errors import Exit, Stopped
from console.looks import Look
from console.runs import Runs
from console.screen import Screen, dollars

BEAT = 0.5
"""Seconds between two looks."""
LOST = 90.0
"""Seconds without any answer after which following gives up."""

Pause = Callable[[], None]
Answer = Callable[[Look, Pause], Awaitable[None]]
"""Deals with what waits for a person; calls the pause before it uses the screen."""


async def follow(runs: Runs, run: str, screen: Screen, answer: Answer | None = None) -> Look:
    """Show a run until it ends, and let `answer` deal with questions on the way.

    A server or worker that is away for a while is waited for: the run itself is not harmed by that.
    """
    display = Display(screen)
    heard = time.monotonic()
    try:
        while True:
            try:
                seen = await runs.look(run)
                heard = time.monotonic()
                display.show(seen)
                if not seen.running:
                    return seen
                if answer:
                    await answer(seen, display.pause)
            except (Stopped, RPCError) as error:
                if not _passing(error) or time.monotonic() - heard > LOST:
                    raise
            await asyncio.sleep(BEAT)
    finally:
        display.pause()


def verdict(seen: Look) -> Exit:
    """Say with which code a command that waited for this run ends."""
    if seen.run:
        done = bool(seen.run.published) or any(
            seen.run.counts.get(name, 0) for name in ("published", "decided", "complete", "partial")
        )
        return Exit.OK if done and seen.run.status in {"complete", "partial"} else Exit.RUN_FAILED
    return Exit.OK if seen.status in {"complete", "published", "decided"} else Exit.RUN_FAILED


class Display:
    """Shows looks: redrawn in place on a terminal, else one line for each change."""

    def __init__(self, screen: Screen) -> None:
        """Show on `screen`; nothing appears before the first look."""
        self._screen = screen
        self._live: Live | None = None
        self._told: dict[str, str] = {}

    def show(self, seen: Look) -> None:
        """Show one look."""
        if not self._screen.live:
            self._tell(seen)
        elif self._live is None:
            self._live = Live(views.look(seen), console=self._screen.console, auto_refresh=False, transient=True)
            self._live.start(refresh=True)
        else:
            self._live.update(views.look(seen), refresh=True)

    def pause(self) -> None:
        """Make room for other output; the next look brings the display back."""
        if self._live:
            self._live.stop()
            self._live = None

    def _tell(self, seen: Look) -> None:
        for key, words, rest in _lines(seen):
            if self._told.get(key) != words:
                self._told[key] = words
                self._screen.say(escape(words + rest))


def _lines(seen: Look) -> Iterator[tuple[str, str, str]]:
    """Say where the run and each item stand: the key, the words whose change is news, and what may be added."""
    state = seen.run
    if state is None:
        yield (
            "",
            f"{seen.id}: {seen.status}{', waits' * bool(seen.waiting)}",
            f" for {seen.waiting}" * bool(seen.waiting),
        )
        return
    cost = f" ({dollars(state.spend.micro_usd)} of {dollars(state.cap_micro_usd)})" if state.cap_micro_usd else ""
    yield "", f"{seen.id}: {seen.status}", cost
    for row in state.items:
        score = f", score {row.score}" if row.score else ""
        takes = f", take {row.attempts}" if row.attempts else ""
        yield row.key, f"{row.key}: {row.status}{score}{takes}", f": {row.error}" if row.error else ""


def _passing(error: Stopped | RPCError) -> bool:
    if isinstance(error, Stopped):
        return error.code == Exit.UNREACHABLE
    return error.status in {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
