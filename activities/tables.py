"""Every table of the house, gathered for migrations."""

from activities import (
    alert_tables,
    batch_tables,
    catalog_rows,
    conversation_tables,
    deciding_tables,
    desk_tables,
    duties,
    effects,
    entries,
    fleet_tables,
    hiring_tables,
    invocation_tables,
    ledger_tables,
    people,
    schema_tables,
    slate_tables,
    warmth,
)
from activities.database import Base

TABLES = Base.metadata
"""The schema that migrations lead to."""

__all__ = [
    "TABLES",
    "alert_tables",
    "batch_tables",
    "catalog_rows",
    "conversation_tables",
    "deciding_tables",
    "desk_tables",
    "duties",
    "effects",
    "entries",
    "fleet_tables",
    "hiring_tables",
    "invocation_tables",
    "ledger_tables",
    "people",
    "schema_tables",
    "slate_tables",
    "warmth",
]
