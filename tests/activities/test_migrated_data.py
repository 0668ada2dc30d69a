"""Rows that were kept before a migration are there after it: of every table, from the first schema to the last."""

from datetime import UTC, datetime

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Date, DateTime, Float, Integer, MetaData, create_engine, insert, select

from activities.schema import MIGRATIONS, Schema

ROWS = 3
OWN = {"alembic_version", "schema_versions"}
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    sqlite = f"sqlite:///{tmp_path / 'callsheet.db'}"
    engine = create_engine(sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield engine
    engine.dispose()


def revisions():
    scripts = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS / "versions")])
    return [each.revision for each in reversed(list(scripts.walk_revisions()))]


def value(column, number):
    """Anything that the column takes, and another for each row; a text is JSON, in case a migration reads it."""
    if isinstance(column.type, DateTime):
        return AT
    if isinstance(column.type, Date):
        return AT.date()
    if isinstance(column.type, Boolean):
        return False
    return number if isinstance(column.type, Integer | Float) else f'{{"n": {number}}}'


def fill(engine, known):
    """Write rows into every table that has none of ours yet."""
    for table in tables(engine):
        if table.name not in known:
            with engine.begin() as connection:
                rows = [
                    {column.name: value(column, number) for column in table.columns} for number in range(1, ROWS + 1)
                ]
                connection.execute(insert(table), rows)
            known[table.name] = keys(engine, table)


def tables(engine):
    metadata = MetaData()
    metadata.reflect(engine)
    return [table for table in metadata.sorted_tables if table.name not in OWN]


def keys(engine, table):
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(select(*table.primary_key.columns))}


def test_rows_of_every_table_outlive_every_migration_that_comes_after_them(engine):
    schema, known = Schema(engine), {}
    for revision in revisions():
        schema.migrate(revision)
        fill(engine, known)
    assert schema.standing().current
    assert {table.name: keys(engine, table) for table in tables(engine)} == known
    assert len(known) > 20
