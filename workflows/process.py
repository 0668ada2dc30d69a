"""A process of any shape: the base of a pipeline of your own, written in plain Python with the verbs of a flow."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel
from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from workflows.agent import Agent, Conversation, Ended, Terms
from workflows.flow import Flow
from workflows.models import Cap, Choice, Contract, Note, Question, Scope, Talk, WorkOrder, WorkState
from workflows.terms import GATE, grant
from workflows.tracing import invocation_name

T = TypeVar("T", bound=BaseModel)

ENDS = {"complete", "partial", "failed", "cancelled"}
"""What a process may show at its end; without any of them it is complete."""


class Process(Flow):
    """What your workflow inherits. All work happens inside `working`, and nothing can be consulted or asked outside.

    The verbs: `consult` an agent, `ask` a person a `question`, do `each` of many things side by side (workflows.each),
    and let a tool that needs clearance act on what was `cleared`.
    """

    def __init__(self) -> None:
        """Begin with no order."""
        super().__init__()
        self._ordered: WorkOrder | None = None

    @workflow.query(name="state", description="Where this process stands")
    def state(self) -> WorkState:
        """Tell where the process stands."""
        asked = self.open_question()
        return WorkState(
            id=workflow.info().workflow_id,
            pipeline=self.pipeline,
            status=self.standing,
            goal=self.contract.goal,
            agent=self.agent,
            question=asked.reason if asked else "",
            waiting=self.waiting,
            started_at=workflow.info().start_time,
            spend=self.spent,
            cap_micro_usd=self.cap_micro_usd,
        )

    @contextlib.asynccontextmanager
    async def working(self, order: WorkOrder) -> AsyncIterator[None]:
        """Work under an order: its contract, its cap, its people. The beginning and the end are kept and shown."""
        info = workflow.info()
        self._ordered, self.pipeline = order, self.pipeline or invocation_name(info.workflow_type)
        contract = Contract(goal=order.goal, constraints=order.constraints, acceptance=order.acceptance)
        caps = (Cap(account=f"run:{info.workflow_id}", micro_usd=order.micro_usd),)
        self.begin(Scope(run=info.workflow_id, tenant=order.tenant), contract, caps, order.review, order.patience)
        async with self.recorded(order.traceparent):
            self.stage("working")
            try:
                yield
            except (FailureError, asyncio.CancelledError) as error:  # a bug is retried, and is no end
                self.stage("cancelled" if is_cancelled_exception(error) else "failed")
                raise
            self.stage(self.status if self.status in ENDS else "complete")
            await workflow.wait_condition(workflow.all_handlers_finished)  # a late answer leaves its notice first

    async def consult(
        self, agent: Agent[T], task: str, terms: Terms[T] | None = None, images: tuple[str, ...] = ()
    ) -> Ended[T]:
        """Bring a conversation with an agent to its end; `output` is what it hands in, of the agent's type."""
        ordered = self._ordered or self._not_working()
        self.stage(self.status, agent.name)
        on = replace(agent, model=ordered.model) if ordered.model else agent
        return await super().consult(on, f"## Contract\n{self.contract.text()}\n\n## Task\n{task}\n", terms, images)

    async def converse(self, conversation: Conversation[T], talk: Talk) -> Ended[T]:
        """Carry it on; where it ends without an output, a person may tell the agent what to do, or end it."""
        while True:
            ended = await super().converse(conversation, talk)
            if ended.output is not None or ended.out_of_money or ended.paused:
                return ended  # of the latter two a person was asked already, and said no
            title = f"{self.pipeline}: {conversation.agent.name} cannot go on"
            asks = self.question(title, ended.reason, ("answer", "revise", "reject"), kind="question")
            decision = await self.ask(asks)
            if decision.choice == "reject":
                return ended
            talk = ended.talk.reopened(
                Note(kind="person", text=f"{decision.by} answers: {decision.note}"), workflow.now()
            )

    def terms(self, **more: object) -> Terms[Any]:
        """Make the terms of a conversation; `accept`, `returns` and `guards` may be given."""
        if self._ordered is None:
            self._not_working()
        return super().terms(**more)

    def cleared(self, *things: str, by: str = GATE, **more: object) -> Terms[Any]:
        """Make terms under which tools with `permit` may act on these things alone; `by` is the person who said so."""
        return self.terms(grants=tuple(grant(thing, by) for thing in things), **more)

    def question(
        self, title: str, reason: str, options: tuple[Choice, ...] = ("approve", "reject"), **about: object
    ) -> Question:
        """Put a question to whoever the order's review policy names."""
        if self._ordered is None:
            self._not_working()
        return super().question(title, reason, options, **about)

    def _not_working(self) -> NoReturn:
        # Without an order nothing has a cap and nobody an owner, so this ends the workflow instead of retrying it.
        problem = (
            f"{type(self).__name__} works without an order; fix: put its work inside `async with self.working(order):`"
        )
        raise ApplicationError(problem, type="NotWorking", non_retryable=True)
