"""Gets one reply out of the world: another model where one refuses, patience where none answers, a batch that waits."""

from datetime import timedelta
from typing import Generic

from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState, is_cancelled_exception

from workflows.calls import call_model, cause, heed_cancellation
from workflows.guards.budget import allowance
from workflows.holding import Holds
from workflows.models import Reply, Talk, TurnRequest
from workflows.terms import Agent, T, Terms

FIRST_WAIT = 600
"""The first wait for a silent endpoint is this part of all patience; each further one is twice as long."""
LONGEST_WAIT = timedelta(minutes=5)
GIVES_WAY = {"refusal", "rejected"}
"""Replies after which the next model of the chain is asked, where there is one."""


class Asking(Generic[T]):
    """Asks until there is a reply that the loop can work with; nothing that an endpoint does can raise here."""

    def __init__(self, agent: Agent[T], terms: Terms[T], holds: Holds) -> None:
        """Bind the agent whose turn is asked for to the terms of its work."""
        self._agent, self._terms, self._holds = agent, terms, holds
        self._scope = terms.scope.model_copy(update={"agent": agent.name})

    async def reply(self, talk: Talk) -> tuple[Talk, Reply]:
        """Ask for the next turn. A model that refuses, or that is not to be had, gives way to the next of the chain.

        Of the time that this takes only the reply's own is the agent's.
        """
        waited = timedelta()
        while True:
            asked = workflow.now()
            reply, trouble = await self._once(talk, waited)
            following, took = self._next_model(talk), workflow.now() - asked
            talk = talk.idled(max(took - timedelta(seconds=reply.seconds if reply else 0), timedelta()))
            if reply is not None and reply.stop != "queued" and (reply.stop not in GIVES_WAY or following is None):
                return talk, reply
            heed_cancellation()  # the call may have ended well in spite of it, and what follows may take hours
            waited += took - self._holds.taken()  # a pause tries nobody's patience
            if reply is not None and reply.stop == "queued":
                talk, waited = await self._arrival(talk), timedelta()
            elif following is not None:
                refused = reply is not None and reply.stop == "refusal"
                talk = (talk.refused(reply) if reply is not None and refused else talk).fallen_back(following)
            elif waited >= talk.transcript.limits.patience:
                return talk, _gave_up(talk, f"after {_minutes(waited)} of waiting: {trouble}")
            else:
                pause = await self._wait_out(talk, waited, trouble)
                talk, waited = talk.idled(pause), waited + pause

    async def _once(self, talk: Talk, waited: timedelta) -> tuple[Reply | None, str]:
        """Ask once; without a reply there is only the trouble that the endpoint is in."""
        left = max(talk.transcript.limits.patience - waited, timedelta())
        try:
            request, model = self._request(talk), talk.model or self._agent.model
            return await self._holds.through(lambda: call_model(request, model, left)), ""
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            if error.retry_state == RetryState.NON_RETRYABLE_FAILURE:
                return _gave_up(talk, cause(error)), ""
            return None, cause(error)

    def _request(self, talk: Talk) -> TurnRequest:
        return TurnRequest(
            conversation=talk.conversation,
            scope=self._scope,
            pin=talk.pin,
            head=talk.head,
            turn=talk.turn + 1,
            notes=talk.notes,
            resume=talk.resume,
            interrupted=talk.interrupted,
            without_tools=talk.without_tools,
            allowance=allowance(talk.transcript),
            model=talk.model,
            gives_way=self._next_model(talk) is not None,
            patience=self._terms.patience,
        )

    def _next_model(self, talk: Talk) -> str | None:
        chain = tuple(dict.fromkeys((self._agent.model, *self._agent.fallbacks)))  # one named twice would never end
        current = talk.model or self._agent.model
        after = chain[chain.index(current) + 1 :] if current in chain else ()
        return next(iter(after), None)

    async def _arrival(self, talk: Talk) -> Talk:
        """Wait for a batched reply; its time is not the agent's."""
        began = workflow.now()
        await self._terms.arrival(talk.conversation, talk.head)
        return talk.idled(workflow.now() - began)

    async def _wait_out(self, talk: Talk, waited: timedelta, trouble: str) -> timedelta:
        patience = talk.transcript.limits.patience
        pause = min(max(waited, patience / FIRST_WAIT), LONGEST_WAIT)
        self._terms.waits(f"the model endpoint, for {_minutes(waited)} so far: {trouble}")
        await workflow.sleep(pause, summary=f"waits for the model endpoint: {trouble}")
        self._terms.waits("")
        return pause


def _gave_up(talk: Talk, why: str) -> Reply:
    return Reply(head=talk.head, turn=talk.turn + 1, stop="rejected", text=why)


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:.0f} min"
