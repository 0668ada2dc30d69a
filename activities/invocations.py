"""Keeps when workflows in which agents work began and what became of them, each once, in a trace of their own."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from temporalio import activity

from activities.database import Database, first, now
from activities.invocation_tables import InvocationRow
from activities.people import NoticeRow
from workflows.models import Begun, Done, Finished
from workflows.ports import Invocations
from workflows.tracing import Place, span_id, trace_id


class InvocationStore(Invocations):
    """Implements the port. Every run of a workflow that continues as new says again that it began: that is one row."""

    def __init__(self, database: Database) -> None:
        """Keep invocations in `database`."""
        self._database = database

    @activity.defn(name="begin_invocation")
    async def begin(self, begun: Begun) -> Done:
        """Keep that it began, once, in the trace of its parent, of whoever ordered it, or in one of its own."""
        await self._database.run(lambda session: _begin(session, begun))
        return Done(at=now())

    @activity.defn(name="finish_invocation")
    async def finish(self, finished: Finished) -> Done:
        """Keep what became of it; the first end is the one that counts."""
        await self._database.run(lambda session: finish(session, finished))
        return Done(at=now())


def _begin(session: Session, begun: Begun) -> None:
    if (kept := session.get(InvocationRow, begun.id)) is not None:
        kept.workflow_run_id = begun.workflow_run_id
        return
    place = _place(session, begun)
    first(
        session,
        InvocationRow(
            id=begun.id,
            name=begun.name,
            pipeline=begun.pipeline,
            run=begun.scope.run,
            item=begun.scope.item,
            tenant=begun.scope.tenant,
            parent=begun.parent,
            workflow_id=begun.workflow_id,
            workflow_run_id=begun.workflow_run_id,
            trace_id=place.trace_id,
            span_id=span_id(begun.id),
            parent_span_id=place.span_id,
            trace_flags=place.flags,
            started_at=begun.at,
        ),
    )


def _place(session: Session, begun: Begun) -> Place:
    """Find the trace it belongs to, and the span above it."""
    if begun.parent:
        of_parent = select(InvocationRow).where(InvocationRow.workflow_id == begun.parent)
        latest = session.scalar(of_parent.order_by(InvocationRow.started_at.desc()).limit(1))
        if latest is not None:
            return Place(latest.trace_id, latest.span_id, latest.trace_flags)
    return Place.read(begun.traceparent) or Place(trace_id(begun.id), "")


def finish(session: Session, finished: Finished) -> None:
    """Keep what became of an invocation, unless it was kept before."""
    row = session.get(InvocationRow, finished.id)
    if row is None or row.status:
        return
    row.status, row.ended_at = finished.status, finished.at
    row.micro_usd, row.turns, row.tool_calls = (
        finished.spend.micro_usd,
        finished.spend.turns,
        finished.spend.tool_calls,
    )
    row.events, row.bytes, row.asked = finished.events, finished.bytes, _asked(session, row)


def _asked(session: Session, row: InvocationRow) -> int:
    """Count the questions; an item's are its own, and not its run's."""
    here = (NoticeRow.run == row.run, NoticeRow.item == row.item, NoticeRow.kind == "question")
    query = select(func.count()).select_from(NoticeRow).where(*here, NoticeRow.told_at >= row.started_at)
    return session.scalar(query) or 0
