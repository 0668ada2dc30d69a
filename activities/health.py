"""Health: whether this process can do its work now, for whoever decides where work is sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

Check = Callable[[], Awaitable[str]]
"""Looks at one part; returns what is wrong with it, or nothing. What it raises is wrong as well."""

AGE = 1.0
"""Seconds for which a report is used again, so that probes cannot load what they ask after."""
PATIENCE = 3.0
"""Seconds that a report waits for a part."""
DRAINS = "it was told to end, and takes no more work"


class Report(NamedTuple):
    """What is wrong, by part; nothing when the process is ready."""

    failing: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether work may be sent here."""
        return not self.failing


class Health:
    """Asks the parts, side by side and not too often. A part that does not answer is not asked again meanwhile."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        patience: float = PATIENCE,
        age: float = AGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `checks`, each for `patience` seconds at most."""
        self._checks, self._patience, self._age, self._clock = checks, patience, age, clock
        self._asked: dict[str, asyncio.Task[str]] = {}
        self._kept: tuple[float, asyncio.Task[Report]] | None = None
        self._draining = False

    def drain(self) -> None:
        """Be ready no more, from now on."""
        self._draining = True

    async def report(self) -> Report:
        """Say what is wrong; never raises, and never takes much longer than the patience."""
        if self._draining:
            return Report({"worker": DRAINS})
        if self._kept is None or self._clock() - self._kept[0] >= self._age:
            self._kept = (self._clock(), asyncio.create_task(self._ask()))
        return await asyncio.shield(self._kept[1])

    async def _ask(self) -> Report:
        for name, check in self._checks.items():
            if name not in self._asked or self._asked[name].done():
                self._asked[name] = asyncio.create_task(_plainly(check))
        if self._asked:
            await asyncio.wait(self._asked.values(), timeout=self._patience)
        found = {name: task.result() if task.done() else self._late for name, task in self._asked.items()}
        return Report({name: trouble for name, trouble in found.items() if trouble})

    @property
    def _late(self) -> str:
        return f"no answer within {self._patience:g} s"


async def _plainly(check: Check) -> str:
    """Name an error by its type alone: its text may hold an address or worse, and anybody may ask."""
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the part does not work
        return type(error).__name__


def split(place: str) -> tuple[str, int]:
    """Take HOST:PORT apart.

    Raises:
        ValueError: it is none.
    """
    host, colon, port = place.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) <= 65_535):  # noqa: PLR2004 - the highest
        raise ValueError(f"{place!r} is no HOST:PORT; write one such as 127.0.0.1:8081, or 0.0.0.0:8081 in a pod")
    return host.strip("[]"), int(port)
