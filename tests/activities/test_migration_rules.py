"""The rules that let a fleet be rolled without a pause, held against every migration since they were written down."""

import re
from itertools import pairwise

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from activities.schema import MIGRATIONS, Schema

SINCE = "0014"
"""Those before it are a baseline: no fleet was rolled over them."""

TAKES_AWAY = {
    "DROP TABLE": "drops a table",
    "DROP COLUMN": "drops a column",
}
NEVER = {
    r"\bRENAME\b": "renames: old code looks for the old name; add, copy, and take away later",
    r"ALTER COLUMN \S+ TYPE": "changes a type, which rewrites the table under a lock; add a column",
    r"ALTER COLUMN \S+ SET NOT NULL": "reads the whole table under a lock; CHECK ... NOT VALID first, then VALIDATE",
    r"ADD COLUMN (?!.*\bDEFAULT\b).*NOT NULL": "old code leaves this column out: give it a server_default",
    r"ADD CONSTRAINT (?!.*NOT VALID)": "checks the whole table under a lock; add it NOT VALID, then VALIDATE",
    r"^(UPDATE|DELETE FROM) (?!alembic_version|schema_versions)": "rewrites rows in one transaction; let a job do it",
    r"^LOCK\b": "locks a table",
}


def breaches(sql, oldest_code=""):
    """List which rules the SQL of one migration breaks."""
    statements = [re.sub(r"\s+", " ", each).strip() for each in sql.split(";")]
    made = {found[1] for each in statements if (found := re.match(r"CREATE TABLE (\S+)", each))}
    found = [said for each in statements for rule, said in NEVER.items() if re.search(rule, each)]
    if not oldest_code:
        taken = [said for each in statements for rule, said in TAKES_AWAY.items() if rule in each]
        found += [f"{said}, but does not say which code no longer needs it (oldest_code)" for said in taken]
    for each in statements:
        index = re.match(r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON (\S+)", each)
        if index and index[1] not in made:
            found.append(f"builds an index on {index[1]} under a lock: postgresql_concurrently, in an autocommit_block")
    return found


def migrations():
    scripts = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS / "versions")])
    return sorted(scripts.walk_revisions(), key=lambda each: each.revision)


RULED = [each for each in migrations() if each.revision >= SINCE]


@pytest.mark.parametrize("script", RULED, ids=lambda each: each.revision)
def test_a_migration_lets_old_code_go_on(script):
    schema = Schema(create_engine("postgresql+psycopg://"))
    sql = schema.written(script.down_revision, script.revision)
    assert f"UPDATE alembic_version SET version_num='{script.revision}'" in sql  # it is this one's SQL
    assert breaches(sql, getattr(script.module, "oldest_code", "")) == []


def test_migrations_are_one_line_of_numbers_without_a_gap():
    names = [each.revision for each in migrations()]
    assert names[0] == "0001"
    assert all(int(after) == int(before) + 1 and len(after) == 4 for before, after in pairwise(names))
    assert [each.down_revision for each in migrations()] == [None, *names[:-1]]


def test_a_migration_that_takes_something_away_names_code_that_came_before_it():
    for script in RULED:
        assert SINCE <= getattr(script.module, "oldest_code", SINCE) <= script.down_revision or script is RULED[0]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("ALTER TABLE notices RENAME COLUMN text TO words", "renames"),
        ("ALTER TABLE notices ALTER COLUMN text TYPE VARCHAR(10)", "changes a type"),
        ("ALTER TABLE notices ALTER COLUMN text SET NOT NULL", "reads the whole table"),
        ("ALTER TABLE notices ADD COLUMN mood TEXT NOT NULL", "server_default"),
        ("ALTER TABLE notices ADD CONSTRAINT one UNIQUE (mood)", "NOT VALID"),
        ("ALTER TABLE notices DROP COLUMN mood", "drops a column, but does not say"),
        ("DROP TABLE notices", "drops a table, but does not say"),
        ("CREATE INDEX ix_mood ON notices (mood)", "builds an index on notices under a lock"),
        ("CREATE UNIQUE INDEX ix_mood ON notices (mood)", "builds an index on notices under a lock"),
        ("UPDATE notices SET mood = ''", "rewrites rows"),
        ("LOCK TABLE notices", "locks a table"),
    ],
)
def test_what_would_stop_old_code_is_found(sql, said):
    (found,) = breaches(f"BEGIN;\n\n{sql};\n\nCOMMIT;")
    assert said in found


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE notices ADD COLUMN mood TEXT",
        "ALTER TABLE notices ADD COLUMN mood TEXT DEFAULT '' NOT NULL",
        "CREATE INDEX CONCURRENTLY ix_mood ON notices (mood)",
        "CREATE TABLE moods (id TEXT NOT NULL);\nCREATE INDEX ix_mood ON moods (id)",
        "ALTER TABLE notices ADD CONSTRAINT one CHECK (mood > '') NOT VALID",
    ],
)
def test_what_only_adds_is_let_through(sql):
    assert breaches(sql) == []


def test_what_says_which_code_does_without_may_be_taken_away():
    assert breaches("ALTER TABLE notices DROP COLUMN mood", oldest_code="0015") == []
