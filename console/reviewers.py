"""How reviewers decide: how long they take, and how often they follow the machine. Near-certainty is a finding."""

from collections.abc import Iterable
from statistics import median
from typing import Final

from pydantic import BaseModel, ConfigDict

from workflows.models.hiring import HiringDecision

ENOUGH: Final = 5
ALWAYS: Final = 0.95
SECONDS: Final = 60.0


class Habit(BaseModel):
    """How one person decided. `median_seconds` is from the question to the answer."""

    model_config = ConfigDict(frozen=True)

    name: str
    decisions: int
    approved: int
    modified: int
    overrode: int
    median_seconds: float
    finding: str = ""


def habits(decisions: Iterable[HiringDecision]) -> tuple[Habit, ...]:
    """Sum up the decisions by person."""
    by: dict[str, list[HiringDecision]] = {}
    for each in decisions:
        by.setdefault(each.by, []).append(each)
    return tuple(_habit(name, each) for name, each in sorted(by.items()))


def _habit(name: str, decisions: list[HiringDecision]) -> Habit:
    counts = {
        stance: sum(each.stance == stance for each in decisions) for stance in ("approved", "modified", "overrode")
    }
    seconds = median((each.decided_at - each.asked_at).total_seconds() for each in decisions)
    number = len(decisions)
    follows = number >= ENOUGH and counts["approved"] / number >= ALWAYS
    finding = ""
    if number >= ENOUGH and seconds < SECONDS:
        finding = f"decides in {seconds:.0f} s: too fast to have read what was shown"
    if follows:
        finding = f"{finding}; " * bool(finding) + f"followed the evaluation {counts['approved']} of {number} times"
    return Habit(name=name, decisions=number, median_seconds=seconds, finding=finding, **counts)
