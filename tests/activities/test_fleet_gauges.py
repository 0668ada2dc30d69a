"""Gauges from the records: read once for many collections, and never in the way of one."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from activities.fleet_gauges import FleetGauges
from activities.fleet_reading import Reading
from activities.label_names import Names
from tests.metered import Metered

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
READING = Reading(
    running={"shoot_item": 2, "single_agent": 0},
    stuck={"shoot_item": 1, "single_agent": 0},
    waiting={"review": 3, "budget": 0},
    oldest={"review": NOW - timedelta(minutes=5)},
    escalated={"shoot_item": 0.25},
    used={"fleet_day": 0.5, "run": 0.9},
    dollars={("fleet_day", "spent"): 1.5, ("fleet_day", "cap"): 3.0},
)


class Records:
    """Stands where the database stands: counts how often it is read, and can be away, or slow."""

    def __init__(self):
        self.read_times = 0
        self.away = False
        self.goes_on = threading.Event()
        self.goes_on.set()

    def read(self):
        self.read_times += 1
        self.goes_on.wait(30)
        if self.away:
            raise OperationalError("SELECT", {}, Exception("no route to the database"))
        return READING


@pytest.fixture
def metered():
    kept = Metered()
    yield kept
    kept.telemetry.close()


@pytest.fixture
def records():
    return Records()


@pytest.fixture
def show(metered, records):
    """Show what the records say, with labels bounded to so many."""
    shown = []

    def show_with(most=50):
        names = Names((), lambda _name: True, most)
        shown.append(FleetGauges(metered.telemetry.meters, names, records.read, clock=lambda: NOW, patience=0.2))

    yield show_with
    for each in shown:
        each.close()


def test_every_gauge_is_shown_under_its_name_and_labels(metered, show):
    show()
    assert metered.values("agent_workflows_running") == {("shoot_item",): 2, ("single_agent",): 0}
    assert metered.values("agent_workflows_stuck") == {("shoot_item",): 1, ("single_agent",): 0}
    assert metered.values("agent_escalation_rate") == {("shoot_item",): 0.25}
    assert metered.values("agent_questions_waiting") == {("review",): 3, ("budget",): 0}
    assert metered.values("agent_question_oldest_seconds") == {("review",): 300, ("budget",): 0}
    assert metered.values("agent_budget_used_ratio") == {("fleet_day",): 0.5, ("run",): 0.9}
    assert metered.values("agent_budget_usd") == {("fleet_day", "spent"): 1.5, ("fleet_day", "cap"): 3.0}
    keys = {tuple(name for name, _ in labels) for (metric, labels) in metered.points() if metric == "agent_budget_usd"}
    assert keys == {("scope", "what")}


def test_one_reading_serves_all_gauges_of_many_collections(metered, records, show):
    show()
    for _ in range(5):
        assert metered.values("agent_workflows_running")
    assert records.read_times == 1


def test_a_database_that_is_away_leaves_the_gauges_out_and_fails_no_collection(metered, records, show, caplog):
    records.away = True
    show()
    meter = metered.telemetry.meters.get_meter("callsheet")
    meter.create_counter("agent_turns_total").add(1, {"agent_name": "critic"})
    for _ in range(3):
        assert metered.values("agent_workflows_running") == {}
        assert metered.values("agent_turns_total") == {("critic",): 1}
    assert [record.getMessage() for record in caplog.records] == [
        "how the fleet stands cannot be read: OperationalError"
    ]


def test_a_slow_database_is_waited_for_only_so_long_and_its_reading_is_taken_when_it_is_there(metered, records, show):
    records.goes_on.clear()
    show()
    assert metered.values("agent_workflows_running") == {}
    assert metered.values("agent_workflows_stuck") == {}
    records.goes_on.set()
    for _ in range(500):
        if metered.values("agent_workflows_running"):
            break
        threading.Event().wait(0.01)
    assert metered.values("agent_workflows_running") == {("shoot_item",): 2, ("single_agent",): 0}
    assert records.read_times == 1


def test_names_beyond_the_most_share_one_label_with_the_highest_value(metered, show):
    show(most=0)
    assert metered.values("agent_workflows_running") == {("other",): 2}
