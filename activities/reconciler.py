"""Closes the records of workflows that the server ended from outside: terminated, or out of time.

Such a workflow runs no code of its own at its end, so nothing else would ever write what became of it. What ends in any
other way says so itself; should that have failed, it is found here as well.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.database import Database, now
from activities.duties import take
from activities.invocation_tables import FROM_OUTSIDE, InvocationRow
from activities.invocations import finish
from activities.ledger_tables import AccountRow
from workflows.models import Finished, Spend
from workflows.tracing import invocation_id, literal

DUTY = "reconcile"
EVERY = timedelta(minutes=1)
SETTLED = timedelta(minutes=2)
"""How old an invocation is before anybody doubts it: the server's list is a little behind."""
PAGE = 100
"""Invocations that are looked after in one round, and so workflows that the server is asked for at once."""
SAID: Mapping[WorkflowExecutionStatus, str] = {
    WorkflowExecutionStatus.TERMINATED: FROM_OUTSIDE[0],
    WorkflowExecutionStatus.TIMED_OUT: FROM_OUTSIDE[1],
    WorkflowExecutionStatus.CANCELED: "cancelled",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.COMPLETED: "complete",
}


class Open(NamedTuple):
    """An invocation that has not ended, by the records."""

    started_at: datetime
    id: str
    workflow: str
    run: str


class Reconciler:
    """Looks after open invocations, a page at a time and round and round; one worker of the fleet does it."""

    def __init__(self, database: Database, client: Client, settled: timedelta = SETTLED) -> None:
        """Compare `database` with the server of `client`."""
        self._database, self._client, self._settled = database, client, settled
        self._after: tuple[datetime, str] | None = None
        self._log = logging.getLogger("callsheet.reconciler")

    async def watch(self) -> None:
        """Do a round whenever it is due and nobody else does it; what cannot be asked now is asked next time."""
        while True:
            try:
                if await take(self._database, DUTY, EVERY):
                    await self.round()
            except (RPCError, SQLAlchemyError, OSError) as error:
                self._log.warning("open invocations could not be compared with the server: %s", type(error).__name__)
            await asyncio.sleep(EVERY.total_seconds())

    async def round(self) -> tuple[str, ...]:
        """Look after one page; returns the invocations that were closed.

        Raises:
            RPCError: the server does not answer.
            SQLAlchemyError: the database does not.
        """
        page = await self._database.read(self._page)
        self._after = page[-1][:2] if len(page) == PAGE else None
        running = await self._running([each.workflow for each in page])
        doubtful = [each for each in page if each.run not in running]
        closed = [each.id for each in doubtful if await self._close(each)]
        for each in closed:
            self._log.info("%s was ended from outside; its records are closed", each)
        return tuple(closed)

    def _page(self, session: Session) -> list[Open]:
        row = InvocationRow
        query = select(row.started_at, row.id, row.workflow_id, row.workflow_run_id)
        query = query.where(row.ended_at.is_(None), row.started_at < now() - self._settled)
        if self._after is not None:
            query = query.where(tuple_(row.started_at, row.id) > self._after)
        return [Open(*each) for each in session.execute(query.order_by(row.started_at, row.id).limit(PAGE))]

    async def _running(self, workflows: Sequence[str]) -> set[str]:
        """Find the runs that the server lists as running: nearly all, and with one request."""
        if not workflows:
            return set()
        query = f"ExecutionStatus = 'Running' and WorkflowId in ({', '.join(literal(each) for each in workflows)})"
        return {each.run_id async for each in self._client.list_workflows(query)}

    async def _close(self, doubtful: Open) -> bool:
        """Ask the server itself, and close what has ended; what it no longer knows is left as it is."""
        try:
            found = await self._latest(doubtful)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        if found.status is None or (status := SAID.get(found.status)) is None:
            return False
        info = found.raw_description.workflow_execution_info
        at, size = found.close_time or now(), (info.history_length, info.history_size_bytes)
        await self._database.run(lambda session: _end(session, doubtful.id, status, at, size))
        return True

    async def _latest(self, doubtful: Open) -> WorkflowExecutionDescription:
        """Find its latest run, also after a reset; where its name belongs to another one by now, the last we know."""
        found = await self._client.get_workflow_handle(doubtful.workflow).describe()
        if invocation_id(found.id, _first_run(found)) == doubtful.id:
            return found
        return await self._client.get_workflow_handle(doubtful.workflow, run_id=doubtful.run).describe()


def _first_run(found: WorkflowExecutionDescription) -> str:
    return found.raw_description.workflow_execution_info.first_run_id or found.run_id


def _end(session: Session, invocation: str, status: str, at: datetime, size: tuple[int, int]) -> None:
    """Close it as it would have closed itself; what it cost is what its account says."""
    row = session.get(InvocationRow, invocation)
    if row is None:
        return
    account = session.get(AccountRow, f"item:{row.run}:{row.item}" if row.item else f"run:{row.run}")
    spend = Spend(micro_usd=account.spent if account else 0)
    finish(session, Finished(id=row.id, status=status, spend=spend, events=size[0], bytes=size[1], at=at))
