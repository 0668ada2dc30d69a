"""Where averages lie: a day with a peak under a rate limit, and people or places that are asked at random moments."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count

HOURS = 24
MOST = 24.0
MINUTES = 60
BUSIEST = 14


@dataclass(frozen=True)
class Backlog:
    """What a day under a limit does. `worst` is the longest wait in minutes, `late` the share that waits over a minute.

    `left` is by how much each day ends further behind than the one before; with any, it never catches up.
    """

    worst: float
    late: float
    left: float


@cache
def day(peak: float) -> tuple[float, ...]:
    """Spread a day over its hours: their mean is 1, the busiest has `peak` (1 to 24), those far from it little.

    Raises:
        ValueError: no day has such a peak.
    """
    if not 1 <= peak <= MOST:
        raise ValueError(f"the peak hour of a day has between 1 and 24 times the mean, not {peak}")
    low, high = 0.0, 10_000.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if max(_hours(middle)) < peak else (low, middle)
    return _hours((low + high) / 2)


def _hours(sharpness: float) -> tuple[float, ...]:
    swing = [(1 + math.cos(2 * math.pi * (hour - BUSIEST) / HOURS)) / 2 for hour in range(HOURS)]
    weights = [max(each, 1e-9) ** sharpness for each in swing]
    return tuple(weight * HOURS / sum(weights) for weight in weights)


def under_limit(per_minute: Sequence[float], limit: float) -> Backlog:
    """Serve what comes in each hour of a day, first come first served, at most `limit` a minute; days are alike."""
    if limit <= 0:
        raise ValueError(f"a limit has to be above zero, not {limit}")
    evening = _through(per_minute, limit, 0.0)[-1]
    ends = _through(per_minute, limit, evening)
    late = 0.0
    for rate, before, after in zip(per_minute, ends, ends[1:], strict=False):
        late += rate * _minutes_above(limit, before, before + (rate - limit) * MINUTES, after)
    came = sum(per_minute) * MINUTES
    return Backlog(max(ends) / limit, late / came if came else 0.0, max(ends[-1] - evening, 0.0))


def _through(per_minute: Sequence[float], limit: float, waiting: float) -> list[float]:
    """Say how much waits at the end of each hour, and before the first."""
    ends = [waiting]
    for rate in per_minute:
        ends.append(max(ends[-1] + (rate - limit) * MINUTES, 0.0))
    return ends


def _minutes_above(level: float, before: float, target: float, after: float) -> float:
    """Say for how long of an hour more than `level` waits, on a straight line from `before` towards `target`."""
    if min(before, after) > level or before == target:
        return MINUTES * (before > level)
    crossing = (level - before) / (target - before) * MINUTES
    if not 0 < crossing < MINUTES:
        return 0.0
    return crossing if before > level else MINUTES - crossing


def wait_of(load: float, places: int) -> float:
    """Say how long one waits for one of `places` on average, in units of the time that one takes (Erlang C).

    `load` is how many are busy on average. Infinite where they cannot keep up.
    """
    if load >= places:
        return math.inf
    blocked = 1.0
    for place in range(1, places + 1):
        blocked = load * blocked / (place + load * blocked)
    busy = load / places
    return blocked / (1 - busy + busy * blocked) / (places - load)


def places_for(load: float, wait: float) -> int:
    """Say how many places it takes that nobody waits longer than `wait` on average; at least one."""
    return next(places for places in count(max(math.floor(load), 0) + 1) if wait_of(load, places) <= wait)
