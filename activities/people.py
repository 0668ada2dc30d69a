"""How people are told: what they were told is kept, and so it is in the log; channels and desks read it from here."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from sqlalchemy import Index, Integer, Select, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from temporalio import activity
from temporalio.service import RPCError

from activities.database import Base, Database, UtcDateTime, first, now
from activities.deciding_tables import DeliveryRow
from workflows.models import Done, Notice, NoticeKind, Question
from workflows.ports import People


class NoticeRow(Base):
    """Something that people were told, or did. `digest` is of the notice, so that telling it again changes nothing."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_item", "run", "item"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text, index=True)
    run: Mapped[str] = mapped_column(Text, index=True)
    item: Mapped[str] = mapped_column(Text)
    tenant: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Send(Protocol):
    """Has a kept notice carried to people; asked twice for one, it is carried once."""

    async def __call__(self, digest: str) -> None:
        """Start to carry it, and do not wait for it."""
        ...


class Told(People):
    """Implements the port: keeps each notice once, and has those of some kinds carried to people."""

    def __init__(self, database: Database, send: Send | None = None, kinds: Collection[NoticeKind] = ()) -> None:
        """Keep notices in `database`; those of `kinds` are handed to `send`."""
        self._database = database
        self._send, self._kinds = send, frozenset(kinds)

    @activity.defn(name="tell_people")
    async def tell(self, notice: Notice) -> Done:
        """Keep what people are told, then have it carried; sending is nothing that the run waits for."""
        digest = await self._keep(notice)
        if self._send is not None and notice.kind in self._kinds:
            try:
                await self._send(digest)
            except RPCError as error:
                row = _uncarried(digest, error)
                await self._database.run(lambda session: first(session, row))
        return Done(at=now())

    async def viewed(self, question: Question, by: str) -> None:
        """Keep that somebody looked at a question."""
        await self._keep(Notice(kind="viewed", question=question.slim(), by=by, at=now()))

    async def questions(self, run: str) -> tuple[Notice, ...]:
        """Read everything about a run, in order: questions, reminders, decisions, conflicts, views."""
        return await self._read(select(NoticeRow.body).where(NoticeRow.run == run))

    async def of_question(self, question: str) -> tuple[Notice, ...]:
        """Read everything about one question, in order; the first notice holds its whole evidence."""
        return await self._read(select(NoticeRow.body).where(NoticeRow.question == question))

    async def _read(self, query: Select[str]) -> tuple[Notice, ...]:
        rows = await self._database.read(lambda session: session.scalars(query.order_by(NoticeRow.id)).all())
        return tuple(Notice.model_validate_json(row) for row in rows)

    async def _keep(self, notice: Notice) -> str:
        body = notice.model_dump_json()
        digest = hashlib.sha256(body.encode()).hexdigest()
        scope = notice.question.scope
        row = NoticeRow(
            digest=digest,
            kind=notice.kind,
            question=notice.question.id,
            run=scope.run,
            item=scope.item,
            tenant=scope.tenant,
            body=body,
            told_at=now(),
        )

        def work(session: Session) -> bool:
            return first(session, row)

        await self._database.run(work)
        return digest


def _uncarried(digest: str, error: RPCError) -> DeliveryRow:
    """Keep that no courier could be started: a state, and nothing that a run could fail by."""
    words = f"no courier: {error.status.name.lower()}"
    return DeliveryRow(notice=digest, channel="courier", state="failed", attempts=1, error=words, at=now())
