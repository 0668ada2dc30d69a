"""The schema: what the migrations make is what the tables say, and what was kept before stays kept."""

import json
import multiprocessing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

import activities
from activities.database import Database
from activities.tables import TABLES

OLD_ATTEMPT = text(
    "INSERT INTO attempts (conversation, position, turn, model, state, reserved, micro_usd, source, request_id, error,"
    " started_at, ended_at) VALUES ('talk-1', :position, :turn, 'claude-sonnet-5-5', :state, 900, :paid, 'table/1',"
    " 'req_1', '', '2026-11-20 10:00:00', NULL)"
)
OLD_REPLY = text(
    "INSERT INTO messages (conversation, position, role, content, digest, turn, notes, record, created_at)"
    " VALUES ('talk-1', 2, 'assistant', '[]', 'sha256:0', 1, '[]', :record, '2026-11-20 10:00:05')"
)
OLD_TALK = text(
    "INSERT INTO conversations (id, pin, workflow_id, workflow_run_id, run, item, agent, tenant, contract,"
    " contract_digest, created_at) VALUES ('talk-1', 'p', 'w', 'r', 'run-1', 'tee', 'critic', 'acme', 'c', 'd',"
    " '2026-11-20 09:00:00')"
)
USAGE = {"input": 10, "output": 20, "thinking": 5, "cache_read": 300, "cache_write": 40}


def prepare(url):
    database = Database(url)
    database.prepare()
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callsheet.db'}"
    return request.getfixturevalue("postgres_url")


def migrate(connection, revision, move=command.upgrade):
    config = Config()
    config.set_main_option("script_location", str(Path(activities.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    move(config, revision)


def columns(connection, names, table="attempts"):
    return [tuple(row) for row in connection.execute(text(f"SELECT {names} FROM {table} ORDER BY 1"))]


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


def test_attempts_from_before_the_ledger_are_kept_with_their_cost_and_their_tokens(url):
    with create_engine(url).begin() as connection:
        migrate(connection, "0002")
        connection.execute(OLD_TALK)
        connection.execute(OLD_ATTEMPT, {"position": 1, "turn": 1, "state": "unknown", "paid": 0})
        connection.execute(OLD_ATTEMPT, {"position": 1, "turn": 1, "state": "billed", "paid": 700})
        connection.execute(OLD_REPLY, {"record": json.dumps({"model": "claude-sonnet-5-5-20261001", "usage": USAGE})})
    prepare(url)
    with create_engine(url).connect() as connection:
        assert columns(connection, "id, key, state, micro_usd, accounts, kind") == [
            (1, "attempt:1", "unknown", 900, "[]", "turn"),
            (2, "attempt:2", "billed", 700, "[]", "turn"),
        ]
        assert columns(connection, "id, served, input, output, thinking, cache_read, write_5m, write_1h") == [
            (1, "", 0, 0, 0, 0, 0, 0),
            (2, "claude-sonnet-5-5-20261001", 10, 20, 5, 300, 40, 0),
        ]
        assert columns(connection, "id, accounts, pipeline", "conversations") == [("talk-1", "[]", "")]
        assert columns(connection, "position, model", "messages") == [(2, None)]


def test_the_ledger_can_be_taken_out_again_and_put_back(url):
    with create_engine(url).begin() as connection:
        migrate(connection, "head")
        migrate(connection, "0002", command.downgrade)
        connection.execute(OLD_ATTEMPT, {"position": 1, "turn": 1, "state": "billed", "paid": 700})
    prepare(url)
    with create_engine(url).connect() as connection:
        assert columns(connection, "id, micro_usd") == [(1, 700)]


def test_a_host_that_vanishes_in_a_transaction_keeps_nobody_waiting_for_long(postgres_url):
    database = Database(postgres_url)
    with database.transaction() as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"
    database.close()
