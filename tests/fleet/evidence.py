"""What a fleet leaves behind, read once it is done: database, asset store, Temporal's histories, the endpoint's bills.

Nothing here judges: that is what `oracle.py` does with it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from obstore.store import LocalStore, from_url
from sqlalchemy import select
from sqlalchemy.orm import Session
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecution, WorkflowHistory

from activities.assets import AssetDamaged, Assets, digest_of
from activities.catalog_rows import AssetRow, EntryRow, ShotRow
from activities.conversation_tables import ConversationRow, JournalRow, MessageRow, ToolResultRow
from activities.database import Base, Database
from activities.deciding_tables import NonceRow
from activities.effects import EffectRow
from activities.invocation_tables import InvocationRow
from activities.ledger_tables import AccountRow, AttemptRow
from activities.people import NoticeRow
from rehearsal.journal import Entry
from workflows.tracing import TENANT

AT_ONCE = 20
HARMLESS = {"UNHANDLED_COMMAND"}
"""A signal came while a workflow was about to end: the server has the task done again, and nothing is wrong."""
TOO_SLOW = "[TMPRL1101]"
"""A task got no processor for two seconds, and is done again: that is told of the machine, not of the work."""
TABLES = (
    ConversationRow,
    MessageRow,
    ToolResultRow,
    JournalRow,
    AttemptRow,
    AccountRow,
    ShotRow,
    AssetRow,
    EntryRow,
    EffectRow,
    NoticeRow,
    NonceRow,
    InvocationRow,
)


class Ordered(NamedTuple):
    """A workflow that was started. `items` is 0 for a single agent; `sign` stands in this tenant's orders alone."""

    workflow: str
    tenant: str
    items: int = 0
    threshold: int = 80
    sign: str = ""


class Chronicle(NamedTuple):
    """One execution of a workflow, as its history tells it. Those with one `first` went on as new from each other."""

    workflow: str
    run: str
    first: str
    type: str
    status: str
    tenant: str
    troubles: tuple[str, ...]
    result: Mapping[str, Any]
    versions: frozenset[str] = frozenset()
    slow: int = 0


class Shelf(NamedTuple):
    """The asset store: digest of what lies at each published place, and the digests that can be read."""

    published: Mapping[str, str]
    held: frozenset[str]


@dataclass(frozen=True)
class Evidence:
    """All of it. `caps` are the standard ones, `bills` what the endpoint says that it was asked and is owed."""

    orders: Sequence[Ordered]
    rows: Mapping[type[Base], Sequence[Any]]
    chronicles: Sequence[Chronicle]
    shelf: Shelf
    bills: Sequence[Entry]
    caps: Mapping[str, int] = field(default_factory=dict)

    def of(self, table: type[Base]) -> Sequence[Any]:
        """All rows of a table."""
        return self.rows[table]

    @property
    def tenants(self) -> Mapping[str, str]:
        """Whose each run is."""
        return {order.workflow: order.tenant for order in self.orders}


def read_rows(database: Database) -> Mapping[type[Base], Sequence[Any]]:
    """Read all tables at one moment."""

    def work(session: Session) -> Mapping[type[Base], Sequence[Any]]:
        keys = {table: table.__table__.primary_key.columns for table in TABLES}
        return {table: session.scalars(select(table).order_by(*keys[table])).all() for table in TABLES}

    return database.look(work)


async def read_shelf(place: str, rows: Mapping[type[Base], Sequence[Any]]) -> Shelf:
    """Read every published copy, and everything that the rows refer to."""
    assets, gate = Assets.at(place), asyncio.Semaphore(AT_ONCE)
    store = from_url(place) if "://" in place else LocalStore(place)
    places = [str(each["path"]) for page in store.list("published/") for each in page]
    digests = {row.digest for table in (AssetRow, EntryRow) for row in rows[table]}

    async def copy(uri: str) -> tuple[str, str]:
        async with gate:
            return uri, digest_of(await assets.read_published(uri))

    async def held(digest: str) -> str:
        async with gate:
            try:
                await assets.get(digest)
            except (FileNotFoundError, AssetDamaged):
                return ""
            return digest

    published = dict(await asyncio.gather(*map(copy, places)))
    return Shelf(published, frozenset(await asyncio.gather(*map(held, digests))) - {""})


async def read_chronicles(client: Client, queue: str, expected: Iterable[str], patience: float = 30) -> list[Chronicle]:
    """Read the history of every workflow of a task queue; the server's list lags, so it is waited for."""
    wanted, found = set(expected), [each async for each in listed(client, queue)]
    for _ in range(int(patience)):
        if wanted <= {each.id for each in found}:
            break
        await asyncio.sleep(1)
        found = [each async for each in listed(client, queue)]
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(execution: WorkflowExecution) -> Chronicle:
        async with gate:
            return chronicle(execution, await history(client, execution))

    return list(await asyncio.gather(*map(read, found)))


async def listed(client: Client, queue: str) -> AsyncIterator[WorkflowExecution]:
    """List every execution of a task queue."""
    async for execution in client.list_workflows(f"TaskQueue = '{queue}'"):
        yield execution


async def history(client: Client, execution: WorkflowExecution) -> WorkflowHistory:
    """Read one history."""
    return await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()


def chronicle(execution: WorkflowExecution, told: WorkflowHistory) -> Chronicle:
    """Sum one history up."""
    first = told.events[0].workflow_execution_started_event_attributes
    return Chronicle(
        workflow=execution.id,
        run=execution.run_id,
        first=first.first_execution_run_id,
        type=execution.workflow_type,
        status=execution.status.name if execution.status else "",
        tenant=execution.typed_search_attributes.get(TENANT) or "",
        troubles=tuple(_troubles(told)),
        result=_result(told),
        versions=frozenset(_versions(told)),
        slow=_slow(told),
    )


def _troubles(told: WorkflowHistory) -> Iterable[str]:
    for event in told.events:
        if event.HasField("workflow_task_failed_event_attributes"):
            failed = event.workflow_task_failed_event_attributes
            cause = WorkflowTaskFailedCause.Name(failed.cause).removeprefix("WORKFLOW_TASK_FAILED_CAUSE_")
            if cause not in HARMLESS and not failed.failure.message.startswith(TOO_SLOW):
                yield f"{cause}: {failed.failure.message[:200]}"


def _slow(told: WorkflowHistory) -> int:
    failures = [event.workflow_task_failed_event_attributes.failure.message for event in told.events]
    return sum(message.startswith(TOO_SLOW) for message in failures)


def _versions(told: WorkflowHistory) -> Iterable[str]:
    for event in told.events:
        if event.HasField("workflow_task_completed_event_attributes"):
            done = event.workflow_task_completed_event_attributes
            if build := done.deployment_version.build_id or done.worker_version.build_id:
                yield build


def _result(told: WorkflowHistory) -> Mapping[str, Any]:
    ended = told.events[-1]
    if not ended.HasField("workflow_execution_completed_event_attributes"):
        return {}
    payloads = ended.workflow_execution_completed_event_attributes.result.payloads
    result = json.loads(payloads[0].data) if payloads else {}
    return result if isinstance(result, dict) else {}
