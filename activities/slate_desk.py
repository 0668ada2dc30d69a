"""The slate's desk: starts the runs of a batch through the server, and looks after them until each has ended."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import select
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.database import Database
from activities.heartbeats import beating
from activities.invocation_tables import InvocationRow
from activities.slate_tables import SlateRunRow
from activities.slates import SlateStore, order_of
from workflows.models.slates import Ended, SlateRound, SlateState, Upshot
from workflows.ports import Slates
from workflows.tracing import AWAITING_REVIEW, RUN, STATUS, literal

AT_ONCE = 20
PAUSE = 1.0
MOST_ASKING = 1_000
"""Questions that are looked at in one round; they only say how runs stand."""
TOLD = {"awaiting_review", "paused"}
ENDS: dict[str, Ended] = {"complete": "complete", "partial": "partial", "cancelled": "cancelled"}


class SlateDesk(Slates):
    """Implements the port, through the Temporal client of the worker that runs the activity."""

    def __init__(self, database: Database) -> None:
        """Look after the slates in `database`."""
        self._database, self._store = database, SlateStore(database)

    @activity.defn(name="tend_slate")
    async def tend(self, order: SlateRound) -> SlateState:
        """Note which runs have ended, and start as many as there is room for; each is started once, by its id."""
        async with beating():
            standing = await self._look(order.name)
            room = max(order.at_once - len(standing), 0)
            if room and (rows := await self._store.runs(order.name, "waiting", limit=room)):
                await self._each(rows, self._start)
            return await self._store.state(order.name, standing)

    @activity.defn(name="call_off_slate")
    async def call_off(self, order: SlateRound) -> SlateState:
        """Cancel what runs, and see it to its end; start nothing."""
        async with beating():
            await self._each(await self._store.runs(order.name, "running"), _cancel)
            while standing := await self._look(order.name):  # noqa: ASYNC110 - the server sets no event here
                await asyncio.sleep(PAUSE)
            return await self._store.state(order.name, standing)

    async def _look(self, name: str) -> dict[str, str]:
        """Look at what runs, and note what has ended; returns how the others stand, by the id of the run."""
        rows = await self._store.runs(name, "running")
        found = await self._each(rows, self._look_at)
        standing = {row.run: status for row, status in zip(rows, found, strict=True) if status}
        return standing | dict.fromkeys(await _asking(list(standing)), "awaiting_review")

    async def _each(self, rows: Sequence[SlateRunRow], work: Callable[[SlateRunRow], Awaitable[Any]]) -> list[Any]:
        done: list[Any] = []
        for start in range(0, len(rows), AT_ONCE):
            done += await asyncio.gather(*(work(row) for row in rows[start : start + AT_ONCE]))
        return done

    async def _start(self, row: SlateRunRow) -> None:
        with contextlib.suppress(WorkflowAlreadyStartedError):  # by a round that did not live to note it
            await activity.client().start_workflow(
                await self._kind(row),
                order_of(row),
                id=row.run,
                task_queue=activity.info().task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=row.title[:180],
            )
        await self._store.begun(row)

    async def _kind(self, row: SlateRunRow) -> str:
        slate = await self._store.find(row.slate)
        return slate.kind if slate else ""

    async def _look_at(self, row: SlateRunRow) -> str:
        """Say how a run stands; nothing when it has ended, which is noted."""
        handle = activity.client().get_workflow_handle(row.run)
        try:
            found = await handle.describe()
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            await self._note(row, await self._kept(row.run), "the server has forgotten it")
            return ""
        if found.status == WorkflowExecutionStatus.RUNNING:
            status = found.typed_search_attributes.get(STATUS) or ""
            return status if status in TOLD else "working"
        await self._note(row, await self._upshot(activity.client(), row, found), "")
        return ""

    async def _note(self, row: SlateRunRow, upshot: Upshot, why: str) -> None:
        state = ENDS.get(upshot.status, "failed")
        said = upshot.reason or (upshot.errors[-1] if upshot.errors else "") or why
        await self._store.ended(row, state, upshot.spend.micro_usd, "" if state == "complete" else said)

    async def _upshot(self, client: Client, row: SlateRunRow, found: WorkflowExecutionDescription) -> Upshot:
        """Read what became of a run: what it returned, or what was kept of one that did not live to return anything."""
        try:
            result: Upshot = await client.get_workflow_handle(row.run, result_type=Upshot).result()
        except WorkflowFailureError as error:
            kept = await self._kept(row.run)
            status = "cancelled" if found.status == WorkflowExecutionStatus.CANCELED else "failed"
            return kept.model_copy(update={"status": status, "reason": str(error.cause or error)})
        return result

    async def _kept(self, run: str) -> Upshot:
        query = select(InvocationRow).where(InvocationRow.workflow_id == run).order_by(InvocationRow.started_at.desc())
        row = await self._database.read(lambda session: session.scalar(query.limit(1)))
        if row is None:
            return Upshot()
        return Upshot.model_validate({"status": row.status, "spend": {"micro_usd": row.micro_usd}})


async def _asking(runs: Sequence[str]) -> set[str]:
    """Find the runs that wait for people, or in which an item does, by the server's list, which may lag."""
    if not runs:
        return set()
    asking = f"{AWAITING_REVIEW.name} = true and {RUN.name} in ({', '.join(map(literal, runs))})"
    listed = activity.client().list_workflows(f"{asking} and ExecutionStatus = 'Running'", limit=MOST_ASKING)
    return {run async for each in listed if (run := each.typed_search_attributes.get(RUN))}


async def _cancel(row: SlateRunRow) -> None:
    try:
        await activity.client().get_workflow_handle(row.run).cancel()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
