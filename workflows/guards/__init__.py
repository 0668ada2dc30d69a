"""Pure functions from what has happened so far to a ruling.

Turns are numbered from 1, so that after turn n `spend.turns` is n; `nudged_at`, `reminded_at`, `compacted_at` and
`judged_at` hold `spend.turns` as it was when the ruling was heeded.
"""

from collections.abc import Callable, Iterable

from workflows.guards.alerts import alarming
from workflows.guards.budget import allowance, calls_left, spending
from workflows.guards.context import crowding
from workflows.guards.drift import judging
from workflows.guards.goals import drifting
from workflows.guards.loops import circling
from workflows.guards.replies import failing
from workflows.models import Ask, Compact, Halt, Judge, LastTurn, Nudge, Remind, Ruling, Transcript

Guard = Callable[[Transcript], Ruling | None]

GUARDS: tuple[Guard, ...] = (failing, spending, crowding, circling, alarming, judging, drifting)
"""All guards; of two rulings that are equally strong the one of the earlier guard wins."""

STRENGTH = (Halt, Ask, LastTurn, Compact, Judge, Nudge, Remind)
"""Kinds of ruling, the strongest first."""


def rule(guards: Iterable[Guard], transcript: Transcript) -> Ruling | None:
    """Ask all guards and return the strongest ruling.

    Heed it, record it in the transcript and ask again, until there is none: a last turn, a compaction, a judgement,
    a nudge and a reminder may be due before the same call, and none of them is given twice.
    """
    rulings = [ruling for guard in guards if (ruling := guard(transcript)) is not None]
    return min(rulings, key=lambda ruling: STRENGTH.index(type(ruling)), default=None)


__all__ = [
    "GUARDS",
    "STRENGTH",
    "Guard",
    "alarming",
    "allowance",
    "calls_left",
    "circling",
    "crowding",
    "drifting",
    "failing",
    "judging",
    "rule",
    "spending",
]
