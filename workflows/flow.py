"""What every flow can do: consult an agent, ask a person, show where it stands, and stop where its money ends."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast

from pydantic import BaseModel
from temporalio import workflow

from workflows.agent import Agent, Conversation, Ended, Terms
from workflows.approval import Reviewable
from workflows.calls import read_budget, top_up_budget
from workflows.models import (
    Arrival,
    Cap,
    Choice,
    Contract,
    Decision,
    Note,
    Patience,
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
from workflows.recorded import Recorded
from workflows.tracing import AGENT, COST_USD, PIPELINE, RUN, STATUS, dollars

T = TypeVar("T", bound=BaseModel)

LOOK_AGAIN = timedelta(minutes=15)
"""How long a batched reply is waited for before it is looked for without a signal."""


class Flow(Recorded, Reviewable):
    """The verbs that pipelines, items and single agents are written in."""

    def __init__(self) -> None:
        """Begin with nothing spent."""
        super().__init__()
        self.waiting = ""
        self.contract = Contract(goal="")
        self.caps: tuple[Cap, ...] = ()
        self.uncapped = False
        self.review = ReviewPolicy()
        self.patience: Patience = "now"
        self.agent = ""
        self.declined: Decision | None = None
        self._talking: dict[Conversation[BaseModel], Spend] = {}
        self._asking = asyncio.Lock()
        self._consulted = 0
        self._asked = 0
        self._arrived: set[tuple[str, int]] = set()

    @workflow.signal(name="reply_arrived", description="The reply of a batched call is in the store")
    def reply_arrived(self, arrival: Arrival) -> None:
        """Remember it until somebody looks."""
        self._arrived.add((arrival.conversation, arrival.head))

    @property
    def spent(self) -> Spend:
        """What was spent so far, the open conversations included."""
        newly = [each.talk.spend.less(before) for each, before in self._talking.items() if each.talk]
        return sum(newly, self.spend)

    @property
    def cap_micro_usd(self) -> int:
        """The cap of this flow's own account."""
        return self.caps[0].micro_usd if self.caps else 0

    def begin(
        self, scope: Scope, contract: Contract, caps: tuple[Cap, ...], review: ReviewPolicy, patience: Patience
    ) -> None:
        """Say for whom, for what and for how much this flow works, who is asked, and whether it can wait."""
        self.scope, self.contract, self.caps, self.review, self.patience = scope, contract, caps, review, patience
        workflow.upsert_search_attributes([PIPELINE.value_set(self.pipeline), RUN.value_set(scope.run)])

    def stage(self, status: str, agent: str = "") -> None:
        """Show where the flow stands, to the list and to the page of the Temporal UI."""
        self.status, self.agent = status, agent
        cost = self.spent.micro_usd
        workflow.upsert_search_attributes(
            [STATUS.value_set(status), AGENT.value_set(agent), COST_USD.value_set(cost / 1_000_000)]
        )
        workflow.set_current_details(self.details())

    def waits(self, reason: str) -> None:
        """Show what is waited for, other than people; nothing when the wait is over."""
        self.waiting = preview(reason)
        workflow.upsert_search_attributes([STATUS.value_set("waiting" if reason else self.status)])
        workflow.set_current_details(self.details())

    def details(self) -> str:
        """Describe the flow in Markdown, for the Temporal UI."""
        spent = self.spent
        who = f" · {self.agent}" if self.agent else ""
        money = f"{dollars(spent.micro_usd)} of {dollars(self.cap_micro_usd)}"
        waiting = f"\n\nwaits for {self.waiting}" if self.waiting else ""
        return f"**{self.status}**{who}\n\n{money} · {spent.turns} turns · {spent.tool_calls} tool calls{waiting}"

    def terms(self, **more: object) -> Terms[Any]:
        """Make the terms that every conversation of this flow shares."""
        terms = Terms[Any](
            scope=self.scope,
            contract=self.contract,
            pipeline=self.pipeline,
            caps=self.caps,
            patience=self.patience,
            waits=self.waits,
            arrival=self.arrival,
        )
        return replace(terms, **more)  # type: ignore[arg-type]

    def question(self, title: str, reason: str, options: tuple[Choice, ...]) -> Question:
        """Put a question to a person, under an id of its own, also after the flow went on in a new run."""
        self._asked += 1
        info = workflow.info()
        return Question(
            id=f"{info.workflow_id}?{info.run_id[-12:]}.{self._asked}",
            scope=self.scope,
            title=title,
            reason=preview(reason, 1_000),
            options=options,
            micro_usd=self.spent.micro_usd,
            owner=self.review.owner,
            asked_at=workflow.now(),
            remind_after=self.review.remind_after,
            deadline=self.review.deadline,
            fallback=self.review.fallback,
        )

    async def consult(
        self, agent: Agent[T], task: str, terms: Terms[T] | None = None, images: tuple[str, ...] = ()
    ) -> Ended[T]:
        """Open a conversation with an agent and bring it to its end."""
        conversation = Conversation(agent, terms or self.terms())
        return await self.converse(conversation, await conversation.open(self.name(agent.name), task, images))

    def name(self, agent: str) -> str:
        """Name the next conversation: unique for ever, and the same again after a reset.

        A run's id begins with the time, so two runs of one workflow id differ only towards its end.
        """
        self._consulted += 1
        info = workflow.info()
        return f"{info.workflow_id}#{info.first_execution_run_id[-12:]}/{self._consulted}.{agent}"

    async def converse(self, conversation: Conversation[T], talk: Talk) -> Ended[T]:
        """Carry an open conversation on; where money ends or a guard asks, a person decides whether it goes on."""
        while True:
            ended = await self._carry_on(conversation, talk)
            if ended.out_of_money and await self.funded(ended.reason, ended.talk.transcript.purse, ended.talk):
                talk = ended.talk.funded(workflow.now())
            elif ended.paused and (note := await self.let_go_on(ended.reason)) is not None:
                talk = ended.talk.reopened(note, workflow.now())
            else:
                return ended

    async def funded(self, reason: str, purse: Purse, talk: Talk | None = None) -> bool:
        """Ask for money; tells whether there is some now. `declined` keeps the answer of a person who gave none."""
        question = self.question(f"{self.pipeline}: more money?", reason, ("top_up", "reject", "reassign"))
        about = {"kind": "budget", "account": purse.account, "needs_micro_usd": purse.needs}
        decision = await self._put(question.model_copy(update=about))
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
        workflow.set_current_details(self.details())
        return True

    async def let_go_on(self, reason: str) -> Note | None:
        """Ask whether a paused conversation may go on; returns what the person says to it, or None to end it."""
        title = f"{self.pipeline}: may it go on?"
        decision = await self._put(self.question(title, reason, ("approve", "revise", "reject", "reassign")))
        if decision.choice == "reject":
            return None
        return Note(kind="person", text=f"{decision.by} answers: {decision.note or 'Go on.'}")

    async def _put(self, question: Question) -> Decision:
        """Ask, one after the other, and show it; `declined` keeps the answer of a person who ends the work."""
        async with self._asking:
            status, agent = self.status, self.agent
            self.stage("awaiting_review")
            decision = await self.ask(question)
            if decision.choice == "reject":
                self.declined = decision
            else:
                self.stage(status, agent)
            return decision

    def take_cap(self, standing: Standing) -> None:
        """Show from now on what the ledger says is this flow's cap; somebody may have taken it away."""
        self.uncapped = standing.cap is None and standing.spent > 0  # without a charge it may not be opened yet
        if standing.cap is not None:
            self.caps = (Cap(account=standing.account, micro_usd=standing.cap), *self.caps[1:])

    async def arrival(self, conversation: str, head: int) -> None:
        """Wait for the signal that a batched reply is there, or until it is time to look without one."""
        self.waits("the reply of a batch")
        with contextlib.suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: (conversation, head) in self._arrived, timeout=LOOK_AGAIN, timeout_summary="a batched reply"
            )
        self._arrived.discard((conversation, head))
        self.waits("")

    async def _carry_on(self, conversation: Conversation[T], talk: Talk) -> Ended[T]:
        """Run a conversation to its next end, and book what it cost."""
        conversation.talk = talk
        talking = cast("Conversation[BaseModel]", conversation)
        self._talking[talking] = talk.spend
        try:
            return await conversation.run(talk)
        finally:
            before = self._talking.pop(talking)
            self.spend += (conversation.talk or talk).spend.less(before)


HISTORY_EVENTS = 2_000
HISTORY_BYTES = 1_000_000


def history_is_full() -> bool:
    """Tell, between turns, that the flow should go on in a new run: long before the server would insist."""
    info = workflow.info()
    full = info.get_current_history_length() > HISTORY_EVENTS or info.get_current_history_size() > HISTORY_BYTES
    return full or info.is_continue_as_new_suggested()
