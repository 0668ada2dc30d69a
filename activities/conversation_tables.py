"""Tables of the conversation store. JSON is kept as text: its key order is part of what the model was shown."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime, now

_SERIAL = BigInteger().with_variant(Integer, "sqlite")


class PinRow(Base):
    """An agent as it was when a conversation opened: instructions, tools with their policies, model, limits."""

    __tablename__ = "pins"
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    body: Mapped[str] = mapped_column(Text)


class ConversationRow(Base):
    """One conversation and for whom it is held. `contract` never changes."""

    __tablename__ = "conversations"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    pin: Mapped[str] = mapped_column(Text)
    workflow_id: Mapped[str] = mapped_column(Text, index=True)
    workflow_run_id: Mapped[str] = mapped_column(Text)
    run: Mapped[str] = mapped_column(Text, index=True)
    item: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)
    tenant: Mapped[str] = mapped_column(Text)
    contract: Mapped[str] = mapped_column(Text)
    contract_digest: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class MessageRow(Base):
    """One message, verbatim, first writer wins. `record` is the reply's record, `notes` what the workflow added."""

    __tablename__ = "messages"
    conversation: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    turn: Mapped[int] = mapped_column(Integer)
    notes: Mapped[str] = mapped_column(Text, default="[]")
    record: Mapped[str | None] = mapped_column(Text, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ToolResultRow(Base):
    """What one call came to, first writer wins: the text that the model reads, and the small outcome."""

    __tablename__ = "tool_results"
    conversation: Mapped[str] = mapped_column(Text, primary_key=True)
    call_id: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer)
    tool: Mapped[str] = mapped_column(Text)
    arguments: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    overflow: Mapped[str | None] = mapped_column(Text, default=None)
    outcome: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class CutRow(Base):
    """One compaction: from `position` on the model reads message 0, the summary, and the messages from `keep_from`."""

    __tablename__ = "cuts"
    conversation: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    keep_from: Mapped[int] = mapped_column(Integer)
    summary: Mapped[str] = mapped_column(Text)
    contract_digest: Mapped[str] = mapped_column(Text)
    context: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class JournalRow(Base):
    """What else happened: rulings, decisions, errors."""

    __tablename__ = "journal"
    __table_args__ = (Index("ix_journal_conversation", "conversation"), Index("ix_journal_run", "run"))
    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    run: Mapped[str] = mapped_column(Text)
    item: Mapped[str] = mapped_column(Text, default="")
    agent: Mapped[str] = mapped_column(Text, default="")
    conversation: Mapped[str] = mapped_column(Text, default="")
    turn: Mapped[int] = mapped_column(Integer, default=0)
    action: Mapped[str] = mapped_column(Text)
    data: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class AttemptRow(Base):
    """One attempt at a model call, written before it. `open` and `unknown` count at what was reserved."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_conversation", "conversation", "position", "turn"),)
    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    conversation: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer)
    model: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="open")
    reserved: Mapped[int] = mapped_column(BigInteger)
    micro_usd: Mapped[int] = mapped_column(BigInteger, default=0)
    source: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
