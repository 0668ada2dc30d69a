"""Runs: the list of the server, and what one run says of itself and what is kept of it."""

import asyncio
import contextlib
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError
from temporalio.api.common.v1 import WorkflowExecution as WorkflowExecutionHandle
from temporalio.api.workflowservice.v1 import RequestCancelWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError

from activities.database import Database
from activities.deciding import of_tenants
from desk.run_items import Applied, Item, read_candidates, read_items
from workflows.models import AgentOutcome, AgentState, Identity, RunState, Value
from workflows.tracing import AWAITING_REVIEW, COST_USD, PIPELINE, RUNS, STATUS, TENANT

Said = RunState | AgentState | AgentOutcome

MICRO = 1_000_000
LIMIT = 4.0
"""Seconds that a worker has to tell how a run stands."""
PER_PAGE = 30
_SECONDS = timedelta(seconds=10)
OPEN = WorkflowExecutionStatus.RUNNING


class Line(Value):
    """One run in the list."""

    id: str
    kind: str
    status: str
    running: bool
    waits: bool
    started_at: datetime
    closed_at: datetime | None
    micro_usd: int


class Listed(Value):
    """One page of the list; `following` opens the next."""

    lines: tuple[Line, ...]
    following: str = ""


@dataclass(frozen=True)
class Look:
    """What a run says of itself; `said` is None when nobody answers for it."""

    id: str
    kind: str
    running: bool
    started_at: datetime
    closed_at: datetime | None
    said: Said | None
    tenant: str

    @property
    def status(self) -> str:
        """How far it is, in a word."""
        return str(self.said.status) if self.said else ("running" if self.running else "ended")


class Runs:
    """Reads runs."""

    def __init__(self, client: Client, database: Database) -> None:
        """List through `client`; items come from `database`."""
        self._client, self._database = client, database

    async def page(self, who: Identity, token: str = "", *, only_open: bool = False) -> Listed:
        """List runs, the latest first."""
        parts = [RUNS, of_tenants(who.tenants)]
        parts += ["ExecutionStatus = 'Running'"] if only_open else []
        query = " and ".join(part for part in parts if part)
        found = self._client.list_workflows(
            query, page_size=PER_PAGE, next_page_token=_token(token), rpc_timeout=_SECONDS
        )
        await found.fetch_next_page()
        following = (found.next_page_token or b"").hex()
        return Listed(lines=tuple(map(_line, found.current_page or ())), following=following)

    async def look(self, run: str) -> Look | None:
        """Look at one run; None when the server knows of none."""
        handle = self._client.get_workflow_handle(run)
        try:
            found = await handle.describe(rpc_timeout=_SECONDS)
        except RPCError:
            return None
        if found.parent_id is not None or not found.typed_search_attributes.get(PIPELINE):
            return None
        running = found.status == OPEN
        said = await self._said(run, running=running)
        tenant = found.typed_search_attributes.get(TENANT) or ""
        return Look(run, _kind(found), running, found.start_time, found.close_time, said, tenant)

    async def cancel(self, run: str, who: Identity) -> None:
        """Ask a run to end; it cleans up first. Who asked is kept in its history."""
        asked = RequestCancelWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecutionHandle(workflow_id=run),
            identity=f"desk:{who.name}",
            reason=f"cancelled at the desk by {who.name}",
            request_id=uuid.uuid4().hex,
        )
        await self._client.workflow_service.request_cancel_workflow_execution(asked, timeout=_SECONDS)

    async def _said(self, run: str, *, running: bool) -> Said | None:
        """Ask a run how it stands. Of one that has ended its outcome tells that, else a worker that replays it."""
        handle = self._client.get_workflow_handle(run)
        try:
            async with asyncio.timeout(LIMIT):
                return (None if running else _read(await handle.result())) or _read(await handle.query("state"))
        except (TimeoutError, RPCError, WorkflowQueryFailedError, WorkflowFailureError):
            return None

    async def candidates(self, run: str, said: RunState | None, page: int) -> tuple[int, tuple[Applied, ...]]:
        """Read one page of the candidates of a run, and how many pages there are."""
        rows = {row.key: row for row in said.items} if said else {}
        return await self._database.read(lambda session: read_candidates(session, run, rows, page))

    async def items(self, run: str, said: RunState | None, page: int) -> tuple[int, tuple[Item, ...]]:
        """Read one page of the items of a run, and how many pages there are."""
        rows = {row.key: row for row in said.items} if said else {}
        return await self._database.read(lambda session: read_items(session, run, rows, page))


def counts(said: RunState | None) -> Counter[str]:
    """Count the items of a run by how far they are; the rows of a long run are its latest only."""
    counted: Counter[str] = Counter(said.counts if said else {})
    over = set(counted)
    return counted + Counter(str(row.status) for row in (said.items if said else ()) if row.status not in over)


def _line(found: WorkflowExecution) -> Line:
    known = found.typed_search_attributes
    ended = found.status.name.lower().replace("_", " ") if found.status and found.status != OPEN else ""
    return Line(
        id=found.id,
        kind=_kind(found),
        status=known.get(STATUS) or ended or "running",
        running=found.status == OPEN,
        waits=bool(known.get(AWAITING_REVIEW)),
        started_at=found.start_time,
        closed_at=found.close_time,
        micro_usd=round((known.get(COST_USD) or 0) * MICRO),
    )


def _kind(found: WorkflowExecution) -> str:
    return (found.typed_search_attributes.get(PIPELINE) or found.workflow_type).replace("_", " ")


def _read(told: object) -> Said | None:
    """Read what a run tells of itself: a run of items, an agent that has ended, an agent or a process that goes on."""
    kinds: tuple[type[Said], ...] = (RunState, AgentOutcome, AgentState)
    marks = ("counts", "conversation", "goal")
    for kind, mark in zip(kinds, marks, strict=True):
        if isinstance(told, dict) and mark in told:
            with contextlib.suppress(ValidationError):
                return kind.model_validate(told)
    return None


def _token(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text[:4_000]) or None
    except ValueError:
        return None
