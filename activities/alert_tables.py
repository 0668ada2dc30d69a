"""Tables of the alerts: which were raised, which runs a pipeline had; and the indexes that looking back needs."""

from datetime import datetime

from sqlalchemy import BigInteger, Float, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.conversation_tables import ConversationRow
from activities.database import Base, UtcDateTime, now
from activities.ledger_tables import AttemptRow


class AlertRow(Base):
    """Spending that was out of the ordinary, raised once under its key. Amounts are micro-dollars.

    `conversation` and `turn` say where it was noticed, which need not be where the money went.
    """

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_pipeline", "pipeline", "kind", "at"),)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    pipeline: Mapped[str] = mapped_column(Text)
    run: Mapped[str] = mapped_column(Text, index=True)
    item: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)
    conversation: Mapped[str] = mapped_column(Text)
    turn: Mapped[int] = mapped_column(Integer)
    value: Mapped[int] = mapped_column(BigInteger)
    median: Mapped[int] = mapped_column(BigInteger)
    factor: Mapped[float] = mapped_column(Float)
    sample: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PipelineRunRow(Base):
    """A run that a pipeline has had; `account` is what its calls are charged to."""

    __tablename__ = "pipeline_runs"
    __table_args__ = (Index("ix_pipeline_runs_at", "pipeline", "at"),)
    pipeline: Mapped[str] = mapped_column(Text, primary_key=True)
    run: Mapped[str] = mapped_column(Text, primary_key=True)
    account: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


ATTEMPTS_BY_PIPELINE = Index("ix_attempts_pipeline", AttemptRow.pipeline, AttemptRow.ended_at, AttemptRow.micro_usd)
CONVERSATIONS_BY_PIPELINE = Index(
    "ix_conversations_pipeline", ConversationRow.pipeline, ConversationRow.agent, ConversationRow.created_at
)
