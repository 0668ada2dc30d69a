"""Runs: the list of the server, and what one run says of itself and what is kept of it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError

from activities.catalog_rows import AssetRow, ShotRow
from activities.database import Database
from activities.deciding import of_tenants
from workflows.models import AgentOutcome, AgentState, Identity, ItemRow, ItemState, RunState, Shot, Value
from workflows.tracing import AWAITING_REVIEW, COST_USD, STATUS

PRODUCTION, EVALUATION, AGENT = "ImageProduction", "CandidateEvaluation", "SingleAgent"
KINDS: Mapping[str, str] = {
    PRODUCTION: "image production",
    EVALUATION: "candidate evaluation",
    AGENT: "single agent",
}
MICRO = 1_000_000
LIMIT = 4.0
"""Seconds that a worker has to tell how a run stands."""
PER_PAGE = 30
ITEMS_PER_PAGE = 48
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


class Item(Value):
    """One item of a run as it is shown."""

    shot: Shot
    state: ItemState | None
    row: ItemRow | None
    picture: str

    @property
    def status(self) -> str:
        """How far it is."""
        return self.state.status if self.state else self.row.status if self.row else "waiting"

    @property
    def score(self) -> int | None:
        """The score of its best take, when there is one."""
        if self.state:
            return self.state.best.score if self.state.best else None
        return self.row.score if self.row and self.row.attempts else None


@dataclass(frozen=True)
class Look:
    """What a run says of itself; `said` is None when nobody answers for it."""

    id: str
    kind: str
    running: bool
    started_at: datetime
    closed_at: datetime | None
    said: RunState | AgentState | AgentOutcome | None

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
        parts = [f"WorkflowType in ('{PRODUCTION}', '{EVALUATION}', '{AGENT}')", of_tenants(who.tenants)]
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
        if found.workflow_type not in KINDS:
            return None
        running = found.status == OPEN
        said = await self._said(run, found.workflow_type, running=running)
        return Look(run, KINDS[found.workflow_type], running, found.start_time, found.close_time, said)

    async def _said(self, run: str, kind: str, *, running: bool) -> RunState | AgentState | AgentOutcome | None:
        wanted: type[BaseModel] = (
            RunState if kind in {PRODUCTION, EVALUATION} else AgentState if running else AgentOutcome
        )
        try:
            async with asyncio.timeout(LIMIT):
                if running:
                    said = await self._client.get_workflow_handle(run).query("state", result_type=wanted)
                else:
                    said = await self._client.get_workflow_handle(run, result_type=wanted).result()
        except (TimeoutError, RPCError, WorkflowQueryFailedError, WorkflowFailureError, ValidationError):
            return None
        return said if isinstance(said, RunState | AgentState | AgentOutcome) else None

    async def items(self, run: str, said: RunState | None, page: int) -> tuple[int, tuple[Item, ...]]:
        """Read one page of the items of a run, and how many pages there are."""
        rows = {row.key: row for row in said.items} if said else {}
        return await self._database.read(lambda session: _items(session, run, rows, page))


def counts(said: RunState | None) -> Counter[str]:
    """Count the items of a run by how far they are; the rows of a long run are its latest only."""
    counted: Counter[str] = Counter(said.counts if said else {})
    over = set(counted)
    return counted + Counter(str(row.status) for row in (said.items if said else ()) if row.status not in over)


def _items(session: Session, run: str, rows: Mapping[str, ItemRow], page: int) -> tuple[int, tuple[Item, ...]]:
    total = session.scalar(select(func.count()).select_from(ShotRow).where(ShotRow.run == run)) or 0
    pages = max(-(-total // ITEMS_PER_PAGE), 1)
    query = select(ShotRow).where(ShotRow.run == run).order_by(ShotRow.position)
    found = session.scalars(query.offset((min(page, pages) - 1) * ITEMS_PER_PAGE).limit(ITEMS_PER_PAGE)).all()
    latest = _latest_pictures(session, run, [row.key for row in found])
    return pages, tuple(_item(row, rows.get(row.key), latest) for row in found)


def _latest_pictures(session: Session, run: str, keys: Sequence[str]) -> dict[str, str]:
    query = select(AssetRow.item, AssetRow.digest).where(AssetRow.run == run, AssetRow.item.in_(keys))
    return {item: digest for item, digest in session.execute(query.order_by(AssetRow.created_at))}  # noqa: C416 - rows


def _item(row: ShotRow, known: ItemRow | None, latest: Mapping[str, str]) -> Item:
    state = ItemState.model_validate_json(row.state) if row.state else None
    best = (
        state.publication.digest if state and state.publication else state.best.digest if state and state.best else ""
    )
    picture = best or latest.get(row.key, "")
    return Item(shot=Shot.model_validate_json(row.shot), state=state, row=known, picture=picture)


def _line(found: WorkflowExecution) -> Line:
    known = found.typed_search_attributes
    ended = found.status.name.lower().replace("_", " ") if found.status and found.status != OPEN else ""
    return Line(
        id=found.id,
        kind=KINDS.get(found.workflow_type, found.workflow_type),
        status=known.get(STATUS) or ended or "running",
        running=found.status == OPEN,
        waits=bool(known.get(AWAITING_REVIEW)),
        started_at=found.start_time,
        closed_at=found.close_time,
        micro_usd=round((known.get(COST_USD) or 0) * MICRO),
    )


def _token(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text[:4_000]) or None
    except ValueError:
        return None
