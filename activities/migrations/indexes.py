"""How a migration builds an index on a table that is in use."""

from collections.abc import Sequence

from alembic import op


def build_aside(name: str, table: str, columns: Sequence[str], *, unique: bool = False) -> None:
    """Build an index while others read and write the table; what an interrupted build left is taken away first."""
    if op.get_context().dialect.name != "postgresql":  # SQLite has one writer anyway, and no way around it
        op.create_index(name, table, columns, unique=unique)
        return
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it holds up nobody, so it may wait for everybody
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, unique=unique, postgresql_concurrently=True)
