"""What has happened so far in a conversation, as the guards see it."""

from datetime import timedelta

from workflows.models.base import Small
from workflows.models.money import Limits, Spend
from workflows.models.turns import Call, Contract, NoteKind, Outcome, Stop


class Turn(Small):
    """One finished turn as the guards see it: what it costs to carry on counts, so outcomes are without their words.

    `text` says why a request was refused or rejected.
    """

    number: int
    stop: Stop
    calls: tuple[Call, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[NoteKind, ...] = ()
    micro_usd: int = 0
    context: int = 0
    text: str = ""


class Transcript(Small):
    """What has happened so far in one conversation: all that a guard may look at.

    `turns` is a window of the last 24; totals are in `spend`. `nudged_at` is the turn of the last nudge for looping (0:
    never); `reminded_at` and `compacted_at` alike. `spare_micro_usd` is what the run around it can still spend.
    """

    contract: Contract
    limits: Limits
    turns: tuple[Turn, ...] = ()
    spend: Spend = Spend()
    context: int = 0
    elapsed: timedelta = timedelta()
    spare_micro_usd: int | None = None
    nudged_at: int = 0
    reminded_at: int = 0
    compacted_at: int = 0
    last_turn_given: bool = False
