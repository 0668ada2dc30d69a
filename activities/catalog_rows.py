"""The catalog's tables: who can be booked, what is to be shot, what was made, what was published."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime


class ModelRow(Base):
    """A fashion model who can be booked."""

    __tablename__ = "fashion_models"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    height_cm: Mapped[int] = mapped_column(Integer)


class ProductRow(Base):
    """One product of a run, as its brief describes it. `colours` is JSON."""

    __tablename__ = "products"

    run: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[str] = mapped_column(Text, primary_key=True, index=True)
    title: Mapped[str] = mapped_column(Text)
    garment: Mapped[str] = mapped_column(Text)
    fabric: Mapped[str] = mapped_column(Text)
    colours: Mapped[str] = mapped_column(Text)


class GuidelinesRow(Base):
    """How the brand of a run wants to look. `body` is JSON of all that its brief says of it."""

    __tablename__ = "guidelines"

    run: Mapped[str] = mapped_column(Text, primary_key=True)
    brand: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)


class ShotRow(Base):
    """One shot of a run, and what became of it."""

    __tablename__ = "items"

    run: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    shot: Mapped[str] = mapped_column(Text)
    state: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("items_in_order", "run", "position"), Index("items_by_key", "key"))


class AssetRow(Base):
    """One image that was made for an item. The same bytes may be made for several items and runs."""

    __tablename__ = "assets"

    run: Mapped[str] = mapped_column(Text, primary_key=True)
    item: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[str] = mapped_column(Text, index=True)
    media_type: Mapped[str] = mapped_column(Text)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(Integer)
    settings: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    print: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EntryRow(Base):
    """One published catalog entry. An item is published once; `key` is the idempotency key of the publishing."""

    __tablename__ = "entries"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    run: Mapped[str] = mapped_column(Text)
    item: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    uri: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    alt_text: Mapped[str] = mapped_column(Text)
    source_type: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__: tuple[Any, ...] = (UniqueConstraint("run", "item", name="one_entry_per_item"),)


class RecentRow(Base):
    """When something was last referred to."""

    __tablename__ = "recents"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
