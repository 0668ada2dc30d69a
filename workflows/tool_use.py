"""Runs the calls of a reply: the free ones at once, those that need it when a person has agreed."""

import asyncio
from collections.abc import Iterable
from typing import Generic

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import cause, use_tools
from workflows.holding import Holds
from workflows.models import Call, CallRuling, Note, Outcome, Outcomes, Refusal, Reply, Talk, ToolUse, preview
from workflows.terms import Agent, T, Terms


class Using(Generic[T]):
    """Answers every call of a reply exactly once, whatever becomes of it; nothing that a tool does can raise here."""

    def __init__(self, agent: Agent[T], terms: Terms[T], holds: Holds) -> None:
        """Bind the agent whose calls are run to the terms of its work."""
        self._agent, self._terms, self._holds = agent, terms, holds
        self._scope = terms.scope.model_copy(update={"agent": agent.name})

    async def answer(self, talk: Talk, reply: Reply, left: int) -> Talk:
        """Run the first `left` calls. The free ones do not wait for those that a person is asked about."""
        ran = await asyncio.gather(*(self._use(talk, batch) for batch in batches(reply, left)))
        done = [outcome for each in ran for outcome in each.each]
        gated = tuple(call for each in ran for call in each.gated)
        calls, notes = {call.id: call for call in reply.calls}, list[Note]()
        while gated:  # again, where what somebody edited does not fit, or what they saw is not what would run
            asked_at = workflow.now()
            rulings = await self._terms.agree(gated)
            talk = talk.idled(workflow.now() - asked_at)  # the time that people take is not the agent's
            ran = await asyncio.gather(*(self._ruled(talk, calls[ruling.call_id], ruling) for ruling in rulings))
            done += [outcome for each in ran for outcome in each.each]
            gated = tuple(call for each in ran for call in each.gated)
            notes += _edits(rulings, done)
        for note in notes:
            talk = talk.told(note)
        return talk.idled(self._holds.taken()).answered(tuple(done))

    async def _ruled(self, talk: Talk, call: Call, ruling: CallRuling) -> Outcomes:
        return await self._use(talk, (call,), (ruling,))

    async def _use(self, talk: Talk, batch: tuple[Call, ...], rulings: tuple[CallRuling, ...] = ()) -> Outcomes:
        use = ToolUse(
            conversation=talk.conversation,
            scope=self._scope,
            pin=talk.pin,
            position=talk.head - 1,
            calls=tuple(call.id for call in batch),
            key=f"{talk.conversation}:{talk.head - 1}",
            grants=(*self._terms.grants, *talk.grants),
            rulings=rulings,
        )
        try:
            return await self._holds.through(lambda: use_tools(use, batch, talk.turn))
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return Outcomes(each=tuple(lost(call, cause(error)) for call in batch))


def _edits(rulings: Iterable[CallRuling], done: Iterable[Outcome]) -> list[Note]:
    """Tell the agent which of its calls ran with other arguments: the results are of those."""
    ran = {outcome.call_id: outcome.tool for outcome in done}
    return [
        Note(
            kind="person",
            text=f"{ruling.by} changed the arguments of {ran[ruling.call_id]} ({ruling.call_id}) before it ran, to: "
            f"{preview(ruling.edited, 2_000)}",
        )
        for ruling in rulings
        if ruling.edited and ruling.call_id in ran
    ]


def batches(reply: Reply, left: int) -> list[tuple[Call, ...]]:
    """Group the first `left` calls of a reply: the reads of one queue together, every other call alone.

    The calls of a reply that was cut off are never run.
    """
    if reply.stop != "tool_use":
        return []
    calls = reply.calls[:left]
    reads: dict[str, list[Call]] = {}
    for call in calls:
        if call.effect == "read":
            reads.setdefault(call.queue, []).append(call)
    return [tuple(group) for group in reads.values()] + [(call,) for call in calls if call.effect != "read"]


def lost(call: Call, why: str) -> Outcome:
    """Make the outcome of a call whose activity failed for good; of a once tool nobody knows what happened."""
    refusal: Refusal = "unknown_outcome" if call.effect == "once" else "raised"
    return Outcome(call_id=call.id, tool=call.tool, ok=False, digest="", preview=preview(why), refusal=refusal)
