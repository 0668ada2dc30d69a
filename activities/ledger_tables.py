"""Tables of the ledger: accounts with their caps, the attempts charged to them, and who changed a cap."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, Integer, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime, now

_SERIAL = BigInteger().with_variant(Integer, "sqlite")


class AccountRow(Base):
    """One account. `reserved` is the sum of its open attempts, `spent` of those that ended; both in micro-dollars.

    A `cap` of its own is what somebody set; an account of a day or a month without one has the cap of its rule.
    """

    __tablename__ = "accounts"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    cap: Mapped[int | None] = mapped_column(BigInteger, default=None)
    spent: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class AttemptRow(Base):
    """One attempt at a model call, written before it: a call that may have been billed is never taken for free.

    `state` is `open`, `billed`, `free` or `unknown`. `micro_usd` is what an ended attempt counts: its bill, nothing, or
    what was reserved for it. `model` was asked, `served` answered. `accounts` is the JSON list of all accounts charged.
    `stop` is why the reply ended and `response` its id, both as the API said; `max_tokens` is 0 where it is not known.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        Index("ix_attempts_conversation", "conversation", "position", "turn"),
        Index("ix_attempts_state", "state", "expires_at"),
        UniqueConstraint("key", name="one_attempt_per_key"),
    )
    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    key: Mapped[str] = mapped_column(Text)
    conversation: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text, default="turn", server_default="turn")
    pipeline: Mapped[str] = mapped_column(Text, default="", server_default="")
    model: Mapped[str] = mapped_column(Text)
    served: Mapped[str] = mapped_column(Text, default="", server_default="")
    state: Mapped[str] = mapped_column(Text, default="open")
    reserved: Mapped[int] = mapped_column(BigInteger)
    micro_usd: Mapped[int] = mapped_column(BigInteger, default=0)
    accounts: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")
    source: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str] = mapped_column(Text, default="")
    input: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    output: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    thinking: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    cache_read: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    write_5m: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    write_1h: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    max_tokens: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    stop: Mapped[str] = mapped_column(Text, default="", server_default="")
    response: Mapped[str] = mapped_column(Text, default="", server_default="")
    batch: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class CapChangeRow(Base):
    """One cap changed by one order of a person; an order that is repeated finds its rows and changes nothing."""

    __tablename__ = "cap_changes"
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    account: Mapped[str] = mapped_column(Text, primary_key=True, index=True)
    before: Mapped[int | None] = mapped_column(BigInteger)
    after: Mapped[int | None] = mapped_column(BigInteger)
    by: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
