"""Where something happened: for whom, in whose conversation, and at which place of a trace."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple, Self

import structlog
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow
from activities.database import Base, Database
from activities.invocation_tables import InvocationRow
from workflows.tracing import chat_span, invocation_of, tool_span, trace_id

MOST_KNOWN = 4_096


class Spot(NamedTuple):
    """Whose something is. `above` is the span of the invocation, `flags` are those of whoever ordered it."""

    trace_id: str
    above: str
    flags: str
    workflow_id: str
    run_id: str
    run: str
    item: str
    tenant: str
    pipeline: str
    agent: str = ""
    conversation: str = ""

    @classmethod
    def of_invocation(cls, row: InvocationRow) -> Self:
        """Stand in an invocation."""
        place = (row.trace_id, row.span_id, row.trace_flags)
        return cls(*place, row.workflow_id, row.workflow_run_id, row.run, row.item, row.tenant, row.pipeline)

    @classmethod
    def of_conversation(cls, talk: ConversationRow, within: InvocationRow | None) -> Self:
        """Stand in a conversation; one that belongs to no invocation has a trace of its workflow."""
        place = (
            (within.trace_id, within.span_id, within.trace_flags) if within else (trace_id(talk.workflow_id), "", "")
        )
        whose = (talk.workflow_id, talk.workflow_run_id, talk.run, talk.item, talk.tenant, talk.pipeline)
        return cls(*place, *whose, talk.agent, talk.id)


class Spots:
    """Finds spots, and remembers them: what they say never changes."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[str, Spot] = {}

    def of(self, session: Session, conversation: str) -> Spot | None:
        """Find the spot of a conversation; None when it was never opened."""
        if conversation not in self._known:
            talk = session.get(ConversationRow, conversation) if conversation else None
            if talk is None:
                return None
            if len(self._known) >= MOST_KNOWN:  # forgetting costs no more than another look
                self._known.clear()
            self._known[conversation] = Spot.of_conversation(talk, invocation_above(session, talk))
        return self._known[conversation]

    def of_row(self, session: Session, row: Base) -> Spot | None:
        """Find the spot of a record: that of its conversation, or of the run or item that it is about."""
        if conversation := str(getattr(row, "conversation", "")):
            return self.of(session, conversation)
        run, item = getattr(row, "run", None), getattr(row, "item", None)
        within = select(InvocationRow).where(InvocationRow.run == run, InvocationRow.item == item)
        found = session.scalar(within.order_by(InvocationRow.started_at.desc()).limit(1)) if run else None
        return Spot.of_invocation(found) if found is not None else None


class Surroundings:
    """Makes the span of a tool call or of a model call the current one while it runs.

    That span is told later, when there is a record of the call; but what a user's own code traces meanwhile goes under
    it, and what it logs names it.
    """

    def __init__(self, database: Database, sampled: Callable[[Spot], bool] = lambda _: True) -> None:
        """Look up in `database` where a conversation stands; `sampled` tells whether its trace is recorded."""
        self._database = database
        self._sampled = sampled
        self._spots = Spots()
        self._log = structlog.get_logger("callsheet.telemetry")

    def tool(self, conversation: str, call: str) -> AbstractAsyncContextManager[None]:
        """Enter the span of a tool call."""
        return self._within(conversation, tool_span(conversation, call))

    def chat(self, conversation: str, attempt: int) -> AbstractAsyncContextManager[None]:
        """Enter the span of an attempt at a model call."""
        return self._within(conversation, chat_span(conversation, attempt))

    @asynccontextmanager
    async def _within(self, conversation: str, span: str) -> AsyncIterator[None]:
        if (spot := await self._spot(conversation)) is None:
            yield
            return
        around = parent_of(spot.trace_id, span, sampled=self._sampled(spot))
        token = context.attach(trace.set_span_in_context(around))
        try:
            yield
        finally:
            context.detach(token)

    async def _spot(self, conversation: str) -> Spot | None:
        try:
            return await self._database.read(lambda session: self._spots.of(session, conversation))
        except Exception as error:  # noqa: BLE001 - no call may fail for want of its place in a trace
            self._log.warning("place_not_found", conversation=conversation, error=type(error).__name__)
            return None


def parent_of(trace_id: str, span: str, *, sampled: bool) -> NonRecordingSpan:
    """Make a span that others can go under, though nobody records it."""
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return NonRecordingSpan(SpanContext(int(trace_id, 16), int(span, 16), is_remote=True, trace_flags=flags))


def invocation_above(session: Session, talk: ConversationRow) -> InvocationRow | None:
    """Find the invocation that a conversation belongs to."""
    named = invocation_of(talk.id, talk.workflow_id)
    return session.get(InvocationRow, named) if named else latest(session, talk.workflow_id)


def latest(session: Session, workflow_id: str) -> InvocationRow | None:
    """Find the latest invocation of a workflow."""
    query = select(InvocationRow).where(InvocationRow.workflow_id == workflow_id)
    return session.scalar(query.order_by(InvocationRow.started_at.desc()).limit(1))
