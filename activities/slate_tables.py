"""Tables of slates: which runs belong to a batch, and what became of each. They outlive the server's histories."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime, now


class SlateRow(Base):
    """One batch, by its name. `kind` is the workflow of all its runs, `micro_usd` the cap of the whole, if any."""

    __tablename__ = "slates"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    tenant: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    micro_usd: Mapped[int | None] = mapped_column(BigInteger, default=None)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SlateRunRow(Base):
    """One input of a batch and its latest run.

    `input` is the digest of what was handed in, `place` where that stood (`file` or `file:line`), `body` the order as
    JSON. `state` is `waiting`, `running`, or how the run ended: `complete`, `partial`, `failed` or `cancelled`.
    """

    __tablename__ = "slate_runs"
    __table_args__ = (Index("ix_slate_runs_state", "slate", "state", "position"),)

    slate: Mapped[str] = mapped_column(Text, primary_key=True)
    input: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    attempt: Mapped[int] = mapped_column(Integer, default=1)
    run: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    error: Mapped[str] = mapped_column(Text, default="")
    micro_usd: Mapped[int] = mapped_column(BigInteger, default=0)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
