"""Every table of the house, gathered for migrations."""

from activities import catalog_rows, conversation_tables, effects, entries, people
from activities.database import Base

TABLES = Base.metadata
"""The schema that migrations lead to."""

__all__ = ["TABLES", "catalog_rows", "conversation_tables", "effects", "entries", "people"]
