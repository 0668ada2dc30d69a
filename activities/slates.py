"""Slates: what was handed in as a batch, and what became of each of its runs. Every step is harmless when repeated."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, cast

from sqlalchemy import Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from activities.database import Database, now
from activities.slate_tables import SlateRow, SlateRunRow
from workflows.models import ItemRow, preview
from workflows.models.slates import Ended, SlateState

CHUNK = 200
SHOWN = 100
"""Runs at work that a state shows; no more run at once."""
AGAIN: tuple[Ended, ...] = ("failed", "cancelled")
"""How a run has ended that may be tried again."""


_RUNS = cast("Table", SlateRunRow.__table__)


class Entry(NamedTuple):
    """One input as it is handed in: its digest, where it stood, its title, the id of its run, its order as JSON."""

    input: str
    place: str
    title: str
    run: str
    body: str


class Misfit(Exception):  # noqa: N818 - it says what does not fit
    """There is a batch of this name already, and it is another one."""


class SlateStore:
    """Keeps slates."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    async def open(self, slate: SlateRow) -> SlateRow:
        """Open a batch, or find it: it is one of the same kind, tenant and cap.

        Raises:
            Misfit: it is not.
        """
        return await self._database.run(lambda session: _open(session, slate))

    async def hand_in(self, name: str, entries: Sequence[Entry]) -> int:
        """Add inputs to a batch; returns how many are new. One that is in it already stays as it is."""
        added = 0
        for start in range(0, len(entries), CHUNK):
            added += await self._database.run(partial(_add, name=name, entries=entries[start : start + CHUNK]))
        return added

    async def try_again(self, name: str) -> int:
        """Have every input whose run failed or was cancelled run once more, under a new id; returns how many."""
        return await self._database.run(partial(_try_again, name=name))

    async def find(self, name: str) -> SlateRow | None:
        """Find a batch."""
        return await self._database.read(lambda session: session.get(SlateRow, name))

    async def runs(self, name: str, *states: str, limit: int | None = None) -> list[SlateRunRow]:
        """List the runs of a batch, in the order of their inputs; those in some states, or all."""
        query = select(SlateRunRow).where(SlateRunRow.slate == name).order_by(SlateRunRow.position).limit(limit)
        query = query.where(SlateRunRow.state.in_(states)) if states else query
        return await self._database.read(lambda session: list(session.scalars(query)))

    async def begun(self, row: SlateRunRow) -> None:
        """Note that a run was started."""
        changes = {"state": "running", "started_at": now()}
        await self._database.run(lambda session: _move(session, row, "waiting", changes))

    async def ended(self, row: SlateRunRow, state: Ended, micro_usd: int, error: str) -> None:
        """Note how a run ended."""
        cost = SlateRunRow.micro_usd + micro_usd  # earlier attempts were paid as well
        changes = {"state": state, "micro_usd": cost, "error": preview(error), "ended_at": now()}
        await self._database.run(lambda session: _move(session, row, "running", changes))

    async def state(self, name: str, standing: Mapping[str, str] | None = None) -> SlateState:
        """Tell how a batch stands; `standing` says more of runs at work: `awaiting_review`, or `paused`."""
        return await self._database.read(lambda session: _state(session, name, standing or {}))


def _open(session: Session, slate: SlateRow) -> SlateRow:
    kept = session.get(SlateRow, slate.name)
    if kept is None:
        session.add(slate)
        return slate
    for what, before, wanted in (("of", kept.kind, slate.kind), ("for tenant", kept.tenant, slate.tenant)):
        if before != wanted:
            raise Misfit(f"the batch {slate.name} is {what} {before}, not {wanted}; give this one another --name")
    if slate.micro_usd not in {None, kept.micro_usd}:
        raise Misfit(
            f"the cap of the batch {slate.name} is set already; change it: callsheet budget set batch:{slate.name} …"
        )
    return kept


def _add(session: Session, name: str, entries: Sequence[Entry]) -> int:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    last = session.scalar(select(func.max(SlateRunRow.position)).where(SlateRunRow.slate == name)) or 0
    more = {"slate": name, "state": "waiting", "attempt": 1, "error": "", "micro_usd": 0}
    rows = [{**more, **entry._asdict(), "position": last + number} for number, entry in enumerate(entries, 1)]
    added = insert(_RUNS).values(rows).on_conflict_do_nothing().returning(_RUNS.c.input)
    return len(session.execute(added).all())


def _try_again(session: Session, name: str) -> int:
    rows = session.scalars(select(SlateRunRow).where(SlateRunRow.slate == name, SlateRunRow.state.in_(AGAIN))).all()
    for row in rows:
        stem = row.run.removesuffix(f".{row.attempt}") if row.attempt > 1 else row.run
        row.attempt += 1
        row.run, row.state, row.error = f"{stem}.{row.attempt}", "waiting", ""
        row.started_at = row.ended_at = None
    return len(rows)


def _move(session: Session, row: SlateRunRow, before: str, changes: Mapping[str, object]) -> None:
    same = (SlateRunRow.slate == row.slate, SlateRunRow.input == row.input, SlateRunRow.run == row.run)
    session.execute(update(SlateRunRow).where(*same, SlateRunRow.state == before).values(changes))


def _state(session: Session, name: str, standing: Mapping[str, str]) -> SlateState:
    mine = SlateRunRow.slate == name
    counted = session.execute(select(SlateRunRow.state, func.count()).where(mine).group_by(SlateRunRow.state))
    counts = {str(state): int(number) for state, number in counted}
    running = select(SlateRunRow).where(mine, SlateRunRow.state == "running").order_by(SlateRunRow.position)
    failed = select(SlateRunRow).where(mine, SlateRunRow.state == "failed").order_by(SlateRunRow.ended_at.desc())
    total = session.scalar(select(func.sum(SlateRunRow.micro_usd)).where(mine))
    rows = [
        ItemRow.model_validate({"key": row.run, "status": standing.get(row.run, "working")})
        for row in session.scalars(running.limit(SHOWN))
    ]
    errors = [f"{row.place}: {row.error}" for row in session.scalars(failed.limit(5))]
    return SlateState(counts=counts, rows=tuple(rows), micro_usd=int(total or 0), errors=tuple(reversed(errors)))


def order_of(row: SlateRunRow) -> dict[str, object]:
    """Read the order of a run."""
    found: dict[str, object] = json.loads(row.body)
    return found
