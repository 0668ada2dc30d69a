"""How the fleet stands, read from the records: what runs, what is stuck, who is waited for, how full budgets are."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from activities.conversation_tables import ConversationRow, ToolResultRow
from activities.database import Database
from activities.fleet_reading import KINDS, read_fleet
from activities.invocation_tables import InvocationRow
from activities.ledger_accounts import Caps
from activities.ledger_tables import AccountRow, AttemptRow
from activities.people import NoticeRow
from workflows.models import Decision, Notice, Question, Scope

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    url = f"sqlite:///{tmp_path}/fleet.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = Database(url)
    opened.prepare()
    yield opened
    opened.close()


def invocation(key, name="shoot_item", *, run="run-1", item="", parent="", began=HOUR, ended=None, **more):
    columns = ("workflow_run_id", "trace_id", "span_id", "parent_span_id")
    return InvocationRow(
        id=f"{key}/1",
        name=name,
        pipeline="image_production",
        run=run,
        item=item,
        tenant=more.pop("tenant", "default"),
        parent=parent,
        workflow_id=key,
        started_at=NOW - began,
        ended_at=None if ended is None else NOW - ended,
        status="" if ended is None else "complete",
        **dict.fromkeys(columns, "x"),
        **more,
    )


def talk(key, item="", *, began=HOUR, run="run-1"):
    words = ("pin", "workflow_id", "workflow_run_id", "tenant", "contract", "contract_digest")
    return ConversationRow(
        id=key, run=run, item=item, agent="critic", created_at=NOW - began, **dict.fromkeys(words, "x")
    )


def attempt(talk, *, began=HOUR, state="billed", ended=None, expires=-HOUR):
    return AttemptRow(
        key=f"{talk}{began}{state}",
        conversation=talk,
        position=1,
        turn=1,
        model="m",
        state=state,
        reserved=1,
        source="t",
        started_at=NOW - began,
        ended_at=None if ended is None else NOW - ended,
        expires_at=NOW + expires,
    )


def result(talk, *, ago):
    words = ("call_id", "tool", "arguments", "content", "outcome")
    return ToolResultRow(conversation=talk, position=1, turn=1, created_at=NOW - ago, **dict.fromkeys(words, "x"))


def told(question, kind="question", *, item="", ago=HOUR, choice="", asks="review", run="run-1"):
    asked = Question(
        id=question, scope=Scope(run=run, item=item), title='"kind":"x"', reason="r", asked_at=NOW, kind=asks
    )
    decision = Decision(choice=choice, by="Vera") if choice else None
    body = Notice(kind=kind, question=asked, decision=decision, at=NOW - ago).model_dump_json()
    return NoticeRow(
        digest=f"{question}{kind}{choice}{ago}",
        kind=kind,
        question=question,
        run=run,
        item=item,
        tenant="default",
        body=body,
        told_at=NOW - ago,
    )


def account(name, *, spent=0, reserved=0, cap=None):
    return AccountRow(name=name, spent=spent, reserved=reserved, cap=cap)


def read(database, *rows, caps=None):
    with database.transaction() as session:
        session.add_all(rows)
    return database.look(lambda session: read_fleet(session, Caps(caps or {}), NOW))


def test_an_empty_house_reads_as_zeros(database):
    reading = read(database)
    assert (reading.running, reading.stuck, reading.escalated, reading.used) == ({}, {}, {}, {})
    assert (dict(reading.waiting), reading.oldest) == (dict.fromkeys(KINDS, 0), {})
    assert set(reading.dollars.values()) == {0}


def test_what_is_open_runs_and_what_ended_lately_is_still_named(database):
    reading = read(
        database,
        invocation("a", item="a"),
        invocation("b", item="b"),
        invocation("c", item="c", ended=HOUR),
        invocation("d", "single_agent", ended=HOUR),
        invocation("e", "forgotten", ended=25 * HOUR),
    )
    assert reading.running == {"shoot_item": 2, "single_agent": 0}


def test_the_escalation_rate_is_the_share_of_those_ended_in_a_day_that_asked(database):
    reading = read(
        database,
        *(invocation(f"a{number}", ended=HOUR, asked=number) for number in range(4)),
        invocation("b", "single_agent", ended=HOUR),
        invocation("c", "single_agent", asked=2),
        invocation("d", ended=25 * HOUR),
    )
    assert reading.escalated == {"shoot_item": 0.75, "single_agent": 0}


def test_only_what_left_no_record_for_long_and_waits_for_nobody_is_stuck(database):
    quiet = [invocation("quiet", item="quiet"), talk("t-quiet", "quiet"), attempt("t-quiet", ended=50 * MINUTE)]
    alive = {
        "young": [],
        "spoke": [talk("t-spoke", "spoke"), attempt("t-spoke", ended=5 * MINUTE)],
        "calls": [talk("t-calls", "calls"), attempt("t-calls", began=5 * MINUTE, state="open")],
        "batch": [talk("t-batch", "batch"), attempt("t-batch", state="open", expires=HOUR)],
        "used": [talk("t-used", "used"), result("t-used", ago=5 * MINUTE)],
        "opened": [talk("t-opened", "opened", began=5 * MINUTE)],
        "asks": [told("q", item="asks")],
        "answered": [
            told("q2", item="answered"),
            told("q2", "decided", item="answered", ago=5 * MINUTE, choice="approve"),
        ],
    }
    rows = [row for found in alive.values() for row in found]
    began = {"young": 5 * MINUTE}
    opened = [invocation(name, item=name, began=began.get(name, HOUR)) for name in alive]
    reading = read(database, *quiet, *opened, *rows)
    assert reading.running == {"shoot_item": 9}
    assert reading.stuck == {"shoot_item": 1}


def test_a_run_with_an_item_at_work_is_not_stuck_and_neither_is_one_between_two_items(database):
    runs = [invocation(name, "image_production", run=name) for name in ("works", "between", "stands")]
    items = [
        invocation("works:a", run="works", item="a", parent="works", began=5 * MINUTE),
        invocation("between:a", run="between", item="a", parent="between", ended=5 * MINUTE),
        invocation("stands:a", run="stands", item="a", parent="stands", ended=30 * MINUTE),
    ]
    reading = read(database, *runs, *items)
    assert reading.stuck == {"image_production": 1, "shoot_item": 0}


def test_a_lost_call_does_not_keep_its_item_alive(database):
    rows = [talk("t", "a"), attempt("t", state="open", expires=-MINUTE)]
    assert read(database, invocation("a", item="a"), *rows).stuck == {"shoot_item": 1}


def test_questions_wait_by_kind_until_they_are_closed_or_their_work_has_ended(database):
    reading = read(
        database,
        *(invocation(name, item=name) for name in "abcde"),
        invocation("gone", item="gone", ended=HOUR),
        told("q1", item="a", ago=3 * HOUR),
        told("q2", item="b", ago=2 * HOUR),
        told("q2", "reminder", item="b", ago=HOUR),
        told("q2", "claimed", item="b", ago=HOUR, choice="claim"),
        told("q2", "reassigned", item="b", ago=HOUR, choice="reassign"),
        told("q3", item="c", ago=5 * HOUR),
        told("q3", "decided", item="c", choice="approve"),
        told("q4", item="d", ago=4 * HOUR, asks="budget"),
        told("q5", item="e", ago=6 * HOUR, asks="budget"),
        told("q5", "expired", item="e", choice="reject"),
        told("q6", item="gone", ago=9 * HOUR),
    )
    assert {kind: count for kind, count in reading.waiting.items() if count} == {"review": 2, "budget": 1}
    assert {kind: NOW - first for kind, first in reading.oldest.items()} == {"review": 3 * HOUR, "budget": 4 * HOUR}


def test_the_fullest_budget_of_each_scope_is_told_and_the_dollars_of_the_fleet(database):
    reading = read(
        database,
        invocation("a", "image_production", run="run-1", tenant="acme"),
        invocation("b", "image_production", run="run-2", tenant="bolt", ended=HOUR),
        invocation("c", "image_production", run="run-3", tenant="acme"),
        account("run:run-1", spent=200_000, reserved=100_000, cap=1_000_000),
        account("run:run-2", spent=900_000, cap=1_000_000),  # it has ended
        account("run:run-3", spent=100_000, cap=2_000_000),
        account("tenant:acme/day/2026-11-22", spent=500_000),
        account("tenant:bolt/day/2026-11-22", spent=1_200_000),
        account("tenant:bolt/day/2026-11-21", spent=9_000_000),
        account("fleet/day/2026-11-22", spent=1_500_000, reserved=500_000, cap=4_000_000),
        account("fleet/month/2026-11", spent=7_000_000),
        caps={"tenant/day": 2_000_000, "fleet/day": 9_000_000},
    )
    assert {scope: round(share, 6) for scope, share in reading.used.items()} == {
        "fleet_day": 0.5,
        "tenant_day": 0.6,
        "run": 0.3,
    }
    assert reading.dollars == {
        ("fleet_day", "spent"): 1.5,
        ("fleet_day", "reserved"): 0.5,
        ("fleet_day", "cap"): 4.0,
        ("fleet_month", "spent"): 7.0,
        ("fleet_month", "reserved"): 0.0,
    }


def test_no_look_up_reads_a_whole_table(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/plans.db")
    database.prepare()
    plans = []

    def explain(session):
        connection = session.connection()

        def plan(conn, _cursor, statement, parameters, _context, _many):
            if statement.startswith("SELECT"):
                found = conn.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.extend(row[3] for row in found.fetchall())

        event.listen(connection, "before_cursor_execute", plan)
        read_fleet(session, Caps(), NOW)
        event.remove(connection, "before_cursor_execute", plan)

    with database.transaction() as session:
        session.add_all([invocation("a", item="a"), told("q", item="a")])
    database.look(explain)
    database.close()
    assert len(plans) > 15
    assert [plan for plan in plans if plan.startswith("SCAN")] == []


def test_thousands_of_open_items_are_read_in_one_go(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/many.db")
    items = [f"item-{number}" for number in range(2_000)]
    database.prepare()
    reading = read(
        database,
        invocation("run-1", "image_production"),
        *(invocation(f"run-1:{item}", item=item, parent="run-1") for item in items),
        *(told(f"q-{item}", item=item) for item in items),
        *(talk(f"t-{item}", item) for item in items),
    )
    steps = database.look(steps_of)
    database.close()
    assert (reading.waiting["review"], reading.stuck["shoot_item"]) == (2_000, 0)
    assert steps < 400 * len(items)  # by index: a scan for each would take thousands of times as many


def steps_of(session):
    """Count, in thousands of instructions of SQLite's machine, what a reading takes: no clock is in it."""
    done = []
    raw = session.connection().connection.driver_connection
    raw.set_progress_handler(lambda: done.append(1) and None, 1_000)
    read_fleet(session, Caps(), NOW)
    raw.set_progress_handler(None, 0)
    return len(done) * 1_000
