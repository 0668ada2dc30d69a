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
    """One conversation and for whom it is held. `contract` never changes.

    `accounts` is the JSON list of the accounts that its calls are charged to, the nearest first; those of tenant and
    fleet come on top. `ended` is how it ended last, after `ended_turn`: a halted one may go on after a person's answer.
    """

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_item", "run", "item"),)
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
    accounts: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")
    pipeline: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ended: Mapped[str] = mapped_column(Text, default="", server_default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    ended_turn: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class MessageRow(Base):
    """One message, verbatim, first writer wins. `record` is the reply's record, `notes` what the workflow added.

    `model` is the one that was asked for a reply, `attempt` the ledger's record of that call.
    """

    __tablename__ = "messages"
    conversation: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    turn: Mapped[int] = mapped_column(Integer)
    notes: Mapped[str] = mapped_column(Text, default="[]")
    record: Mapped[str | None] = mapped_column(Text, default=None)
    model: Mapped[str | None] = mapped_column(Text, default=None)
    attempt: Mapped[int | None] = mapped_column(BigInteger, default=None)
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
    """One compaction: from `position` on the model reads message 0, the summary, and the messages from `keep_from`.

    `strategy` wrote the summary, `tried` says why the ones before it failed, `block` is a signed one, as JSON.
    """

    __tablename__ = "cuts"
    conversation: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    keep_from: Mapped[int] = mapped_column(Integer)
    summary: Mapped[str] = mapped_column(Text)
    contract_digest: Mapped[str] = mapped_column(Text)
    context: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer)
    strategy: Mapped[str] = mapped_column(Text, default="plain", server_default="plain")
    tried: Mapped[str] = mapped_column(Text, default="", server_default="")
    block: Mapped[str | None] = mapped_column(Text, default=None)
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
