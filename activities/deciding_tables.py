"""Tables of what was decided with a signature, and of what was sent to people."""

from datetime import datetime

from sqlalchemy import Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime, now


class NonceRow(Base):
    """A signed decision that was heard: it counts once. `arrival` tells a retry of the proof from a replay."""

    __tablename__ = "decision_nonces"

    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    arrival: Mapped[str] = mapped_column(Text)
    workflow: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class DeliveryRow(Base):
    """What became of sending a notice through a channel: `sent`, `trying` or `failed`, and why."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_state", "state", "at"),)

    notice: Mapped[str] = mapped_column(Text, primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    error: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
