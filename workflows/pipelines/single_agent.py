"""One durable agent with any tools and a goal, all guards on."""

from typing import NoReturn

from temporalio import workflow

from workflows.agent import DEFAULT_MODEL, Agent, Conversation, Ended
from workflows.flow import Flow
from workflows.history import go_on, history_is_full
from workflows.models import (
    AgentOrder,
    AgentOutcome,
    AgentState,
    Answer,
    Cap,
    Contract,
    Note,
    Question,
    Scope,
    Talk,
    preview,
)

INSTRUCTIONS = """You are the assistant of one run.
Reach the goal of the contract with the tools you have. Use only ids that a tool gave you; when a tool refuses, read its
hint and correct the call. When you cannot go on, ask for a person. When the goal is reached, hand in your answer as
JSON."""


@workflow.defn(name="SingleAgent")
class SingleAgent(Flow):
    """Runs one agent until it has an answer, or a person ends it."""

    pipeline = "single_agent"

    @workflow.init
    def __init__(self, order: AgentOrder) -> None:
        """Begin with what an earlier run of this agent was asking, so that answers that arrive first find it."""
        super().__init__()
        self._order, self._docket = order, order.docket

    @workflow.run
    async def run(self, order: AgentOrder) -> AgentOutcome:
        """Work towards the goal; where it cannot go on, ask a person, and go on with the answer."""
        conversation = self.take_order(order)
        async with self.recorded(order.traceparent):
            outcome = await self.work(order, conversation)
        await workflow.wait_condition(workflow.all_handlers_finished)  # a late answer leaves its notice first
        return outcome

    async def work(self, order: AgentOrder, conversation: Conversation[Answer]) -> AgentOutcome:
        """Carry the conversation on until there is an answer, or a person ends it."""
        talk = order.talk or await conversation.open(self.name(conversation.agent.name), self._task())
        while True:
            ended = await self.converse(conversation, talk)
            if ended.output is not None or self.declined is not None:
                note = self.declined.note if self.declined else ""
                return self._outcome(ended, note or ended.reason)
            if ended.carried:
                await workflow.wait_condition(workflow.all_handlers_finished)
                self._go_on_with(ended.talk.resumed())
            decision = await self.ask(self._question_about(ended))
            if decision.choice == "reject":
                return self._outcome(ended, decision.note or ended.reason)
            note = decision.note or "Go on."
            talk = ended.talk.reopened(Note(kind="person", text=f"{decision.by} answers: {note}"), workflow.now())

    def must_carry(self) -> bool:
        """Go on in a new run while people are asked, except in the middle of a turn."""
        question = self.open_question()
        return self.resting is not None and question is not None and question.kind != "calls" and history_is_full()

    def carry_docket(self) -> NoReturn:
        """Take the open question along: the conversation ends there in the same way, and asks it again."""
        self._go_on_with(self.resting)

    def _go_on_with(self, talk: Talk | None) -> NoReturn:
        go_on(self._order.model_copy(update={"talk": talk, "docket": self._docket}))

    @workflow.query(name="state", description="Where this agent stands")
    def state(self) -> AgentState:
        """Tell where the agent stands."""
        question = self.open_question()
        return AgentState(
            id=workflow.info().workflow_id,
            status=self.standing,
            goal=self.contract.goal,
            turn=self.spent.turns,
            question=question.reason if question else "",
            waiting=self.waiting,
            spend=self.spent,
            cap_micro_usd=self.cap_micro_usd,
        )

    def take_order(self, order: AgentOrder) -> Conversation[Answer]:
        """Bind the flow to its order."""
        contract = Contract(goal=order.goal, constraints=order.constraints, acceptance=order.acceptance)
        run = workflow.info().workflow_id
        caps = (Cap(account=f"run:{run}", micro_usd=order.limits.micro_usd), *order.caps)
        self.begin(Scope(run=run, tenant=order.tenant), contract, caps, order.review, order.patience)
        if order.talk:
            self.spend = order.talk.spend  # by the runs before this one
        agent = Agent(
            name="assistant",
            instructions=order.instructions or INSTRUCTIONS,
            output=Answer,
            tools=order.tools,
            model=order.model or DEFAULT_MODEL,
            fallbacks=order.fallbacks,
            limits=order.limits,
        )
        self.stage("working", agent.name)
        return Conversation(agent, self.terms(carry_on=history_is_full))

    def _task(self) -> str:
        return f"## Contract\n{self.contract.text()}\n"

    def _question_about(self, ended: Ended[Answer]) -> Question:
        goal = preview(self.contract.goal, 120)
        return self.question(goal, ended.reason, ("answer", "revise", "reject"), kind="question")

    def _outcome(self, ended: Ended[Answer], reason: str = "") -> AgentOutcome:
        status = "complete" if ended.output else "failed"
        self.stage(status)
        return AgentOutcome(
            status=status,
            answer=ended.output.answer if ended.output else "",
            reason=reason,
            conversation=ended.talk.conversation,
            spend=self.spend,
        )
