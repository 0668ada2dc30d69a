"""The table of calls that can wait."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime, now


class BatchCallRow(Base):
    """One call that waits for its reply without a hurry.

    `state` is `waiting`, `submitting` (in a parcel that is being handed in), `out` (in a batch of the provider),
    `ended` (its reply is in the store, or `error` says why there is none) or `done` (and its workflow was told).
    `attempt` holds its money. `queue` is the task queue of the desk that looks after it. Messages and images are not
    kept again: the store has them, and `request` is enough to find them.
    """

    __tablename__ = "batch_calls"
    __table_args__ = (Index("ix_batch_calls_queue", "queue", "state"), Index("ix_batch_calls_batch", "batch"))
    custom_id: Mapped[str] = mapped_column(Text, primary_key=True)
    conversation: Mapped[str] = mapped_column(Text)
    head: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer)
    workflow_id: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    request: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(Text)
    betas: Mapped[str] = mapped_column(Text, default="[]")
    max_tokens: Mapped[int] = mapped_column(Integer, default=0)
    attempt: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    parcel: Mapped[str] = mapped_column(Text, default="")
    batch: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str] = mapped_column(Text, default="")
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
