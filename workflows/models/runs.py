"""Runs and items: what is ordered, how far it is, what became of it."""

from datetime import datetime
from typing import Literal

from workflows.models.base import Value
from workflows.models.docket import Docket
from workflows.models.money import Cap, Spend
from workflows.models.production import Attempt, FactSheet, Plan, Publication, Shot, Verdict
from workflows.models.review import ReviewPolicy
from workflows.models.turns import Contract, Patience

Status = Literal[
    "planning",
    "generating",
    "reviewing",
    "refining",
    "awaiting_review",
    "publishing",
    "working",
    "evaluating",
    "paused",
    "complete",
    "partial",
    "failed",
    "cancelled",
]
ItemStatus = Literal[
    "waiting",
    "generating",
    "reviewing",
    "refining",
    "reading",
    "evaluating",
    "comparing",
    "summarising",
    "awaiting_review",
    "paused",
    "publishing",
    "working",
    "complete",
    "partial",
    "published",
    "decided",
    "rejected",
    "failed",
    "cancelled",
]


class Shoot(Value):
    """What the pipeline must know of a brief, bounded whatever the brief's size.

    `summary` is what the planner reads. `wanted` are the `profile/view` pairs that a plan must cover.
    """

    title: str
    contract: Contract
    summary: str
    wanted: tuple[str, ...]
    run_micro_usd: int
    item_micro_usd: int
    review: ReviewPolicy = ReviewPolicy()


class Layout(Value):
    """Turns a plan into the items of a run, in the store."""

    run: str
    brief: str
    plan: Plan


class LaidOut(Value):
    """How many items the run has."""

    items: int


class PageRequest(Value):
    """Asks for items of a run in their order."""

    run: str
    offset: int
    limit: int = 50


class Page(Value):
    """Items of a run."""

    shots: tuple[Shot, ...]


class MeasureRequest(Value):
    """Asks for the facts of the bytes with this digest as this shot."""

    run: str
    digest: str
    shot: Shot


class VerifyRequest(Value):
    """Asks for proof that this digest is published as this item."""

    run: str
    item: str
    digest: str


class Verified(Value):
    """The proof, or why there is none."""

    publication: Publication | None = None
    problem: str = ""


class ItemOrder(Value):
    """Starts one item. `caps` are accounts above the run's, the nearest first."""

    run: str
    shot: Shot
    contract: Contract
    tenant: str = "default"
    micro_usd: int
    threshold: int = 80
    refinements: int = 3
    review: ReviewPolicy = ReviewPolicy()
    model: str = ""
    patience: Patience = "now"
    run_micro_usd: int = 0
    caps: tuple[Cap, ...] = ()


class ItemRow(Value):
    """An item in the run's state: small, because a run may have ten thousand.

    One that waits for a person frees its place for the next, unless it `keeps_place`.
    """

    key: str
    status: ItemStatus
    score: int = 0
    attempts: int = 0
    micro_usd: int = 0
    entry: str = ""
    error: str = ""
    keeps_place: bool = False


class ItemState(Value):
    """Where one item stands; also its final outcome."""

    key: str
    title: str
    status: ItemStatus = "waiting"
    attempts: tuple[Attempt, ...] = ()
    best: Attempt | None = None
    facts: FactSheet | None = None
    verdict: Verdict | None = None
    publication: Publication | None = None
    decided_by: str = ""
    decision: str = ""
    note: str = ""
    overrides: tuple[str, ...] = ()
    error: str = ""
    question: str = ""
    waiting: str = ""
    spend: Spend = Spend()

    def row(self) -> ItemRow:
        """Make the small record."""
        return ItemRow(
            key=self.key,
            status=self.status,
            score=self.best.score if self.best else 0,
            attempts=len(self.attempts),
            micro_usd=self.spend.micro_usd,
            entry=self.publication.entry if self.publication else "",
            error=self.error,
        )


class ItemRecord(Value):
    """An item's outcome with the run it belongs to, for the store."""

    run: str
    state: ItemState


class Progress(Value):
    """What a run carries from one continue-as-new to the next. `rows` holds at most 500 items, newest kept."""

    started_at: datetime
    shoot: Shoot | None = None
    plan: Plan | None = None
    items: int = 0
    cursor: int = 0
    counts: dict[str, int] = {}
    rows: tuple[ItemRow, ...] = ()
    errors: tuple[str, ...] = ()
    spend: Spend = Spend()
    items_micro_usd: int = 0
    cap_micro_usd: int = 0
    turned_away: bool = False
    docket: Docket = Docket()


class RunState(Value):
    """Answers the query `state`."""

    id: str
    pipeline: str
    status: Status
    title: str = ""
    plan: Plan | None = None
    total: int = 0
    counts: dict[str, int] = {}
    items: tuple[ItemRow, ...] = ()
    published: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    started_at: datetime
    agent: str = ""
    spend: Spend = Spend()
    cap_micro_usd: int = 0
