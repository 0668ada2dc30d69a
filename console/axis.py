"""An axis of time on which long stretches without work are folded: a night's wait for a person hides no minute."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

FOLD = 26.0
"""Width of a folded stretch."""
MOST_FOLDS = 8
LEAST_PART = 0.15
"""A pause is folded when it is longer than this part of the time in which something was done."""
LEAST_SECONDS = 10.0
APART = 70.0
"""Least distance of two ticks."""
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)


class Stretch(NamedTuple):
    """A stretch of time, in seconds since the beginning."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


class Axis:
    """Maps seconds since the beginning to places between 0 and `width`."""

    def __init__(self, busy: Iterable[Stretch], end: float, width: float) -> None:
        """Fold the longest pauses between the `busy` stretches, up to the `end`."""
        merged = _merged(busy)
        self._end = max(end, merged[-1].end if merged else 0.0, 0.001)
        self.folds = _folds(merged, self._end)
        shown = self._end - sum(fold.seconds for fold in self.folds)
        self._scale = (width - FOLD * len(self.folds)) / shown if shown > 0 else 0.0

    def x(self, seconds: float) -> float:
        """Find the place of a moment."""
        place = at = 0.0
        for fold in self.folds:
            if seconds <= fold.start:
                break
            place += (fold.start - at) * self._scale
            at = min(seconds, fold.end)
            place += FOLD * (at - fold.start) / fold.seconds
            if seconds <= fold.end:
                return place
        return place + (min(seconds, self._end) - at) * self._scale

    def ticks(self) -> list[float]:
        """Choose round moments that are neither folded nor too close to each other."""
        step = next((each for each in STEPS if each * self._scale >= APART), STEPS[-1])
        found: list[float] = []
        for number in range(int(self._end / step) + 1):
            moment = number * step
            folded = any(fold.start < moment < fold.end for fold in self.folds)
            if not folded and (not found or self.x(moment) - self.x(found[-1]) >= APART):
                found.append(moment)
        return found


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for each in sorted(stretches):
        if merged and each.start <= merged[-1].end:
            merged[-1] = Stretch(merged[-1].start, max(merged[-1].end, each.end))
        else:
            merged.append(each)
    return merged


def _folds(merged: Sequence[Stretch], end: float) -> list[Stretch]:
    done = sum(stretch.seconds for stretch in merged)
    least = max(done * LEAST_PART, LEAST_SECONDS)
    edges = [0.0, *(edge for stretch in merged for edge in stretch), end]
    pauses = [Stretch(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
    long = [pause for pause in pauses if pause.seconds > least]
    return sorted(sorted(long, key=lambda pause: -pause.seconds)[:MOST_FOLDS]) if done else []
