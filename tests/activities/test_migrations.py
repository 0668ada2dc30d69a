"""The schema: what the migrations make is what the tables say."""

import multiprocessing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from activities.database import Database
from activities.tables import TABLES


def prepare(url):
    database = Database(url)
    database.prepare()
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callsheet.db'}"
    return request.getfixturevalue("postgres_url")


def test_the_migrations_lead_to_the_tables_and_leave_no_difference(url):
    prepare(url)
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []


def test_processes_that_start_together_migrate_once_and_all_succeed(url):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=prepare, args=(url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
