"""A conversation: the durable turn loop of one agent."""

from typing import Generic, Literal

from pydantic import ValidationError
from temporalio import workflow

from workflows.asking import Asking
from workflows.calls import (
    close_conversation,
    compact_conversation,
    heed_cancellation,
    judge_drift,
    open_conversation,
)
from workflows.guards import rule
from workflows.guards.budget import calls_left
from workflows.holding import Holds
from workflows.models import (
    Ask,
    Cap,
    Closing,
    Compact,
    Cut,
    End,
    Halt,
    Judge,
    JudgeRequest,
    LastTurn,
    Note,
    Nudge,
    Opening,
    Remind,
    Reply,
    Ruling,
    Talk,
    preview,
)
from workflows.terms import DEFAULT_MODEL, Agent, Ended, T, Terms
from workflows.tool_use import Using

__all__ = ["DEFAULT_MODEL", "Agent", "Conversation", "Ended", "Terms"]

RULINGS_PER_TURN = 8
LOST = "not executed: the tool did not answer, or the cap on tool calls was reached"
NOT_RUN = "not executed: the reply was already an answer"
CUT_OFF = "The reply was cut off at its output limit; none of its calls was run."
WINDOW_FULL = "The context window was full. Go on from where you stood, and be brief."


class Conversation(Generic[T]):
    """Runs one agent, turn by turn. Every reply, fit or not, becomes a value; nothing a model says can raise here."""

    def __init__(self, agent: Agent[T], terms: Terms[T]) -> None:
        """Bind an agent to the terms of its work."""
        self.agent, self._terms = agent, terms
        self._scope = terms.scope.model_copy(update={"agent": agent.name})
        self._holds = Holds(terms.hold)
        self._asking, self._using = Asking(agent, terms, self._holds), Using(agent, terms, self._holds)
        self._output: T | None = None
        self.talk: Talk | None = None

    async def run(self, talk: Talk) -> Ended[T]:
        """Take turns until there is an answer, a halt, a question to a person, or the history is full."""
        while (talk := await self._heed(talk)).end is None:
            talk, reply = await self._asking.reply(talk)
            left, talk = calls_left(talk.transcript), talk.heard(reply)
            self.talk = talk
            heed_cancellation()  # the reply counts, but nothing that it asks for is done any more
            talk = await self._using.answer(talk, reply, left)
            talk = self._weigh(await self._terms.attend(talk), reply)
        return Ended(talk=await self._put_away(talk, talk.end), output=self._output)

    async def open(self, conversation: str, task: str, images: tuple[str, ...] = ()) -> Talk:
        """Pin the agent and hand it its task."""
        info = workflow.info()
        opening = Opening(
            conversation=conversation,
            scope=self._scope,
            agent=self.agent.name,
            instructions=self.agent.instructions,
            output_schema=self.agent.output.model_json_schema(),
            tools=self.agent.tools,
            model=self.agent.model,
            effort=self.agent.effort,
            limits=self.agent.limits,
            contract=self._terms.contract,
            task=task,
            images=images,
            workflow_id=info.workflow_id,
            workflow_run_id=info.run_id,
            pipeline=self._terms.pipeline,
            caps=(Cap(account=f"agent:{conversation}", micro_usd=self.agent.limits.micro_usd), *self._terms.caps),
        )
        return Talk.opened(opening, await open_conversation(opening), workflow.now())

    async def _heed(self, talk: Talk) -> Talk:
        """Obey the guards, one ruling after the other, until they have nothing left to say."""
        heed_cancellation()
        for _ in range(RULINGS_PER_TURN):
            talk = self.talk = talk.at(workflow.now())
            ruling = None if talk.end else rule(self._terms.guards, talk.transcript)
            if ruling is None:
                break
            talk = await self._obey(talk, ruling)
        if talk.end is None and talk.turn and self._terms.carry_on():
            return talk.ended(End(kind="carried"))
        return talk

    async def _obey(self, talk: Talk, ruling: Ruling) -> Talk:
        match ruling:
            case Halt() | Ask():
                halt = ruling.kind if isinstance(ruling, Halt) else None
                kind: Literal["halted", "asks"] = "halted" if halt else "asks"
                return talk.ended(End(kind=kind, halt=halt, reason=ruling.reason, paused=halt is None, ruled=True))
            case Compact(keep=keep):
                return await self._compact(talk, keep)
            case Judge():
                return await self._judge(talk)
            case LastTurn(text=text):
                last = talk.told(Note(kind="last_turn", text=text), last_turn_given=True)
                return last.model_copy(update={"without_tools": True})
            case Nudge(text=text):
                return talk.told(Note(kind="nudge", text=text), nudged_at=talk.turn)
            case Remind(text=text):
                return talk.told(Note(kind="remind", text=text), reminded_at=talk.turn)

    async def _compact(self, talk: Talk, keep: int) -> Talk:
        cut = Cut(
            conversation=talk.conversation,
            scope=self._scope,
            head=talk.head,
            turn=talk.turn,
            keep=keep,
            window=talk.transcript.limits.window,
            model=talk.model,
        )
        compacted = await self._holds.through(lambda: compact_conversation(cut))
        talk = talk.idled(self._holds.taken())
        return talk.charged(compacted.purse).with_transcript(context=compacted.context, compacted_at=talk.turn)

    async def _judge(self, talk: Talk) -> Talk:
        request = JudgeRequest(
            conversation=talk.conversation,
            scope=self._scope,
            head=talk.head,
            turn=talk.turn,
            turns=talk.transcript.limits.judge_every,
            model=talk.model,
        )
        judged = await self._holds.through(lambda: judge_drift(request))
        talk = talk.idled(self._holds.taken()).charged(judged.purse)
        if not judged.drifts:
            return talk.with_transcript(judged_at=talk.turn, drifts=0)
        found = preview(judged.reason)
        note = Note(kind="nudge", text=f"Somebody looked at your last turns. {found} Keep to the contract.")
        return talk.told(note, judged_at=talk.turn, drifts=talk.transcript.drifts + 1, drift=found)

    def _weigh(self, talk: Talk, reply: Reply) -> Talk:
        """Look at what the reply was for: an answer, a cut-off text, or a step on the way."""
        if reply.stop == "tool_use" and reply.calls:
            return talk.model_copy(update={"interrupted": LOST if talk.has_lost_calls else ""})
        if reply.stop == "max_tokens":
            wider = talk.transcript.limits.widened(self.agent.limits)
            cut = talk.told(Note(kind="cut_off", text=CUT_OFF), limits=wider)
            return cut.model_copy(update={"interrupted": CUT_OFF})
        if reply.stop == "context_exceeded":  # also in the middle of a reply, which then stands in the conversation
            return talk.told(Note(kind="cut_off", text=WINDOW_FULL))
        if reply.stop not in ("end_turn", "tool_use"):
            return talk
        return self._accept_or_return(talk.model_copy(update={"interrupted": NOT_RUN}), reply)

    def _accept_or_return(self, talk: Talk, reply: Reply) -> Talk:
        """Take the output, or send it back with the precise error; after the last correction it is a halt."""
        try:
            output = self.agent.output.model_validate_json(reply.output or "")
        except ValidationError as error:
            return self._send_back(talk, describe(error), fits=False)
        if (problem := self._terms.accept(output)) is not None:
            return self._send_back(talk, problem, fits=True)
        self._output = output
        return talk.ended(End(kind="answered"))

    def _send_back(self, talk: Talk, problem: str, *, fits: bool) -> Talk:
        sent, most = (talk.returns, self._terms.returns) if fits else (talk.repairs, self.agent.limits.repairs)
        if sent < most:
            return talk.sent_back(problem, fits=fits)
        reason = f"the output did not fit after {sent} correction{'' if sent == 1 else 's'}: {preview(problem)}"
        return talk.ended(End(kind="halted", halt="output", reason=reason))

    async def _put_away(self, talk: Talk, end: End) -> Talk:
        """Keep how it ended, unless it goes on in a new run."""
        if end.kind == "carried":
            return talk
        closing = Closing(
            conversation=talk.conversation,
            scope=self._scope,
            turn=talk.turn,
            kind=end.halt or end.kind,
            reason=preview(end.reason),
            ruled=end.ruled,
            at=workflow.now(),
        )
        return talk.billed((await close_conversation(closing)).purse.total)


def describe(error: ValidationError) -> str:
    """Join every problem with its path, bounded."""
    problems = (f"{'.'.join(map(str, item['loc'])) or 'output'}: {item['msg']}" for item in error.errors())
    return "; ".join(problems)[:2_000]
