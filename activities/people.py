"""How people are told: what they were told is kept, and so it is in the log; other channels read it from here."""

import hashlib
from datetime import datetime

from sqlalchemy import Index, Integer, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from temporalio import activity

from activities.database import Base, Database, UtcDateTime, first, now
from workflows.models import Done, Notice
from workflows.ports import People


class NoticeRow(Base):
    """Something that people were told. `digest` is of the notice, so that telling it again changes nothing."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_item", "run", "item"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text, index=True)
    run: Mapped[str] = mapped_column(Text, index=True)
    item: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Told(People):
    """Implements the port: keeps each notice once."""

    def __init__(self, database: Database) -> None:
        """Keep notices in `database`."""
        self._database = database

    @activity.defn(name="tell_people")
    async def tell(self, notice: Notice) -> Done:
        """Tell people, and keep what they were told."""
        await self._database.run(lambda session: _keep(session, notice))
        return Done(at=now())

    async def questions(self, run: str) -> tuple[Notice, ...]:
        """Read everything that people were told about a run, in order: questions, reminders, decisions, conflicts."""
        query = select(NoticeRow.body).where(NoticeRow.run == run).order_by(NoticeRow.id)
        rows = await self._database.read(lambda session: session.scalars(query).all())
        return tuple(Notice.model_validate_json(row) for row in rows)


def _keep(session: Session, notice: Notice) -> None:
    body = notice.model_dump_json()
    digest = hashlib.sha256(body.encode()).hexdigest()
    scope = notice.question.scope
    row = NoticeRow(
        digest=digest,
        kind=notice.kind,
        question=notice.question.id,
        run=scope.run,
        item=scope.item,
        body=body,
        told_at=now(),
    )
    first(session, row)
