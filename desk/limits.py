"""Rate limits: so many tries at once, and one more after each pause. Kept in memory, for one process."""

import time
from collections.abc import Callable, Hashable
from typing import NamedTuple

MOST_KNOWN = 10_000
"""Keys that are remembered; beyond it those that have waited long enough are forgotten."""


class Rate(NamedTuple):
    """`burst` tries at once, and another every `seconds`."""

    burst: int
    seconds: float


class Rates(NamedTuple):
    """How often things may be tried: knocking by one address, passwords of one name, decisions of one person."""

    knocks: Rate = Rate(burst=20, seconds=6)
    passwords: Rate = Rate(burst=6, seconds=60)
    decisions: Rate = Rate(burst=60, seconds=1)


class Limiter:
    """Counts tries by whatever they are counted by."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `rate` for each key."""
        self._rate = rate
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}

    @property
    def known(self) -> int:
        """How many keys are remembered."""
        return len(self._full_at)

    def wait(self, key: Hashable) -> float:
        """Count a try; returns 0, or the seconds to wait because it is one too many. A refused try is not counted."""
        at, (burst, seconds) = self._clock(), self._rate
        full_at = max(self._full_at.get(key, at), at) + seconds
        if full_at - at > burst * seconds:
            return full_at - at - burst * seconds
        self._full_at[key] = full_at
        if len(self._full_at) > MOST_KNOWN:
            self._full_at = {each: moment for each, moment in self._full_at.items() if moment > at}
        return 0.0

    def forgive(self, key: Hashable) -> None:
        """Forget the tries of a key, after one that was right."""
        self._full_at.pop(key, None)
