"""The steps of a call that waits for a batch, each inside a transaction of the caller and harmless when repeated.

The row of the call is locked first and its accounts after it, always.
"""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from activities import ledger_rows
from activities.batch_tables import BatchCallRow
from activities.database import first
from activities.ledger_bids import Bid, Denied
from activities.ledger_rows import Caps
from activities.ledger_tables import AttemptRow
from activities.pauses import is_paused
from workflows.models import Tended

LEASE = timedelta(hours=26)
"""How long the money of a call is held that nobody hears of: a batch ends after a day at the latest."""

MOST_CALLS = 10_000
"""Calls of one batch; the provider takes more, but they come back all at once."""

UNDER_WAY = ("submitting", "out", "ended")


class Queued(NamedTuple):
    """How a call stands. `alone` says that no other call waited when this one was queued."""

    state: str
    error: str
    alone: bool


class Kind(NamedTuple):
    """What the calls of one batch have in common."""

    model: str
    betas: tuple[str, ...]


class Parcel(NamedTuple):
    """Calls that are handed in together, in one request."""

    name: str
    kind: Kind
    ids: frozenset[str]
    since: datetime


def queue(
    session: Session, row: BatchCallRow, bid: Bid, caps: Caps, fit: Callable[[int], int], at: datetime
) -> Queued | Denied:
    """Queue a call and hold its money, unless it is queued already; `fit` finds the output cap for what is held."""
    if not first(session, row):
        kept = session.get_one(BatchCallRow, row.custom_id)
        return Queued(kept.state, kept.error, alone=True)
    held = ledger_rows.reserve(session, bid, caps, at, LEASE)
    if isinstance(held, Denied):
        session.delete(row)
        return held
    row.attempt, row.max_tokens = held.attempt, fit(held.micro_usd)
    others = select(BatchCallRow.custom_id).where(*_of(row.queue, "waiting"), BatchCallRow.custom_id != row.custom_id)
    return Queued("waiting", "", alone=session.scalar(others.limit(1)) is None)


def waiting(session: Session, desk: str) -> dict[Kind, list[BatchCallRow]]:
    """Read the calls that wait, the oldest first: those of one model and the same betas go together.

    Those of work that operators paused go on waiting.
    """
    due = (*_of(desk, "waiting"), ~is_paused(BatchCallRow.conversation))
    query = select(BatchCallRow).where(*due).order_by(BatchCallRow.queued_at, BatchCallRow.custom_id)
    kinds: dict[Kind, list[BatchCallRow]] = {}
    for row in session.scalars(query.limit(MOST_CALLS)):
        kinds.setdefault(_kind(row), []).append(row)
    return kinds


def claim(session: Session, ids: Collection[str], parcel: str, at: datetime) -> frozenset[str]:
    """Put waiting calls into a parcel; returns those that nobody else took meanwhile."""
    mine = update(BatchCallRow).where(BatchCallRow.custom_id.in_(ids), BatchCallRow.state == "waiting")
    change = mine.values(state="submitting", parcel=parcel, submitted_at=at)
    claimed = session.execute(change.returning(BatchCallRow.custom_id, BatchCallRow.attempt)).all()
    still_open = (AttemptRow.id.in_([row.attempt for row in claimed]), AttemptRow.state == "open")
    session.execute(update(AttemptRow).where(*still_open).values(expires_at=at + LEASE))
    return frozenset(row.custom_id for row in claimed)


def handed_in(session: Session, parcel: str, batch: str) -> None:
    """Note in which batch a parcel is."""
    _move(session, parcel, {"state": "out", "batch": batch})


def put_back(session: Session, parcel: str) -> None:
    """Let the calls of a parcel wait again, because it never arrived."""
    _move(session, parcel, {"state": "waiting", "parcel": "", "submitted_at": None})


def parcels(session: Session, desk: str) -> list[Parcel]:
    """Read the parcels of which nobody noted whether they arrived."""
    found: dict[str, list[BatchCallRow]] = {}
    for row in session.scalars(select(BatchCallRow).where(*_of(desk, "submitting"))):
        found.setdefault(row.parcel, []).append(row)
    return [
        Parcel(
            name, _kind(rows[0]), frozenset(row.custom_id for row in rows), rows[0].submitted_at or rows[0].queued_at
        )
        for name, rows in found.items()
    ]


def known(session: Session, batches: Collection[str]) -> frozenset[str]:
    """Find which of these batches are ours."""
    return frozenset(session.scalars(select(BatchCallRow.batch).where(BatchCallRow.batch.in_(batches)).distinct()))


def batches(session: Session, desk: str) -> dict[str, tuple[str, ...]]:
    """List the batches that are out, each with the betas it was handed in with."""
    query = select(BatchCallRow.batch, func.min(BatchCallRow.betas)).where(*_of(desk, "out"))
    return {batch: tuple(json.loads(betas)) for batch, betas in session.execute(query.group_by(BatchCallRow.batch))}


def of_batch(session: Session, batch: str) -> dict[str, BatchCallRow]:
    """Read the calls of a batch that have not come back yet."""
    query = select(BatchCallRow).where(BatchCallRow.batch == batch, BatchCallRow.state == "out")
    return {row.custom_id: row for row in session.scalars(query)}


def answered(session: Session, custom_id: str, at: datetime) -> None:
    """Note that the reply is in the store."""
    _end(session, custom_id, at, "")


def failed(session: Session, custom_id: str, error: str, cost: Literal["free", "unknown"], at: datetime) -> None:
    """Note that there will be no reply, and end what was held for it; the call is then made without a batch."""
    if (row := _end(session, custom_id, at, error)) is not None:
        end = ledger_rows.release if cost == "free" else ledger_rows.lose
        end(session, row.attempt, error, at)


def to_be_told(session: Session, desk: str) -> list[BatchCallRow]:
    """Read the calls whose workflows do not know yet."""
    return list(session.scalars(select(BatchCallRow).where(*_of(desk, "ended")).order_by(BatchCallRow.ended_at)))


def told(session: Session, ids: Collection[str]) -> None:
    """Note that the workflows of these calls know."""
    ended = update(BatchCallRow).where(BatchCallRow.custom_id.in_(ids), BatchCallRow.state == "ended")
    session.execute(ended.values(state="done"))


def tended(session: Session, desk: str) -> Tended:
    """Count what is left to do."""
    query = select(BatchCallRow.state, func.count()).where(*_of(desk, "waiting", *UNDER_WAY))
    counts = {row[0]: int(row[1]) for row in session.execute(query.group_by(BatchCallRow.state))}
    return Tended(waiting=counts.get("waiting", 0), out=sum(counts.get(state, 0) for state in UNDER_WAY))


def _of(desk: str, *states: str) -> tuple[ColumnElement[bool], ...]:
    return BatchCallRow.queue == desk, BatchCallRow.state.in_(states)


def _kind(row: BatchCallRow) -> Kind:
    return Kind(row.model, tuple(json.loads(row.betas)))


def _move(session: Session, parcel: str, values: Mapping[str, object]) -> None:
    mine = update(BatchCallRow).where(BatchCallRow.parcel == parcel, BatchCallRow.state == "submitting")
    session.execute(mine.values(values))


def _end(session: Session, custom_id: str, at: datetime, error: str) -> BatchCallRow | None:
    row = session.get_one(BatchCallRow, custom_id, with_for_update=True, populate_existing=True)
    if row.state not in {"waiting", "submitting", "out"}:
        return None
    row.state, row.error, row.ended_at = "ended", error, at
    session.flush()
    return row
