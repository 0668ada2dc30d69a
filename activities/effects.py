"""The write-ahead record of side effects that may happen only once."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple, cast

from sqlalchemy import Text, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from activities.database import Base, Database, UtcDateTime, now
from workflows.models import Scope

EffectStatus = Literal["pending", "done", "failed", "unknown"]


class EffectRow(Base):
    """One side effect under its idempotency key."""

    __tablename__ = "effects"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    tool: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    run: Mapped[str] = mapped_column(Text, index=True)
    item: Mapped[str] = mapped_column(Text)
    arguments_digest: Mapped[str] = mapped_column(Text)
    result: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Claim(NamedTuple):
    """What is known of an effect. `fresh` means that this caller wrote the record and may act."""

    fresh: bool
    status: EffectStatus
    arguments_digest: str
    result: str | None


class Effects:
    """Claims an effect before it happens, and records what became of it."""

    def __init__(self, database: Database) -> None:
        """Keep the records in `database`."""
        self._database = database

    async def claim(self, key: str, tool: str, scope: Scope, arguments_digest: str) -> Claim:
        """Write `pending` under `key`, or tell what stands there. Exactly one caller gets a fresh claim."""
        at = now()
        row = EffectRow(
            key=key,
            tool=tool,
            status="pending",
            run=scope.run,
            item=scope.item,
            arguments_digest=arguments_digest,
            created_at=at,
            updated_at=at,
        )
        try:
            await self._database.run(lambda session: _insert(session, row))
        except IntegrityError:
            found = await self.find(key)
            if found is None:
                raise
            return found
        return Claim(True, "pending", arguments_digest, None)

    async def finish(self, key: str, status: EffectStatus, result: str | None = None) -> None:
        """Record what became of a claimed effect. `done` is final: nothing changes it again."""
        await self._database.run(
            lambda session: session.execute(
                update(EffectRow)
                .where(EffectRow.key == key, EffectRow.status != "done")
                .values(status=status, result=result, updated_at=now())
            )
        )

    async def retake(self, key: str, older_than: timedelta) -> bool:
        """Take over an open effect whose last worker cannot be at it any more. Exactly one caller succeeds."""
        moment = now()
        change = (
            update(EffectRow)
            .where(
                EffectRow.key == key,
                EffectRow.status.in_(("pending", "unknown")),
                EffectRow.updated_at <= moment - older_than,
            )
            .values(updated_at=moment)
            .returning(EffectRow.key)
        )
        return await self._database.run(lambda session: session.scalar(change)) is not None

    async def find(self, key: str) -> Claim | None:
        """Tell what is known under `key`."""
        row = await self._database.read(lambda session: session.get(EffectRow, key))
        if row is None:
            return None
        return Claim(False, cast("EffectStatus", row.status), row.arguments_digest, row.result)

    async def open_effects(self, run: str) -> tuple[str, ...]:
        """List the keys of a run whose outcome is not known: a person has to look."""
        query = select(EffectRow.key).where(EffectRow.run == run, EffectRow.status.in_(("pending", "unknown")))
        return await self._database.read(lambda session: tuple(session.scalars(query.order_by(EffectRow.key))))


def _insert(session: Session, row: EffectRow) -> None:
    session.add(row)
    session.flush()
