"""The table in which migrations say which code can work on what they leave."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime


class SchemaVersionRow(Base):
    """A migration that was run, and the oldest code that can work on it, named by the last migration it brings."""

    __tablename__ = "schema_versions"

    revision: Mapped[str] = mapped_column(Text, primary_key=True)
    oldest_code: Mapped[str] = mapped_column(Text)
    applied_at: Mapped[datetime] = mapped_column(UtcDateTime(timezone=True))
