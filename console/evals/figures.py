"""Figures: what a few trials say of all the trials that could have been, at 95 % confidence."""

import math
import random
from collections.abc import Sequence
from statistics import fmean

from pydantic import BaseModel, ConfigDict

Z = 1.959964
"""Standard deviations around the middle that hold 95 % of a normal distribution."""
RESAMPLES = 2_000
TAIL = 0.025


class Interval(BaseModel):
    """A figure, and between which bounds the true one lies with 95 % confidence."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Tell that a difference is more than chance."""
        return self.low > 0 or self.high < 0


def rate(passed: int, of: int) -> Interval:
    """Say how often something passes: Wilson's interval, right for few trials and for rates near 0 and 1."""
    if of == 0:
        return Interval(value=0.0, low=0.0, high=1.0)
    share, square = passed / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return Interval(value=share, low=max(0.0, middle - reach), high=min(1.0, middle + reach))


def difference(now: tuple[int, int], before: tuple[int, int]) -> Interval:
    """Say how much a rate has changed: Newcombe's interval, made of Wilson's two."""
    new, old = rate(*now), rate(*before)
    change = new.value - old.value
    below = math.hypot(new.value - new.low, old.high - old.value)
    above = math.hypot(new.high - new.value, old.value - old.low)
    return Interval(value=change, low=change - below, high=change + above)


def mean(values: Sequence[float]) -> Interval | None:
    """Say what something is on average: the bootstrap's percentiles; nothing is said of no value."""
    if not values:
        return None
    dice = random.Random(len(values))  # noqa: S311 - so that the same values always give the same interval
    means = sorted(fmean(dice.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return Interval(value=fmean(values), low=_at(means, TAIL), high=_at(means, 1 - TAIL))


def mean_difference(now: Sequence[float], before: Sequence[float]) -> Interval | None:
    """Say how much an average has changed, by the bootstrap of both."""
    if not now or not before:
        return None
    dice = random.Random(len(now) * len(before))  # noqa: S311 - as above
    changes = sorted(
        fmean(dice.choices(now, k=len(now))) - fmean(dice.choices(before, k=len(before))) for _ in range(RESAMPLES)
    )
    return Interval(value=fmean(now) - fmean(before), low=_at(changes, TAIL), high=_at(changes, 1 - TAIL))


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
