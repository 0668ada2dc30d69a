"""Old code on a new schema, new code on an old one, and the job that migrates: on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, inspect, text

from activities.database import Database
from activities.schema import MIGRATION_LOCK, Schema, SchemaUnfit

BODY = """
import sqlalchemy as sa
from alembic import op
from activities.migrations.indexes import build_aside
revision, down_revision = {!r}, {!r}
{}
def upgrade():
    {}
"""
ADD = 'op.add_column("notices", sa.Column("mood", sa.Text(), nullable=True))'
TAKE = 'op.drop_column("notices", "mood")'
BUILD = 'build_aside("ix_mood", "notices", ["mood"])'


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callsheet.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def engine(url):
    database = Database(url)
    yield database.schema._engine  # the engine as the house tunes it
    database.close()


@pytest.fixture
def newer(engine, tmp_path):
    """The schema of newer code, with further migrations: what each does, and the oldest code that it suits."""

    def write(*migrations):
        before, folder = Schema(engine).head, tmp_path / "newer"
        folder.mkdir()
        for number, (does, oldest) in enumerate(migrations, 1):
            revision = f"9{number:03}"
            said = f"oldest_code = {oldest!r}" if oldest else ""
            (folder / f"{revision}.py").write_text(BODY.format(revision, before, said, does))
            before = revision
        return Schema(engine, [folder])

    return write


def test_old_code_goes_on_after_a_migration_that_only_adds(engine, newer):
    Schema(engine).migrate()
    assert newer((ADD, "")).migrate() == ("9001",)
    standing = Schema(engine).standing()
    assert (standing.found, standing.fits, standing.current) == ("9001", True, False)
    Schema(engine).require()
    assert Schema(engine).migrate() == ()


def test_old_code_stops_where_a_migration_took_away_what_it_needs(engine, newer):
    newer((ADD, ""), (TAKE, "9001"), (ADD, "")).migrate()
    with pytest.raises(SchemaUnfit, match=r"it is at 9003, which is newer .* run a newer version of the code"):
        Schema(engine).require()


def test_new_code_refuses_an_old_schema_and_names_the_cure(url):
    old = Database(url)
    old.schema.migrate("0012")
    with pytest.raises(SchemaUnfit, match=r"it is at 0012, this code needs \d{4}; run: starter.py migrate"):
        old.prepare(migrate=False)
    old.prepare()
    old.prepare(migrate=False)
    old.close()


def test_a_migration_goes_no_further_than_it_is_told(engine):
    schema = Schema(engine)
    assert schema.migrate("0002") == ("0001", "0002")
    assert schema.migrate("0001") == ()
    with pytest.raises(SchemaUnfit, match="there is no migration '0815'; the last is"):
        schema.migrate("0815")


def test_an_index_is_built_without_holding_up_whoever_writes(engine, newer):
    schema = newer((ADD, ""), (BUILD, ""))
    assert schema.migrate()[-2:] == ("9001", "9002")
    with engine.connect() as connection:
        assert "ix_mood" in {each["name"] for each in inspect(connection).get_indexes("notices")}
        assert connection.scalar(text("SELECT oldest_code FROM schema_versions WHERE revision = '9002'")) == "0014"
    sql = schema.written("9001", "9002")
    assert ("CREATE INDEX CONCURRENTLY" in sql) == (engine.dialect.name == "postgresql")


def test_a_job_waits_for_another_and_then_finds_nothing_to_do(postgres_url):
    with create_engine(postgres_url, isolation_level="AUTOCOMMIT").connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        job = pool.submit(_migrate, postgres_url)
        waits = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> :me")
        me = other.scalar(text("SELECT pg_backend_pid()"))
        while not other.scalar(waits, {"me": me}):
            assert not job.done()
        assert other.scalar(text("SELECT to_regclass('alembic_version')")) is None
        other.execute(text(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})"))
        assert job.result()[0] == "0001"
    assert _migrate(postgres_url) == ()


def test_what_is_written_down_leads_to_the_same_schema(postgres_url):
    database = Database(postgres_url)
    script = database.schema.sql()
    with create_engine(postgres_url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.connection.driver_connection.execute(script)
    assert database.schema.standing().current
    assert database.schema.sql() == ""
    database.close()


def _migrate(url):
    database = Database(url)
    try:
        return database.schema.migrate()
    finally:
        database.close()
