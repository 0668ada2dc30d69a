"""One candidate's way, as far as people are concerned: a first view, everything that was found, and their decision."""

import asyncio
from collections.abc import Mapping
from typing import Final

from temporalio import workflow

from workflows.evaluation_calls import keep_decision, record_candidate
from workflows.judging import Judging
from workflows.models import Cap, Choice, Decision, ItemRow, ItemStatus, Purse, Question, Scope, Talk, preview
from workflows.models.evaluation import Change, Evaluation
from workflows.models.hiring import (
    CandidateOrder,
    CandidateRecord,
    CandidateState,
    FirstView,
    HiringDecision,
    HiringOutcome,
    Stance,
)
from workflows.models.rubrics import Reviewer
from workflows.reading import settings_in

OUTCOMES: Final[Mapping[Choice, HiringOutcome]] = {"approve": "advance", "reject": "decline"}
READ_FIRST = "Read the documents and say in the note what you think of them. The evaluation is shown after that."


class CandidateFlow(Judging):
    """The verbs of one candidate. Nobody is taken or turned down here: a person says so by name, or nothing happens."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        super().__init__()
        self.candidate = CandidateState(key="", title="")
        self._first_view: FirstView | None = None
        self._trouble = ""
        self._money = asyncio.Lock()
        self._fundings = 0

    @workflow.query(name="state", description="Where this candidate's evaluation stands")
    def state(self) -> CandidateState:
        """Tell where the evaluation stands."""
        asked = question.reason if (question := self.open_question()) else ""
        now = {"spend": self.spent, "waiting": self.waiting, "question": asked, "cap_micro_usd": self.cap_micro_usd}
        return self._with(**now, **({"status": "paused"} if self.standing == "paused" else {}))

    def take_order(self, order: CandidateOrder) -> None:
        """Bind the flow to its order. Whatever was ordered, silence never decides about people."""
        self.order, self.panel = order, self.panel.on(order.model)
        key = order.candidate.key
        self.candidate = CandidateState(key=key, title=order.candidate.title)
        caps = (
            Cap(account=f"item:{order.run}:{key}", micro_usd=order.micro_usd),
            Cap(account=f"run:{order.run}", micro_usd=order.run_micro_usd),
            *order.caps,
        )
        review = order.review.model_copy(update={"fallback": "hold", "owner": order.policy.owner})
        self.begin(Scope(run=order.run, item=key, tenant=order.tenant), order.contract, caps, review, order.patience)

    @property
    def decided(self) -> bool:
        """Tell whether a person has decided."""
        return self.candidate.outcome is not None

    async def note_first_view(self) -> None:
        """Have a person read the documents and say what they think, before they are shown any score."""
        if not self.order.policy.first_view or not self.papers.documents:
            return
        title, asks = f"{self.candidate.title}: first view", {"kind": "first_view", "needs_note": True}
        decision = await self.ask(self.question(title, READ_FIRST, ("approve",), digest=self.papers.digest, **asks))
        self._first_view = FirstView(text=preview(decision.note, 2_000), by=decision.by, at=workflow.now())

    async def hear_person(self) -> None:
        """Show a person everything, and do what they say: decide, set a score, or have it looked at again."""
        found = self.evaluation
        self.candidate = self._with(evaluation=found)
        await self.record()
        question = self._question_about(found)
        decision = await self.ask(question)
        self._trouble = ""
        if decision.choice in OUTCOMES:
            await self._decide(question, decision, found)
        elif sets := settings_in(decision.note):
            self._set_scores(sets, decision, found)
        else:
            self.declined = None
            await self.evaluate(f"{decision.by} asks for this: {decision.note}")

    def row(self) -> ItemRow:
        """Make the small record."""
        return self._with(spend=self.spent).row()

    def show(self, status: ItemStatus, agent: str = "", *, error: str | None = None) -> None:
        """Show where the evaluation stands."""
        self.candidate = self._with(status=status, **({} if error is None else {"error": error}))
        self.stage(status, agent)

    async def record(self) -> None:
        """Keep the evaluation."""
        self.candidate = self._with(spend=self.spent)
        await record_candidate(CandidateRecord(run=self.scope.run, state=self.candidate))

    async def funded(self, reason: str, purse: Purse, talk: Talk | None = None) -> bool:
        """Ask for money once for all evaluators that lack it: they share an account, and one answer is enough."""
        before = self._fundings
        async with self._money:
            if self.declined is not None or self._fundings != before:
                return self.declined is None
            given = await super().funded(reason, purse, talk)
            self._fundings += given
            return given

    def _question_about(self, found: Evaluation) -> Question:
        options: tuple[Choice, ...] = ("approve", "reject", "revise")
        scored = f"total {found.total} of 100" if found.total is not None else "no total"
        said = found.summary.summary if found.summary else "There is no summary."
        doubts = "; ".join(f"{flag.kind.replace('_', ' ')}: {preview(flag.text, 160)}" for flag in found.flags)
        reason = " · ".join(part for part in (self._trouble, f"{found.standing}, {scored}", doubts, said) if part)
        about = {"kind": "candidate", "digest": found.digest, "needs_note": True}
        return self.question(self.candidate.title, reason, options, **about)

    async def _decide(self, question: Question, decision: Decision, found: Evaluation) -> None:
        """Keep the decision for good; only then is it one."""
        outcome, stance = OUTCOMES[decision.choice], stance_of(decision.choice, found)
        reviewer = next((one for one in self.order.policy.reviewers if one.name == decision.by), Reviewer(name="-"))
        await keep_decision(
            HiringDecision(
                run=self.scope.run,
                key=self.candidate.key,
                question=question.id,
                outcome=outcome,
                stance=stance,
                by=decision.by,
                authority=reviewer.authority,
                training=reviewer.training,
                justification=decision.note,
                first_view=self._first_view,
                asked_at=question.asked_at,
                decided_at=workflow.now(),
                digest=found.digest,
                shown=(found.digest, found.rubric, *(document.id for document in found.documents)),
                total=found.total,
                standing=found.standing,
                flags=tuple(f"{flag.kind}: {flag.requirement}".rstrip(": ") for flag in found.flags),
                changes=found.changes,
                rubric=found.rubric,
            )
        )
        self.candidate = self._with(outcome=outcome, stance=stance, decided_by=decision.by, note=decision.note)
        self.show("decided")

    def _set_scores(self, sets: tuple[tuple[str, int, str], ...], decision: Decision, found: Evaluation) -> None:
        """Take the scores that a person sets; the old ones stay in the record beside them."""
        known = {compared.requirement: compared.original.score for compared in found.compared}
        known |= {change.requirement: change.score for change in self.changes}
        unknown = [name for name, _, _ in sets if name not in known]
        self._trouble = (
            f"There is no requirement {', '.join(unknown)}; there are {', '.join(known)}." if unknown else ""
        )
        changes = [
            Change(
                requirement=name,
                before=known[name],
                score=score,
                reason=reason or preview(decision.note),
                by=decision.by,
            )
            for name, score, reason in sets
            if name in known
        ]
        if changes:
            self.changes, self.summary, self._misstated = (*self.changes, *changes), None, ()

    def _with(self, **changes: object) -> CandidateState:
        return self.candidate.model_copy(update=changes)


def stance_of(choice: Choice, found: Evaluation) -> Stance:
    """Say how a decision stands to what was found; where nothing is sure, every decision goes its own way."""
    if found.changes:
        return "modified"
    return "approved" if (choice, found.standing) in {("approve", "meets"), ("reject", "below")} else "overrode"
