"""Tables of what operators do to the fleet: what is paused now, and every act for good."""

from datetime import datetime

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime


class PauseRow(Base):
    """What is paused now: a pipeline, a tenant, or one of the other; empty means every one. `act` is how it began."""

    __tablename__ = "pauses"

    pipeline: Mapped[str] = mapped_column(Text, primary_key=True)
    tenant: Mapped[str] = mapped_column(Text, primary_key=True)
    act: Mapped[int] = mapped_column(Integer)
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class FleetActRow(Base):
    """An act of an operator: `pause`, `resume` or `cancel`, of what, by whom, why, and how many runs it found.

    `body` is the whole of it as canonical JSON, which `signature` is of; rows are never changed.
    """

    __tablename__ = "fleet_acts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
