"""Duties that one worker of a fleet does for all: whoever comes first, each time."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from activities.database import Base, Database, UtcDateTime, first, now


class DutyRow(Base):
    """A duty, and until when it is done: before that nobody does it again."""

    __tablename__ = "duties"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


async def take(database: Database, name: str, every: timedelta) -> bool:
    """Take a duty that is due; of several who ask at once one gets it. It is due again after `every`."""
    return await database.run(lambda session: _take(session, name, every))


def _take(session: Session, name: str, every: timedelta) -> bool:
    at = now()
    due = update(DutyRow).where(DutyRow.name == name, DutyRow.until <= at).values(until=at + every)
    if cast("CursorResult[Any]", session.execute(due)).rowcount:
        return True
    return session.get(DutyRow, name) is None and first(session, DutyRow(name=name, until=at + every))
