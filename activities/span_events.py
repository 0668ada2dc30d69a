"""The events of spans: rulings, approvals and errors that are no span of their own, in the words of the log."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from activities.conversation_tables import CutRow, JournalRow, MessageRow
from activities.database import Base
from activities.invocation_tables import InvocationRow
from activities.people import NoticeRow
from activities.record_entries import entries_of
from activities.spans import Happening
from activities.spots import Spot

_NOTES = (MessageRow.turn, MessageRow.notes, MessageRow.record, MessageRow.created_at)


def of_turn(session: Session, spot: Spot, turn: int) -> tuple[Happening, ...]:
    """Tell what was ruled and said to an agent in a turn; in turn 0 before its first one."""
    here = {"conversation": spot.conversation, "turn": turn}
    notes = select(MessageRow).filter_by(**here).where(MessageRow.record.is_(None)).options(load_only(*_NOTES))
    rows: list[Base] = list(session.scalars(notes))
    rows += session.scalars(select(JournalRow).filter_by(**here).order_by(JournalRow.id))
    rows += session.scalars(select(CutRow).filter_by(**here).order_by(CutRow.position))
    return _happenings(rows, spot)


def of_invocation(session: Session, row: InvocationRow) -> tuple[Happening, ...]:
    """Tell what happened to a run or an item outside its conversations: what people were asked, and what they said."""
    of_its = (JournalRow.run == row.run, JournalRow.item == row.item, JournalRow.conversation == "")
    rows: list[Base] = list(session.scalars(select(JournalRow).where(*of_its, JournalRow.at >= row.started_at)))
    return _happenings([*rows, *notices(session, row)], Spot.of_invocation(row))


def notices(session: Session, row: InvocationRow) -> Sequence[NoticeRow]:
    """Read what people were told of an invocation; an item's notices are its own, and not its run's."""
    its = (NoticeRow.run == row.run, NoticeRow.item == row.item, NoticeRow.told_at >= row.started_at)
    return session.scalars(select(NoticeRow).where(*its).order_by(NoticeRow.id)).all()


def _happenings(rows: Iterable[Base], spot: Spot) -> tuple[Happening, ...]:
    return tuple(sorted(_each(rows, spot), key=lambda each: each.at))


def _each(rows: Iterable[Base], spot: Spot) -> Iterator[Happening]:
    for row in rows:
        for entry in entries_of(row, spot):
            yield Happening(entry["action"], entry["timestamp"], entry["data"])
