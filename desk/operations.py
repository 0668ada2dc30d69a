"""Operations: what runs, what is stuck, who is waited for, what is spent."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import Route
from temporalio.client import Client

from activities.conversation_tables import ConversationRow, MessageRow, ToolResultRow
from activities.database import Database, now
from activities.deciding import Waiting, of_tenants
from activities.ledger_tables import AttemptRow
from activities.people import NoticeRow
from desk.costs import Costs
from desk.door import Door, Visit
from desk.pages import Pages
from desk.queue import Filters, Queue
from workflows.models import Identity, Notice
from workflows.tracing import ITEMS, RUNS

QUIET = timedelta(minutes=15)
"""Without a record for this long, a run that waits for nobody is stuck."""
MOST_RUNS = 200
MOST_DECISIONS = 200
PATIENCE = timedelta(seconds=10)
OPEN = "ExecutionStatus = 'Running'"


class Owner(NamedTuple):
    """Whom questions wait for: how many, since when, and how many are past their time."""

    name: str
    questions: int
    oldest: datetime
    overdue: int
    oldest_workflow: str


class Stuck(NamedTuple):
    """A run of which nothing was heard for long."""

    run: str
    started_at: datetime
    heard_at: datetime


class Deciding(NamedTuple):
    """How people decided of late: how often, how fast (median), which part they approved, and which against rules."""

    decisions: int
    seconds: float
    approved: float
    overridden: float


class Operations:
    """Shows the whole at a glance."""

    def __init__(
        self, door: Door, pages: Pages, queue: Queue, costs: Costs, client: Client, database: Database
    ) -> None:
        """Read the `queue`, the `costs`, the server's lists through `client`, and the records of `database`."""
        self._door, self._pages, self._queue = door, pages, queue
        self._costs, self._client, self._database = costs, client, database

    def routes(self) -> list[Route]:
        """Serve it."""
        return [Route("/operations", self._door.opens(self.show), methods=["GET"])]

    async def show(self, visit: Visit) -> Response:
        """Show the page."""
        who = visit.person
        waiting = await self._queue.every(Filters(), who)
        counts, stuck, burn, accounts, deciding = await asyncio.gather(
            self._counts(who),
            self._stuck(who, waiting),
            self._costs.burn(who),
            self._costs.periods(who),
            self._deciding(who),
        )
        return self._pages.page(
            "operations",
            visit,
            here="/operations",
            counts=counts,
            owners=owners(waiting, now()),
            waiting=len(waiting),
            stuck=stuck,
            burn=burn,
            accounts=accounts,
            deciding=deciding,
        )

    async def _counts(self, who: Identity) -> Mapping[str, int]:
        day = f"{now() - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        asked = {
            "runs": f"{RUNS} and {OPEN}",
            "items": f"{ITEMS} and {OPEN}",
            "waiting": f"CallsheetAwaitingReview = true and {OPEN}",
            "failed today": f"ExecutionStatus = 'Failed' and CloseTime > '{day}'",
        }
        narrow = of_tenants(who.tenants)
        queries = [f"{query} and {narrow}" if narrow else query for query in asked.values()]
        found = await asyncio.gather(*(self._client.count_workflows(each, rpc_timeout=PATIENCE) for each in queries))
        return {name: each.count for name, each in zip(asked, found, strict=True)}

    async def _stuck(self, who: Identity, waiting: Sequence[Waiting]) -> list[Stuck]:
        narrow = of_tenants(who.tenants)
        query = f"{RUNS} and {OPEN}" + (f" and {narrow}" if narrow else "")
        asks = {each.card.run for each in waiting}
        started = {
            found.id: found.start_time
            async for found in self._client.list_workflows(query, limit=MOST_RUNS, rpc_timeout=PATIENCE)
            if found.id not in asks
        }
        heard = await self._database.read(lambda session: _heard(session, list(started)))
        latest = {run: max(heard.get(run, at), at) for run, at in started.items()}
        late = [Stuck(run, started[run], at) for run, at in latest.items() if now() - at > QUIET]
        return sorted(late, key=lambda each: each.heard_at)

    async def _deciding(self, who: Identity) -> Deciding | None:
        query = select(NoticeRow.body).where(NoticeRow.kind == "decided").order_by(NoticeRow.id.desc())
        rows = await self._database.read(lambda session: session.scalars(query.limit(MOST_DECISIONS)).all())
        notices = [Notice.model_validate_json(row) for row in rows]
        return deciding([each for each in notices if who.serves(each.question.scope.tenant)])


def owners(waiting: Sequence[Waiting], at: datetime) -> list[Owner]:
    """Gather what waits by whom it waits for, the longest wait first."""
    found: dict[str, list[Waiting]] = {}
    for each in waiting:
        found.setdefault(each.card.claimed_by or each.card.owner, []).append(each)
    lines = []
    for name, theirs in found.items():
        oldest = min(theirs, key=lambda each: each.card.asked_at)
        overdue = sum(each.card.due_at is not None and each.card.due_at < at for each in theirs)
        lines.append(Owner(name, len(theirs), oldest.card.asked_at, overdue, oldest.workflow))
    return sorted(lines, key=lambda line: line.oldest)


def deciding(notices: Sequence[Notice]) -> Deciding | None:
    """Sum up how people decide; None before the first decision."""
    if not notices:
        return None
    seconds = [(each.at - each.question.asked_at).total_seconds() for each in notices]
    approved = [each for each in notices if each.decision and each.decision.choice == "approve"]
    against = sum(bool(each.question.objections) for each in approved)
    part = len(approved) / len(notices)
    return Deciding(len(notices), median(seconds), part, against / len(approved) if approved else 0.0)


def _heard(session: Session, runs: Sequence[str]) -> dict[str, datetime]:
    latest: dict[str, datetime] = {}
    sources = (
        (MessageRow, MessageRow.created_at),
        (ToolResultRow, ToolResultRow.created_at),
        (AttemptRow, AttemptRow.started_at),
    )
    for table, column in sources:
        query = (
            select(ConversationRow.run, func.max(column))
            .join(table, table.conversation == ConversationRow.id)
            .where(ConversationRow.run.in_(runs))
            .group_by(ConversationRow.run)
        )
        for run, at in session.execute(query):
            latest[run] = max(latest.get(run, at), at)
    return latest
