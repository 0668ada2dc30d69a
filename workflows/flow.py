"""What every flow can do: consult an agent, ask a person, show where it stands, and keep to its purse."""

from dataclasses import replace
from typing import Any, TypeVar, cast

from pydantic import BaseModel
from temporalio import workflow

from workflows.agent import Agent, Conversation, Ended, Terms
from workflows.approval import Reviewable
from workflows.models import Choice, Contract, Question, ReviewPolicy, Scope, Spend, Talk, preview
from workflows.tracing import AGENT, COST_USD, PIPELINE, RUN, STATUS, dollars

T = TypeVar("T", bound=BaseModel)


class Flow(Reviewable):
    """The verbs that pipelines, items and single agents are written in."""

    pipeline = ""

    def __init__(self) -> None:
        """Begin with nothing spent."""
        super().__init__()
        self.status = ""
        self.spend = Spend()
        self.scope = Scope(run="")
        self.contract = Contract(goal="")
        self.cap_micro_usd = 0
        self.agent = ""
        self._conversation: Conversation[BaseModel] | None = None
        self._before = Spend()
        self._consulted = 0
        self._asked = 0

    @property
    def spent(self) -> Spend:
        """What was spent so far, the open conversation included."""
        talk = self._conversation.talk if self._conversation else None
        return self.spend + talk.spend.less(self._before) if talk else self.spend

    def purse(self) -> int:
        """Tell what is left to spend, in micro-dollars."""
        return max(self.cap_micro_usd - self.spent.micro_usd, 0)

    def begin(self, scope: Scope, contract: Contract, cap_micro_usd: int) -> None:
        """Say for whom, for what and for how much this flow works."""
        self.scope, self.contract, self.cap_micro_usd = scope, contract, cap_micro_usd
        workflow.upsert_search_attributes([PIPELINE.value_set(self.pipeline), RUN.value_set(scope.run)])

    def stage(self, status: str, agent: str = "") -> None:
        """Show where the flow stands, to the list and to the page of the Temporal UI."""
        self.status, self.agent = status, agent
        cost = self.spent.micro_usd
        workflow.upsert_search_attributes(
            [STATUS.value_set(status), AGENT.value_set(agent), COST_USD.value_set(cost / 1_000_000)]
        )
        workflow.set_current_details(self.details())

    def details(self) -> str:
        """Describe the flow in Markdown, for the Temporal UI."""
        spent = self.spent
        who = f" · {self.agent}" if self.agent else ""
        money = f"{dollars(spent.micro_usd)} of {dollars(self.cap_micro_usd)}"
        return f"**{self.status}**{who}\n\n{money} · {spent.turns} turns · {spent.tool_calls} tool calls"

    def terms(self, **more: object) -> Terms[Any]:
        """Make the terms that every conversation of this flow shares."""
        return replace(Terms(scope=self.scope, contract=self.contract, purse=self.purse), **more)  # type: ignore[arg-type]

    def question(self, title: str, reason: str, options: tuple[Choice, ...], policy: ReviewPolicy) -> Question:
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
            owner=policy.owner,
            asked_at=workflow.now(),
            remind_after=policy.remind_after,
            deadline=policy.deadline,
            fallback=policy.fallback,
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
        """Carry an open conversation on, and book what it cost."""
        self._conversation, self._before = cast("Conversation[BaseModel]", conversation), talk.spend
        conversation.talk = talk
        try:
            return await conversation.run(talk)
        finally:
            self.spend, self._conversation = self.spent, None


HISTORY_EVENTS = 2_000
HISTORY_BYTES = 1_000_000


def history_is_full() -> bool:
    """Tell, between turns, that the flow should go on in a new run: long before the server would insist."""
    info = workflow.info()
    full = info.get_current_history_length() > HISTORY_EVENTS or info.get_current_history_size() > HISTORY_BYTES
    return full or info.is_continue_as_new_suggested()
