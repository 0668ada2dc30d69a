"""What a flow asks people for: a decision on an artefact, money, leave to go on, agreement to tool calls."""

from abc import abstractmethod

from temporalio import workflow

from workflows.approval import Reviewable
from workflows.calls import read_budget, top_up_budget
from workflows.models import (
    CallRuling,
    Cap,
    Choice,
    Decision,
    GatedCall,
    Note,
    Purse,
    Question,
    ReviewPolicy,
    Scope,
    Spend,
    Standing,
    Talk,
    TopUp,
    preview,
)
from workflows.models.questions import digest_of_words


class Escalation(Reviewable):
    """The questions of a flow. Each shows what it is about, what was spent so far, and who is asked until when."""

    pipeline: str
    scope: Scope
    status: str

    def __init__(self) -> None:
        """Begin with nothing asked."""
        super().__init__()
        self.agent = ""
        self.caps: tuple[Cap, ...] = ()
        self.uncapped = False
        self.review = ReviewPolicy()
        self.declined: Decision | None = None
        self._asked = 0

    @property
    @abstractmethod
    def spent(self) -> Spend:
        """What was spent so far."""

    @abstractmethod
    def stage(self, status: str, agent: str = "") -> None:
        """Show where the flow stands."""

    def question(self, title: str, reason: str, options: tuple[Choice, ...], **about: object) -> Question:
        """Put a question to people, under an id of its own; also in a new run, and the same again after a reset.

        `about` is what it shows besides; without an artefact or calls it is bound to its own words.
        """
        self._asked += 1
        info, policy, at = workflow.info(), self.review, workflow.now()
        question = Question(
            id=f"{info.workflow_id}?{info.original_execution_run_id[-12:]}.{self._asked}",
            workflow=info.workflow_id,
            scope=self.scope,
            title=title,
            reason=preview(reason, 1_000),
            digest=digest_of_words(title, reason),
            options=options,
            micro_usd=self.spent.micro_usd,
            asked_at=at,
            owner=policy.owner,
            least=policy.least,
            reminders=policy.moments(at),
            due_at=at + policy.deadline,
            then=policy.then,
            fallback=policy.fallback,
        )
        return question.model_copy(update=about)

    async def funded(self, reason: str, purse: Purse, talk: Talk | None = None) -> bool:
        """Ask for money; tells whether there is some now. `declined` keeps the answer of a person who gave none."""
        question = self.question(
            f"{self.pipeline}: more money?",
            reason,
            ("top_up", "reject"),
            kind="budget",
            account=purse.account,
            needs_micro_usd=purse.needs,
        )
        decision = await self._put(question)
        if decision.choice != "top_up":
            return False
        if decision.micro_usd:
            await top_up_budget(
                TopUp(
                    account=purse.account,
                    micro_usd=decision.micro_usd,
                    by=decision.by,
                    key=question.id,
                    conversation=talk.conversation if talk else "",
                    note=preview(decision.note),
                )
            )
        self.take_cap(await read_budget(self.caps[0].account))
        self.stage(self.status, self.agent)
        return True

    async def let_go_on(self, reason: str) -> Note | None:
        """Ask whether a paused conversation may go on; returns what the person says to it, or None to end it."""
        title = f"{self.pipeline}: may it go on?"
        decision = await self._put(self.question(title, reason, ("approve", "revise", "reject"), kind="pause"))
        if decision.choice == "reject":
            return None
        return Note(kind="person", text=f"{decision.by} answers: {decision.note or 'Go on.'}")

    async def agree(self, calls: tuple[GatedCall, ...]) -> tuple[CallRuling, ...]:
        """Ask about tool calls that need a person's agreement; returns what was said to each."""
        agent = self.agent
        tools = ", ".join(dict.fromkeys(call.tool for call in calls))
        why = "; ".join(dict.fromkeys(call.why for call in calls))
        digest = digest_of_words(*(call.digest for call in calls)) if len(calls) > 1 else calls[0].digest
        title = f"{agent or self.pipeline}: may it call {tools}?"
        question = self.question(title, why, ("approve", "edit", "reject"), kind="calls", calls=calls, digest=digest)
        decisions = await self.hear(question)
        shown = {call.call_id: call.digest for call in calls}
        return tuple(
            CallRuling(
                call_id=each.call,
                agreed=each.choice in {"approve", "edit"},
                by=each.by,
                digest=shown[each.call],
                note=preview(each.note),
                edited=each.edited if each.choice == "edit" else "",
            )
            for each in decisions
        )

    async def _put(self, question: Question) -> Decision:
        """Ask; `declined` keeps the answer of a person who ends the work."""
        decision = await self.ask(question)
        if decision.choice == "reject":
            self.declined = decision
        return decision

    def take_cap(self, standing: Standing) -> None:
        """Show from now on what the ledger says is this flow's cap; somebody may have taken it away."""
        self.uncapped = standing.cap is None and standing.spent > 0  # without a charge it may not be opened yet
        if standing.cap is not None:
            self.caps = (Cap(account=standing.account, micro_usd=standing.cap), *self.caps[1:])
