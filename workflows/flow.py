"""What every flow can do: consult an agent, ask a person, show where it stands, and stop where its money ends."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from operator import add
from typing import Any, TypeVar, cast

from pydantic import BaseModel
from temporalio import workflow

from workflows.agent import Agent, Conversation, Ended, Terms
from workflows.escalation import Escalation
from workflows.models import (
    Arrival,
    Cap,
    Contract,
    Decision,
    Patience,
    Question,
    ReviewPolicy,
    Scope,
    Spend,
    Talk,
    preview,
)
from workflows.recorded import Recorded
from workflows.tracing import AGENT, COST_USD, PIPELINE, RUN, STATUS, TENANT, conversation_id, dollars

T = TypeVar("T", bound=BaseModel)

LOOK_AGAIN = timedelta(minutes=15)
"""How long a batched reply is waited for before it is looked for without a signal."""
FIRST_LOOK, LAST_LOOK = timedelta(minutes=1), timedelta(hours=1)
"""How long a paused flow waits before it looks without a signal; each wait is twice the one before, up to the last."""


class Flow(Recorded, Escalation):
    """The verbs that pipelines, items and single agents are written in."""

    def __init__(self) -> None:
        """Begin with nothing spent."""
        super().__init__()
        self.waiting = ""
        self.contract = Contract(goal="")
        self.patience: Patience = "now"
        self.resting: Talk | None = None
        self._talking: dict[Conversation[BaseModel], Spend] = {}
        self._asking = asyncio.Lock()
        self._shown: tuple[str, str, int] | None = None
        self._consulted = 0
        self._arrived: set[tuple[str, int]] = set()
        self._releases = 0
        self._paused = False
        self._looks = 0

    @workflow.signal(name="reply_arrived", description="The reply of a batched call is in the store")
    def reply_arrived(self, arrival: Arrival) -> None:
        """Remember it until somebody looks."""
        self._arrived.add((arrival.conversation, arrival.head))

    @workflow.signal(name="released", description="Operators ended a pause")
    def released(self) -> None:
        """Have everything that is held back asked for again."""
        self._releases += 1

    @property
    def standing(self) -> str:
        """Say where the flow stands, a pause included."""
        return "paused" if self._paused else self.status

    @property
    def spent(self) -> Spend:
        """What was spent so far, the open conversations included."""
        newly = [each.talk.spend.less(before) for each, before in self._talking.items() if each.talk]
        return reduce(add, newly, self.spend)

    @property
    def talk(self) -> Talk | None:
        """The conversation that was opened last, as far as it has come; None between two."""
        return next(reversed([each.talk for each in self._talking]), None)

    @property
    def cap_micro_usd(self) -> int:
        """The cap of this flow's own account."""
        return self.caps[0].micro_usd if self.caps else 0

    def begin(
        self, scope: Scope, contract: Contract, caps: tuple[Cap, ...], review: ReviewPolicy, patience: Patience
    ) -> None:
        """Say for whom, for what and for how much this flow works, who is asked, and whether it can wait."""
        self.scope, self.contract, self.caps, self.review, self.patience = scope, contract, caps, review, patience
        workflow.upsert_search_attributes(
            [PIPELINE.value_set(self.pipeline), RUN.value_set(scope.run), TENANT.value_set(scope.tenant)]
        )

    def stage(self, status: str, agent: str = "") -> None:
        """Show where the flow stands, to the list and to the page of the Temporal UI."""
        self.status, self.agent = status, agent
        cost = self.spent.micro_usd
        if (shown := (status, agent, cost)) != self._shown:
            self._shown = shown
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
        return f"**{self.standing}**{who}\n\n{money} · {spent.turns} turns · {spent.tool_calls} tool calls{waiting}"

    def terms(self, **more: object) -> Terms[Any]:
        """Make the terms that every conversation of this flow shares."""
        terms = Terms[Any](
            scope=self.scope,
            contract=self.contract,
            pipeline=self.pipeline,
            caps=self.caps,
            patience=self.patience,
            waits=self.waits,
            hold=self.hold,
            arrival=self.arrival,
            agree=self.agree,
        )
        return replace(terms, **more)  # type: ignore[arg-type]

    async def consult(
        self, agent: Agent[T], task: str, terms: Terms[T] | None = None, images: tuple[str, ...] = ()
    ) -> Ended[T]:
        """Open a conversation with an agent and bring it to its end."""
        conversation = Conversation(agent, terms or self.terms())
        return await self.converse(conversation, await conversation.open(self.name(agent.name), task, images))

    def name(self, agent: str) -> str:
        """Name the next conversation."""
        self._consulted += 1
        info = workflow.info()
        return conversation_id(info.workflow_id, info.first_execution_run_id, self._consulted, agent)

    async def converse(self, conversation: Conversation[T], talk: Talk) -> Ended[T]:
        """Carry an open conversation on; where money ends or a guard asks, a person decides whether it goes on."""
        while True:
            ended = await self._carry_on(conversation, talk)
            self.resting = ended.talk
            if ended.out_of_money and await self.funded(ended.reason, ended.talk.transcript.purse, ended.talk):
                talk = ended.talk.funded(workflow.now())
            elif ended.paused and (note := await self.let_go_on(ended.reason)) is not None:
                talk = ended.talk.reopened(note, workflow.now())
            else:
                return ended

    async def hear(self, question: Question) -> tuple[Decision, ...]:
        """Ask, and show it; of work that goes on side by side, one question after the other."""
        async with self._asking:
            status, agent = self.status, self.agent
            self.stage("awaiting_review")
            decisions = await super().hear(question)
            self.stage(status, agent)
            return decisions

    async def arrival(self, conversation: str, head: int) -> None:
        """Wait for the signal that a batched reply is there, or until it is time to look without one."""
        self.waits("the reply of a batch")
        with contextlib.suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: (conversation, head) in self._arrived, timeout=LOOK_AGAIN, timeout_summary="a batched reply"
            )
        self._arrived.discard((conversation, head))
        self.waits("")

    async def hold(self, why: str) -> None:
        """Wait until operators end their pause, or until it is time to look; without a reason, the pause is over."""
        if not why:
            self._paused, self._looks = False, 0
            return self._show_pause("")
        releases, wait = self._releases, min(FIRST_LOOK * 2 ** min(self._looks, 10), LAST_LOOK)
        self._paused, self._looks = True, self._looks + 1
        self._show_pause(why)
        with contextlib.suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: self._releases > releases, timeout=wait, timeout_summary="paused: looks whether it still is"
            )
        return None

    def _show_pause(self, why: str) -> None:
        if (waiting := preview(why)) != self.waiting:
            self.waiting = waiting
            workflow.upsert_search_attributes([STATUS.value_set(self.standing)])
            workflow.set_current_details(self.details())

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
