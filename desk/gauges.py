"""Facts as bars: where a measurement lies, and where the rule draws its line."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from workflows.models import Fact

NUMBER = r"(-?\d+(?:\.\d+)?)"
BETWEEN = re.compile(rf"\b{NUMBER} to {NUMBER}\b")
AT_MOST = re.compile(rf"\bat most {NUMBER}")
AT_LEAST = re.compile(rf"\bat least {NUMBER}|\b{NUMBER} or more")
LINE = 62.0
"""Where the one line of a rule is drawn, in hundredths of the bar."""


class Gauge(NamedTuple):
    """Hundredths of a bar: the `fill` from its left end, the `lines` of the rule, and the part that is `allowed`."""

    fill: float
    lines: tuple[float, ...]
    allowed: tuple[float, float]


class Reading(NamedTuple):
    """One fact as it is shown."""

    fact: Fact
    gauge: Gauge | None
    measured: str
    miss: str

    @property
    def tone(self) -> str:
        """Say how it stands: `good`, `fair` (only advised), `poor`."""
        return "good" if self.fact.passed else "poor" if self.fact.required else "fair"


def readings(facts: Sequence[Fact]) -> list[Reading]:
    """Show facts, those that missed first."""
    in_order = sorted(facts, key=lambda fact: (fact.passed, not fact.required))
    return [Reading(fact, gauge(fact), measured(fact), miss(fact)) for fact in in_order]


def gauge(fact: Fact) -> Gauge | None:
    """Draw a fact; None where the rule has no line in numbers."""
    if found := BETWEEN.search(fact.wanted):
        return _between(fact, float(found[1]), float(found[2]))
    if found := AT_MOST.search(fact.wanted):
        return _below(fact, float(found[1]))
    if found := AT_LEAST.search(fact.wanted):
        return _above(fact, float(found[1] or found[2]))
    return None


def measured(fact: Fact) -> str:
    """Write a measurement with the digits that matter."""
    if isinstance(fact.measured, str):
        text = fact.measured
        return text.rsplit("/", 1)[-1] if "://" in text else text
    value = f"{fact.measured:,.0f}" if abs(fact.measured) >= 1_000 else f"{fact.measured:.4g}"  # noqa: PLR2004
    return f"{value} {fact.unit}".strip()


def miss(fact: Fact) -> str:
    """Write how far it is from passing; empty when it passes."""
    if fact.passed:
        return ""
    return f"{fact.miss:.3g} {fact.unit}".strip() if fact.miss else "missed"


def _between(fact: Fact, low: float, high: float) -> Gauge | None:
    value = _value(fact)
    if value is None or high <= low:
        return None
    margin = (high - low) or 1.0
    left, whole = low - margin, high - low + 2 * margin
    first, second = (low - left) / whole * 100, (high - left) / whole * 100
    return Gauge(_clip((value - left) / whole * 100), (first, second), (first, second))


def _below(fact: Fact, limit: float) -> Gauge | None:
    value = _value(fact, limit + fact.miss)
    if value is None or limit <= 0:
        return None
    return Gauge(_clip(value / limit * LINE), (LINE,), (0.0, LINE))


def _above(fact: Fact, limit: float) -> Gauge | None:
    value = _value(fact, limit - fact.miss)
    if value is None or limit <= 0:
        return None
    return Gauge(_clip(value / limit * LINE), (LINE,), (LINE, 100.0))


def _value(fact: Fact, missed: float | None = None) -> float | None:
    """Take the number; where the measurement is words, the miss still says how far off it is."""
    if not isinstance(fact.measured, str):
        return fact.measured
    return missed if not fact.passed and fact.miss else None


def _clip(part: float) -> float:
    return round(min(max(part, 1.5), 100.0), 2)
