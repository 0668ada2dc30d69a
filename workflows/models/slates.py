"""Slates: many runs that were handed in together, as a batch. The list itself is in the store."""

from typing import Literal

from pydantic import Field

from workflows.models.base import Value
from workflows.models.money import Spend
from workflows.models.runs import ItemRow

BATCH = "batch:"
"""What the id of a batch's workflow, and the name of its account, begin with."""

Ended = Literal["complete", "partial", "failed", "cancelled"]


class SlateState(Value):
    """How a batch stands: how many runs in each state, those at work (100 at most), what all cost, the last errors."""

    counts: dict[str, int] = {}
    rows: tuple[ItemRow, ...] = ()
    micro_usd: int = 0
    errors: tuple[str, ...] = ()

    @property
    def standing(self) -> Literal["working", "awaiting_review", "paused"]:
        """Say what all that is at work waits for, if all of it waits for the same."""
        waits = {row.status for row in self.rows}
        return "awaiting_review" if waits == {"awaiting_review"} else "paused" if waits == {"paused"} else "working"

    @property
    def open(self) -> int:
        """How many have not ended."""
        return self.counts.get("waiting", 0) + self.counts.get("running", 0)


class SlateOrder(Value):
    """Runs a batch: as many of its runs at once as ordered. `micro_usd` is the cap of the whole; 0: there is none."""

    name: str
    pipeline: str
    tenant: str = "default"
    at_once: int = Field(default=4, ge=1, le=100)
    micro_usd: int = 0
    state: SlateState = SlateState()


class SlateRound(Value):
    """Asks for one round: look after what runs, and start what there is room for."""

    name: str
    at_once: int


class Upshot(Value):
    """What is read of the result of any run."""

    status: str = ""
    spend: Spend = Spend()
    reason: str = ""
    errors: tuple[str, ...] = ()
