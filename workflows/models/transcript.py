"""What has happened so far in a conversation, as the guards see it."""

from datetime import timedelta

from workflows.models.base import Small
from workflows.models.money import Limits, Purse, Spend
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
    never); `reminded_at`, `compacted_at` and `judged_at` alike. `purse` is what the ledger said last. `drifts` counts
    the judgements in a row that found drift, `drift` is what the last of them found; `alert` says that spending is
    out of the ordinary.
    """

    contract: Contract
    limits: Limits
    turns: tuple[Turn, ...] = ()
    spend: Spend = Spend()
    context: int = 0
    elapsed: timedelta = timedelta()
    purse: Purse = Purse()
    nudged_at: int = 0
    reminded_at: int = 0
    compacted_at: int = 0
    judged_at: int = 0
    drifts: int = 0
    drift: str = ""
    alert: str = ""
    last_turn_given: bool = False
