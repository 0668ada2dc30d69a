"""The table of invocations: which workflows with agents began, and what became of them."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime

FROM_OUTSIDE = ("terminated", "timed out")
"""What becomes of a workflow that the server ends; it cannot say so itself."""


class InvocationRow(Base):
    """One run, item or single agent. `status` is empty until it has ended.

    `trace_id`, `span_id` and `parent_span_id` place it in the trace of whoever ordered it; `trace_flags` are theirs,
    and empty where the trace began here. `asked` counts the questions that people were asked for it;
    `workflow_run_id` is its latest run.
    """

    __tablename__ = "invocations"
    __table_args__ = (
        Index("ix_invocations_workflow", "workflow_id", "started_at"),
        Index("ix_invocations_ended", "ended_at", "name", "tenant", "asked"),
        Index("ix_invocations_item", "run", "item"),
        Index("ix_invocations_parent", "parent", "ended_at"),
    )
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    pipeline: Mapped[str] = mapped_column(Text)
    run: Mapped[str] = mapped_column(Text, index=True)
    item: Mapped[str] = mapped_column(Text)
    tenant: Mapped[str] = mapped_column(Text)
    parent: Mapped[str] = mapped_column(Text)
    workflow_id: Mapped[str] = mapped_column(Text)
    workflow_run_id: Mapped[str] = mapped_column(Text)
    trace_id: Mapped[str] = mapped_column(Text)
    span_id: Mapped[str] = mapped_column(Text)
    parent_span_id: Mapped[str] = mapped_column(Text)
    trace_flags: Mapped[str] = mapped_column(Text, default="", server_default="")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    status: Mapped[str] = mapped_column(Text, default="")
    micro_usd: Mapped[int] = mapped_column(BigInteger, default=0)
    turns: Mapped[int] = mapped_column(Integer, default=0)
    tool_calls: Mapped[int] = mapped_column(Integer, default=0)
    asked: Mapped[int] = mapped_column(Integer, default=0)
    events: Mapped[int] = mapped_column(Integer, default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
