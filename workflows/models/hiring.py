"""Runs of candidate evaluation: what is ordered, how far it is, what a person decided."""

from datetime import date, datetime
from typing import Literal

from workflows.models.base import Value
from workflows.models.evaluation import Change, Evaluation, FlagKind, Guide, Standing
from workflows.models.money import Cap, Spend
from workflows.models.orders import LineOrder
from workflows.models.review import ReviewPolicy
from workflows.models.rubrics import HiringPolicy, Role
from workflows.models.runs import ItemRow, ItemStatus
from workflows.models.turns import Contract, Patience

HiringOutcome = Literal["advance", "decline"]
Stance = Literal["approved", "modified", "overrode"]
"""How a decision stands to the evaluation: it follows it, after scores were changed, or goes another way."""

STAND_IN = "a demo stand-in (--yes)"
"""Who decides about people in a demo where nobody does: no name of anybody, and so nobody's authority."""

HOLD = ReviewPolicy(owner="hiring", fallback="hold")


class Posting(Value):
    """What a run must know of a vacancy."""

    title: str
    role: Role
    policy: HiringPolicy
    contract: Contract
    candidates: int
    run_micro_usd: int
    item_micro_usd: int


class EvaluationOrder(LineOrder):
    """Starts the evaluation of everybody who applied. `docket` is the digest of the vacancy in the asset store."""

    docket: str
    at_once: int = 4
    vacancy: Posting | None = None
    guide: Guide | None = None


class Candidate(Value):
    """One candidate, by the key alone."""

    key: str
    title: str


class Candidates(Value):
    """Some candidates of a run."""

    each: tuple[Candidate, ...]


class CandidateQuery(Value):
    """Asks for something of one candidate."""

    run: str
    key: str


class Claimed(Value):
    """Asks where the words of a quote that nobody confirmed really stand."""

    run: str
    key: str
    quotes: tuple[str, ...]


class Nearest(Value):
    """The real passage that is nearest to each quote; empty where nothing is near."""

    passages: tuple[str, ...]


class CandidateOrder(Value):
    """Starts the evaluation of one candidate. `caps` are accounts above the run's, the nearest first."""

    run: str
    candidate: Candidate
    role: Role
    policy: HiringPolicy
    guide: Guide | None
    contract: Contract
    tenant: str = "default"
    micro_usd: int
    run_micro_usd: int = 0
    at_once: int = 4
    review: ReviewPolicy = HOLD
    model: str = ""
    patience: Patience = "now"
    caps: tuple[Cap, ...] = ()


class CandidateState(Value):
    """Where one candidate's evaluation stands."""

    key: str
    title: str
    status: ItemStatus = "waiting"
    evaluation: Evaluation | None = None
    outcome: HiringOutcome | None = None
    stance: Stance | None = None
    decided_by: str = ""
    note: str = ""
    error: str = ""
    question: str = ""
    waiting: str = ""
    spend: Spend = Spend()
    cap_micro_usd: int = 0

    def row(self) -> ItemRow:
        """Make the small record."""
        return self.ended().row()

    def ended(self) -> "CandidateOutcome":
        """Make the record that the run keeps: nothing in it is of the candidate's own words."""
        found = self.evaluation
        return CandidateOutcome(
            key=self.key,
            title=self.title,
            status=self.status,
            digest=found.digest if found else "",
            total=found.total if found else None,
            standing=found.standing if found else None,
            flags=tuple(dict.fromkeys(flag.kind for flag in found.flags)) if found else (),
            outcome=self.outcome,
            stance=self.stance,
            decided_by=self.decided_by,
            error=self.error,
            spend=self.spend,
        )


class CandidateOutcome(Value):
    """What became of one candidate's evaluation."""

    key: str
    title: str
    status: ItemStatus
    digest: str = ""
    total: int | None = None
    standing: Standing | None = None
    flags: tuple[FlagKind, ...] = ()
    outcome: HiringOutcome | None = None
    stance: Stance | None = None
    decided_by: str = ""
    error: str = ""
    spend: Spend = Spend()

    def row(self) -> ItemRow:
        """Make the small record."""
        return ItemRow(
            key=self.key, status=self.status, score=self.total or 0, micro_usd=self.spend.micro_usd, error=self.error
        )


class CandidateRecord(Value):
    """A candidate's evaluation with the run it belongs to, for the store."""

    run: str
    state: CandidateState


class FirstView(Value):
    """What a person thought of the documents before they saw a score."""

    text: str
    by: str
    at: datetime


class HiringDecision(Value):
    """A person's decision, with all that is needed to account for it. Kept for good; nothing is ever changed in it.

    `digest` is of the evaluation that was shown, `shown` names all that was, `flags` what was open then. Nothing in it
    is of the candidate's own words, so that it can outlive them.
    """

    run: str
    key: str
    question: str
    outcome: HiringOutcome
    stance: Stance
    by: str
    authority: str = ""
    training: str = ""
    justification: str
    first_view: FirstView | None = None
    asked_at: datetime
    decided_at: datetime
    digest: str
    shown: tuple[str, ...]
    total: int | None
    standing: Standing
    flags: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    rubric: str = ""


class Kept(Value):
    """A decision as it was kept, with the notices that went with it and how long the rest is kept."""

    notices: tuple[str, ...] = ()
    keep_until: date | None = None


class ErasureOrder(Value):
    """Erases what is known of one candidate; `by` and `reason` stay, with the digests and the decision."""

    run: str
    key: str
    by: str
    reason: str = "retention"


class Erased(Value):
    """What an erasure took away. `refused` says why nothing was: there is a legal hold, or it is still under way."""

    messages: int = 0
    assets: tuple[str, ...] = ()
    workflows: int = 0
    refused: str = ""
    at: datetime | None = None
