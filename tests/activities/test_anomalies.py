"""Spending that is out of the ordinary: what counts as such, and that it is told once and never in the way."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import select

from activities.alert_tables import AlertRow, PipelineRunRow
from activities.anomalies import AlertRules, Anomalies
from activities.baselines import dollars, excess, sentence, turns_of, without
from activities.conversation_tables import ConversationRow, JournalRow
from activities.database import Database
from activities.label_names import Names
from activities.ledger_tables import AccountRow, AttemptRow
from activities.meters import Meters
from activities.records import Records
from tests.metered import Metered

NOON = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CENT = 10_000
AMOUNTS = st.lists(st.integers(min_value=1, max_value=10**12), min_size=1, max_size=80)
PAUSING = AlertRules(pause=True)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.at = NOON

    def __call__(self):
        return self.at


class Books:
    """A database with the spending of the past in it."""

    def __init__(self, url, watch=None):
        self.database = Database(url, watch)
        self.database.prepare()
        self.clock = Clock()
        self.attempts = 0

    def watch(self, rules=PAUSING):
        return Anomalies(self.database, rules, self.clock)

    def talk(self, run, *costs, **more):
        """One conversation of a run of its own; each turn costs so much."""
        with self.database.transaction() as session:
            self._talk(session, run, costs, **more)

    def _talk(self, session, run, costs, *, at=NOON, held=0, **whose):
        whose = {"agent": "generator", "pipeline": "image_production", "kind": "turn", **whose}
        session.add(_conversation(run, whose["agent"], whose["pipeline"], at))
        session.add(AccountRow(name=f"run:{run}", spent=sum(costs), reserved=held))
        for number, cost in enumerate(costs, start=1):
            self.attempts += 1
            session.add(_attempt(self.attempts, run, whose["pipeline"], number, cost, whose["kind"], at))

    def past(self, runs=20, name="past", pipeline="image_production", **more):
        """Runs of one turn each, five minutes apart, that were looked at in their time."""
        with self.database.transaction() as session:
            for number in range(1, runs + 1):
                run, at = f"{name}-{number}", NOON - number * 5 * MINUTE
                self._talk(session, run, (10 * CENT,), pipeline=pipeline, at=at, **more)
                session.add(PipelineRunRow(pipeline=pipeline, run=run, account=f"run:{run}", at=at))

    def rows(self, table):
        with self.database.transaction() as session:
            return list(session.scalars(select(table)))


def _conversation(run, agent, pipeline, at):
    ids = {"id": run, "pin": "p", "workflow_id": run, "workflow_run_id": "1", "run": run, "item": "tee"}
    contract = {"contract": "c", "contract_digest": "d"}
    return ConversationRow(agent=agent, tenant="t", pipeline=pipeline, created_at=at, **ids, **contract)


def _attempt(number, conversation, pipeline, turn, cost, kind, at):
    times = {"started_at": at, "ended_at": at, "expires_at": at}
    paid = {"state": "billed", "reserved": cost, "micro_usd": cost, "source": "s", "model": "m"}
    here = {"conversation": conversation, "position": 2 * turn, "turn": turn, "pipeline": pipeline, "kind": kind}
    return AttemptRow(key=f"key-{number}", **here, **paid, **times)


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request, tmp_path):
    url = f"sqlite:///{tmp_path}/books.db"
    books = Books(url if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield books
    books.database.close()


@given(AMOUNTS, st.integers(min_value=0, max_value=10**13), st.floats(min_value=0.1, max_value=50))
def test_an_excess_is_above_the_factor_times_a_median_that_half_of_the_sample_reaches(usual, value, factor):
    found = excess(value, usual, AlertRules(factor=factor, sample=len(usual)))
    if found is None:
        assert value <= factor * (max(usual) + 1)
        return
    assert value > factor * found.median
    assert 2 * sum(amount <= found.median + 1 for amount in usual) >= len(usual)
    assert 2 * sum(amount >= found.median for amount in usual) >= len(usual)
    assert (found.value, found.factor, found.sample) == (value, factor, len(usual))


@given(AMOUNTS, st.integers(min_value=0, max_value=10**13))
def test_nothing_is_an_excess_beside_a_sample_that_is_too_small(usual, value):
    assert excess(value, usual, AlertRules(sample=len(usual) + 1)) is None
    assert excess(value, [], AlertRules(sample=0)) is None
    assert excess(value, usual, AlertRules(factor=0, sample=1)) is None


@given(AMOUNTS, st.integers(min_value=0, max_value=10**13), st.integers(min_value=0, max_value=9))
def test_the_order_and_what_cost_nothing_change_no_finding(usual, value, idle):
    rules = AlertRules(factor=2, sample=1)
    assert excess(value, usual, rules) == excess(value, [*reversed(usual), *[0] * idle], rules)


@given(AMOUNTS, st.integers(min_value=1, max_value=10**13), st.integers(min_value=1, max_value=10**6))
def test_whoever_spends_more_than_an_excess_is_in_excess_as_well(usual, value, more):
    rules = AlertRules(factor=3, sample=1)
    assume(excess(value, usual, rules) is not None)
    assert excess(value + more, usual, rules) is not None


def test_exactly_the_factor_is_still_usual():
    assert excess(50, [10] * 20, AlertRules()) is None
    assert excess(51, [10] * 20, AlertRules()) is not None


def test_the_attempts_of_a_turn_are_added_up_and_only_so_many_turns_are_taken():
    attempts = [(("a", 1, 1), 5), (("b", 1, 1), 7), (("c", 1, 1), 9), (("a", 1, 1), 6)]
    turns = turns_of(attempts, 2)
    assert turns == {("a", 1, 1): 11, ("b", 1, 1): 7}
    assert list(without(turns, ("a", 1, 1))) == [7]


def test_an_alert_says_the_amount_the_usual_one_and_what_that_is_the_median_of():
    found = excess(4_200_000, [310_000] * 41, AlertRules())
    told = "This run has cost $4.20, more than 5 times the usual $0.31 (median of 41 runs)"
    assert sentence("run", found) == told
    assert (dollars(99_999), dollars(1_234_560_000)) == ("$0.1000", "$1,234.56")


async def test_a_run_that_costs_far_more_than_the_others_pauses_once_and_can_be_read_afterwards(books):
    books.past()
    watch = books.watch()
    books.talk("dear", *[9 * CENT] * 6)
    text = await watch.look("dear")
    assert text == "This run has cost $0.54, more than 5 times the usual $0.10 (median of 20 runs)"
    [entry] = await Records(books.database).entries("dear")
    figures = {"of": "run", "value": 54 * CENT, "median": 10 * CENT, "factor": 5.0, "sample": 20}
    assert (entry["action"], entry["turn"], entry["agent_name"]) == ("ruling", 6, "generator")
    assert entry["data"] == {"kind": "anomaly", **figures, "text": text}


async def test_the_same_turn_is_answered_the_same_and_the_next_one_is_not_stopped_again(books):
    books.past()
    books.talk("dear", *[9 * CENT] * 6)
    text = await books.watch().look("dear")
    assert await books.watch().look("dear") == text  # another process, after the first one died
    with books.database.transaction() as session:
        session.add(_attempt(999, "dear", "image_production", 7, 9 * CENT, "turn", NOON))
    assert await books.watch().look("dear") == ""
    assert len(books.rows(AlertRow)) == len(books.rows(JournalRow)) == 1


async def test_without_the_wish_to_pause_an_alert_is_kept_and_nobody_stops(books):
    books.past()
    books.talk("dear", *[9 * CENT] * 6)
    assert await books.watch(AlertRules()).look("dear") == ""
    assert [alert.key for alert in books.rows(AlertRow)] == ["run:dear"]


async def test_too_few_runs_say_nothing_about_what_is_usual(books):
    books.past(runs=19)
    books.talk("dear", *[9 * CENT] * 6)
    assert await books.watch().look("dear") == ""
    assert await books.watch(AlertRules(sample=19, pause=True)).look("dear") != ""


async def test_runs_of_another_pipeline_and_runs_under_way_say_nothing_either(books):
    books.past(runs=10, name="other", pipeline="candidate_evaluation")
    books.past(runs=10, name="busy", held=1)
    books.talk("dear", *[9 * CENT] * 6)
    assert await books.watch(AlertRules(sample=1, pause=True)).look("dear") == ""


async def test_a_turn_that_costs_far_more_than_the_agents_others_is_told(books):
    books.talk("planned", *[90 * CENT] * 25, agent="planner", at=NOON - timedelta(hours=2))
    books.talk("long", *[CENT] * 25, at=NOON - timedelta(hours=1))
    books.talk("dear", CENT, 6 * CENT)
    text = await books.watch().look("dear")
    assert text == "This turn has cost $0.0600, more than 5 times the usual $0.0100 (median of 26 turns)"
    assert [alert.key for alert in books.rows(AlertRow)] == ["turn:dear"]


async def test_a_judges_call_is_no_turn(books):
    books.talk("long", *[CENT] * 25, at=NOON - timedelta(hours=1))
    books.talk("judged", *[90 * CENT] * 50, kind="judge")
    assert await books.watch().look("judged") == ""
    books.talk("dear", 6 * CENT)
    assert "(median of 25 turns)" in await books.watch().look("dear")


async def test_the_failed_attempts_of_a_turn_count_with_it(books):
    books.talk("long", *[CENT] * 25, at=NOON - timedelta(hours=1))
    books.talk("dear", 3 * CENT)
    with books.database.transaction() as session:
        session.add(_attempt(999, "dear", "image_production", 1, 3 * CENT, "turn", NOON))
    assert "$0.0600" in await books.watch().look("dear")


async def test_a_minute_that_burns_far_more_than_usual_is_told_once_in_ten_minutes(books):
    books.past()
    for minute, name in ((5, "many"), (12, "soon"), (15, "again")):
        books.clock.at = NOON + minute * MINUTE
        for number in range(6):
            books.talk(f"{name}-{number}", 9 * CENT, at=books.clock.at - timedelta(seconds=20))
        told = [await books.watch().look(f"{name}-{number}") for number in range(2)]
        if name == "many":
            usual = "more than 5 times the usual $0.10 (median of 20 active minutes)"
            assert told == [f"In one minute this pipeline has spent $0.54, {usual}", ""]
        else:
            assert [text[:10] for text in told] == (["", ""] if name == "soon" else ["In one min", ""])
    assert [alert.kind for alert in books.rows(AlertRow)] == ["burn", "burn"]


async def test_of_several_alerts_the_narrowest_is_what_stops_also_when_asked_again(books):
    books.past()
    books.talk("dear", 90 * CENT, at=NOON - timedelta(seconds=1))
    text = await books.watch().look("dear")
    assert text.startswith("This turn has cost $0.90")
    assert await books.watch().look("dear") == text
    assert {alert.kind for alert in books.rows(AlertRow)} == {"turn", "run", "burn"}


async def test_what_is_usual_is_read_again_after_five_seconds(books):
    watch = books.watch(AlertRules(sample=1, pause=True))
    books.talk("dear", *[9 * CENT] * 6)
    assert await watch.look("dear") == ""
    books.talk("cheap", 10 * CENT)
    assert await watch.look("cheap") == ""  # from now on it counts as one of the pipeline's runs
    books.clock.at = NOON + timedelta(seconds=4)
    assert await watch.look("dear") == ""
    books.clock.at = NOON + timedelta(seconds=5)
    assert await watch.look("dear") != ""


async def test_a_conversation_of_no_pipeline_and_an_unknown_one_are_left_alone(books):
    books.talk("alone", *[9 * CENT] * 6, pipeline="")
    watch = books.watch(AlertRules(sample=1, pause=True))
    assert [await watch.look("alone"), await watch.look("nobody")] == ["", ""]


async def test_a_look_that_fails_is_logged_and_fails_nothing(tmp_path, caplog):
    watch = Anomalies(Database(f"sqlite:///{tmp_path}/empty.db"), PAUSING)
    assert await watch.look("talk-1") == ""
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_an_alert_is_counted_and_kept_with_its_figures(tmp_path):
    metered = Metered()
    meters = Meters(metered.telemetry.meters, Names((), lambda _name: True))
    books = Books(f"sqlite:///{tmp_path}/books.db", meters.hear)
    books.past()
    books.talk("dear", *[9 * CENT] * 6)
    for watch in (books.watch(), books.watch()):
        await watch.look("dear")
        await watch.look("dear")
    assert metered.happened("agent_cost_anomalies_total") == {("generator", "run"): 1}
    [row] = books.rows(JournalRow)
    data = json.loads(row.data)
    assert (row.agent, row.run, data["of"], data["value"]) == ("generator", "dear", "run", 54 * CENT)
    assert data["text"] == books.rows(AlertRow)[0].text
    books.database.close()
    metered.telemetry.close()
