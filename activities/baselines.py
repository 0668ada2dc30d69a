"""What spending is usual, and what is out of the ordinary. Pure; amounts are micro-dollars."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_high, median_low
from typing import Literal

AnomalyKind = Literal["run", "turn", "burn"]

TurnKey = tuple[str, int, int]
"""A turn: its conversation, position and number."""


@dataclass(frozen=True)
class AlertRules:
    """When spending is out of the ordinary: above `factor` times the median of at least `sample` amounts.

    With `pause` whoever overspends is stopped until a person has looked. A factor of 0 never alerts.
    """

    factor: float = 5.0
    sample: int = 20
    pause: bool = False


@dataclass(frozen=True)
class Excess:
    """An amount that is out of the ordinary, and what it was compared with; `sample` counts the amounts."""

    value: int
    median: int
    factor: float
    sample: int


def excess(value: int, usual: Iterable[int], rules: AlertRules) -> Excess | None:
    """Compare an amount with the usual ones. What cost nothing is no measure of what things cost."""
    amounts = [amount for amount in usual if amount > 0]
    if rules.factor <= 0 or len(amounts) < max(rules.sample, 1):
        return None
    median = (median_low(amounts) + median_high(amounts)) // 2
    return Excess(value, median, rules.factor, len(amounts)) if value > rules.factor * median else None


def turns_of(attempts: Iterable[tuple[TurnKey, int]], most: int) -> dict[TurnKey, int]:
    """Add up the attempts of each turn; the first `most` turns that come."""
    turns: dict[TurnKey, int] = {}
    for key, cost in attempts:
        if key in turns or len(turns) < most:
            turns[key] = turns.get(key, 0) + cost
    return turns


def without(turns: Mapping[TurnKey, int], key: TurnKey) -> Sequence[int]:
    """Leave one turn out: nothing is compared with itself."""
    return [cost for each, cost in turns.items() if each != key]


_THINGS: Mapping[AnomalyKind, tuple[str, str]] = {
    "run": ("This run has cost", "runs"),
    "turn": ("This turn has cost", "turns"),
    "burn": ("In one minute this pipeline has spent", "active minutes"),
}


def sentence(kind: AnomalyKind, found: Excess) -> str:
    """Say it to people."""
    opening, things = _THINGS[kind]
    usual = f"the usual {dollars(found.median)} (median of {found.sample} {things})"
    return f"{opening} {dollars(found.value)}, more than {found.factor:g} times {usual}"


def dollars(micro_usd: int) -> str:
    """Write an amount; below ten cents with four places, because a turn costs that little."""
    places = 2 if micro_usd >= 100_000 else 4  # noqa: PLR2004 - ten cents
    return f"${micro_usd / 1_000_000:,.{places}f}"
