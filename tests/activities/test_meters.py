"""What is kept is counted once; what is found again, taken back or corrected is not counted twice."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest

from activities import drafts
from activities.alert_tables import AlertRow
from activities.catalog import CatalogStore
from activities.catalog_rows import ShotRow
from activities.conversation_tables import JournalRow
from activities.database import Database, now
from activities.invocations import InvocationStore
from activities.label_names import Names
from activities.ledger import LedgerStore
from activities.ledger_bids import Bid, Bill
from activities.meters import Meters
from activities.people import Told
from tests.activities.conversing import (
    SCOPE,
    cut_at,
    new_compactor,
    new_store,
    note,
    opening,
    request,
    result,
    say,
    take_turn,
    talk_for,
    use,
)
from tests.activities.kept_numbers import agree
from tests.metered import Metered
from workflows.models import (
    Attempt,
    Begun,
    Closing,
    Decision,
    Finished,
    ItemRecord,
    ItemState,
    Notice,
    Question,
    Reply,
    Scope,
    Spend,
    Usage,
)

MODEL = "claude-sonnet-5-5"
BID = {"conversation": "talk-1", "position": 1, "turn": 1, "model": MODEL, "source": "table/1", "kind": "turn"}
USAGE = Usage(input=5, output=7, thinking=3, cache_read=11, cache_write=13)
TOOLS = ("find_model", "render_shot", "publish")


@pytest.fixture
def metered():
    """Metrics that stay in memory."""
    kept = Metered()
    yield kept
    kept.telemetry.close()


@pytest.fixture
def database(tmp_path, metered):
    """A database whose writes are counted."""
    meters = Meters(metered.telemetry.meters, Names(TOOLS, lambda name: name == MODEL))
    opened = Database(f"sqlite:///{tmp_path}/talks.db", meters.hear)
    opened.prepare()
    yield opened
    opened.close()


def bid(key, wanted=100, **changes):
    return Bid(**{"key": key, "wanted": wanted, "least": 50, **BID, **changes})


def begun(name="shoot_item", key="w/1", item="tee"):
    return Begun(
        id=key,
        name=name,
        pipeline="image_production",
        scope=Scope(run="run-1", item=item),
        workflow_id="run-1:tee",
        workflow_run_id="0001",
        at=now(),
    )


def finished(key="w/1", status="published", **changes):
    spend = Spend(micro_usd=30_000, turns=6, tool_calls=4)
    return Finished(id=key, status=status, spend=spend, events=97, bytes=45_000, at=now(), **changes)


def notice(kind="question", decision=None, **changes):
    asked = Question(id="q1", scope=SCOPE, title="Tee", reason="Is it white?", asked_at="2026-11-22T12:00:00Z")
    return Notice(kind=kind, question=asked.model_copy(update=changes), decision=decision, at=now())


async def test_an_attempt_is_counted_when_it_ends_and_not_when_it_is_settled_again(database, metered):
    await new_store(database).open(opening())
    ledger = LedgerStore(database)
    held = await ledger.reserve(bid("k1"))
    assert metered.happened("agent_llm_calls_total") == {}
    for _ in range(2):
        await ledger.settle(held.attempt, Bill(70, known=True, usage=USAGE, write_1h=4, served="claude-of-fancy"))
    assert metered.happened("agent_llm_calls_total") == {("generator", MODEL, "billed"): 1}
    assert metered.happened("agent_llm_tokens_total") == {
        ("generator", MODEL, name): count for name, count in USAGE.model_dump().items()
    }
    assert metered.total("agent_llm_cost_usd_total", agent_name="generator", model=MODEL) == 0.00007
    assert metered.histogram("agent_llm_call_duration_ms", model=MODEL)[0] == 1
    assert agree(metered, database) == {}


async def test_every_failure_is_an_error_of_its_kind_and_says_nothing_of_the_models_speed(database, metered):
    await new_store(database).open(opening())
    ledger = LedgerStore(database)
    for number, (end, error) in enumerate(
        (
            (ledger.release, "model API error 529 overloaded_error"),
            (ledger.release, "model API error 429 rate_limit_error"),
            (ledger.lose, "model API timeout"),
            (ledger.lose, "the stream ended early"),
        )
    ):
        held = await ledger.reserve(bid(f"k{number}"))
        await end(held.attempt, error)
    kinds = {labels[1]: value for labels, value in metered.happened("agent_llm_errors_total").items()}
    assert kinds == {"overloaded": 1, "rate_limit": 1, "timeout": 1, "stream": 1}
    assert {labels[2]: value for labels, value in metered.happened("agent_llm_calls_total").items()} == {
        "free": 2,
        "unknown": 2,
    }
    assert metered.histogram("agent_llm_call_duration_ms") == (0, 0)
    assert agree(metered, database) == {}


async def test_a_batch_that_takes_hours_says_nothing_of_the_models_speed(database, metered):
    await new_store(database).open(opening())
    ledger = LedgerStore(database)
    held = await ledger.reserve(bid("k1", batch=True))
    await ledger.settle(held.attempt, Bill(70, known=True, usage=USAGE))
    assert metered.total("agent_llm_calls_total", outcome="billed") == 1
    assert metered.histogram("agent_llm_call_duration_ms") == (0, 0)


async def test_a_bill_that_comes_late_corrects_what_was_counted_and_no_counter_goes_back(database, metered):
    await new_store(database).open(opening())
    ledger = LedgerStore(database)
    late = await ledger.reserve(bid("k1"))
    await ledger.lose(late.attempt, "cancelled")
    assert metered.total("agent_llm_cost_usd_total") == 0.0001
    await ledger.settle(late.attempt, Bill(40, known=True, usage=USAGE))
    assert metered.total("agent_llm_cost_usd_total") == 0.0001  # 60 are owed
    assert metered.total("agent_llm_tokens_total", type="output") == 7
    for key, cost in (("k2", 50), ("k3", 90)):
        held = await ledger.reserve(bid(key))
        await ledger.settle(held.attempt, Bill(cost, known=True, usage=USAGE))
    assert round(metered.total("agent_llm_cost_usd_total"), 9) == 0.00018
    unknown = await ledger.reserve(bid("k4"))
    await ledger.lose(unknown.attempt, "cancelled")
    assert agree(metered, database) == {}


async def test_turns_stops_and_notes_are_counted_with_the_reply_that_is_kept_and_with_no_other(database, metered):
    store = new_store(database)
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [use("call_1")], stop="tool_use")
    await store.put_result(result("call_1", 1, "{}"))
    await store.put_result(result("call_1", 1, '{"late": true}', ok=False))
    for _ in range(2):
        told = (note("Again."), note("Look.", "nudge"), note("Go on.", "person"))
        await take_turn(store, pin, head, 2, [say("{}")], stop="max_tokens", notes=told)
    await store.open(opening())
    assert metered.happened("agent_turns_total") == {("generator",): 2}
    assert metered.happened("agent_llm_stops_total") == {("generator", "tool_use"): 1, ("generator", "max_tokens"): 1}
    assert metered.happened("agent_rulings_total") == {("generator", "nudge"): 1, ("generator", "remind"): 1}
    assert metered.happened("agent_tool_calls_total") == {("ok", "find_model"): 1}
    assert metered.histogram("agent_tool_call_duration_ms", tool_name="find_model") == (1, 12.0)


async def test_a_refused_call_is_told_by_its_check_and_a_call_that_never_ran_has_no_duration(database, metered):
    store = new_store(database)
    pin = (await store.open(opening())).pin
    calls = [use(f"call_{number}") for number in range(3)]
    asked = request(pin, 1, 1)
    reply = Reply(head=2, turn=1, stop="tool_use")
    await store.commit(asked, await store.draft(asked), calls, reply, {"call_2": "not executed"})
    await store.put_result(result("call_0", 1, "{}", ok=False))
    wrong = result("call_1", 1, "{}", ok=False)
    await store.put_result(wrong._replace(outcome=wrong.outcome.model_copy(update={"refusal": "reference"})))
    assert metered.happened("agent_tool_calls_total") == {("declined", "find_model"): 1, ("refused", "find_model"): 2}
    assert metered.happened("agent_tool_refusals_total") == {
        ("reference", "find_model"): 1,
        ("conflict", "find_model"): 1,
    }
    assert metered.histogram("agent_tool_call_duration_ms") == (2, 60.0)


async def test_a_conversation_that_ends_twice_has_ended_twice_and_one_end_that_is_told_twice_once(database, metered):
    store = new_store(database)
    await store.open(opening())
    for moment in (now(), now() + timedelta(seconds=1)):
        for _ in range(2):
            await store.close(
                Closing(conversation="talk-1", scope=SCOPE, turn=3, kind="loop", reason="r", ruled=True, at=moment)
            )
    await store.close(Closing(conversation="talk-1", scope=SCOPE, turn=4, kind="output", at=now()))
    await store.close(Closing(conversation="talk-1", scope=SCOPE, turn=5, kind="asks", ruled=True, at=now()))
    await store.close(Closing(conversation="talk-1", scope=SCOPE, turn=6, kind="answered", at=now()))
    assert metered.happened("agent_rulings_total") == {
        ("generator", "halt_loop"): 2,
        ("generator", "halt_output"): 1,
        ("generator", "ask"): 1,
    }


async def test_compactions_drift_and_alerts_are_counted_where_they_are_kept(database, metered):
    store = new_store(database)
    _, head = await talk_for(store, 8, size=20_000)
    for _ in range(2):
        await new_compactor(database).compact(cut_at(head, 8, window=20_000))
    for kind, more in (("drift", {"drifts": True}), ("drift", {"drifts": False}), ("prefix_changed", {}), ("new", {})):
        await store.journal(SCOPE, "ruling", {"kind": kind, **more}, conversation="talk-1")
    await database.run(lambda session: session.add_all([alert(), anomaly_of_the_journal()]))
    assert metered.happened("agent_rulings_total") == {
        ("generator", "compact"): 1,
        ("generator", "judge_drift"): 1,
        ("generator", "prefix_changed"): 1,
        ("generator", "other"): 1,
    }
    assert metered.happened("agent_cost_anomalies_total") == {("generator", "turn"): 1}


def alert():
    whose = {"pipeline": "p", "run": "run-1", "item": "tee", "agent": "generator", "conversation": "talk-1", "turn": 1}
    return AlertRow(key="turn:run-1", kind="turn", value=9, median=1, factor=5.0, sample=20, text="t", **whose)


def anomaly_of_the_journal():
    return JournalRow(run="run-1", agent="generator", action="ruling", data=json.dumps({"kind": "anomaly"}))


async def test_an_invocation_begins_once_for_all_its_runs_and_ends_once(database, metered):
    store = InvocationStore(database)
    for run in ("0001", "0002"):
        await store.begin(begun().model_copy(update={"workflow_run_id": run}))
    assert metered.happened("agent_workflows_completed_total") == {}
    for status in ("published", "failed"):
        await store.finish(finished(status=status))
    assert metered.happened("agent_workflows_started_total") == {("shoot_item",): 1}
    assert metered.happened("agent_workflows_completed_total") == {("shoot_item", "published"): 1}
    assert metered.histogram("agent_turns_per_workflow", agent_name="shoot_item") == (1, 6)
    assert metered.histogram("agent_workflow_cost_usd", agent_name="shoot_item") == (1, 0.03)
    assert metered.histogram("agent_history_events", agent_name="shoot_item") == (1, 97)
    assert metered.histogram("agent_history_bytes", agent_name="shoot_item") == (1, 45_000)


async def test_questions_count_for_the_workflow_that_asks_and_answers_by_what_was_chosen(database, metered):
    await InvocationStore(database).begin(begun())
    people = Told(database)
    told = [
        notice(),
        notice("reminder"),
        notice("claimed", Decision(choice="claim", by="Vera")),
        notice("reassigned", Decision(choice="reassign", by="Vera", to="leads")),
        notice("decided", Decision(choice="approve", by="Vera")),
        notice("expired", Decision(choice="reject", by="deadline")),
        notice("conflict", Decision(choice="approve", by="Ines")),
    ]
    for each in (*told, *told):
        await people.tell(each)
    assert metered.happened("agent_escalations_total") == {("shoot_item",): 1}
    assert metered.happened("agent_decisions_total") == {("reassign",): 1, ("approve",): 1, ("expired",): 1}


async def test_an_item_is_counted_at_its_end_and_one_that_ends_otherwise_later_is_moved(database, metered):
    await InvocationStore(database).begin(begun())
    catalog = CatalogStore(database, None, None)
    await database.run(lambda session: session.add(ShotRow(run="run-1", key="tee", position=0, shot="{}")))
    takes = tuple(
        Attempt(number=number, digest="d", direction="x", score=score)
        for number, score in enumerate((40, 70, 0, 85, 90, 95), 1)
    )
    state = ItemState(key="tee", title="Tee", status="failed", attempts=takes[:2], decided_by="gate")
    for _ in range(2):
        await catalog.record(ItemRecord(run="run-1", state=state))
    assert metered.happened("agent_items_total") == {("image_production", "failed"): 1}
    again = state.model_copy(update={"status": "published", "attempts": takes})
    await catalog.record(ItemRecord(run="run-1", state=again))
    assert metered.values("agent_items_total")["image_production", "published"] == 1
    assert metered.total("agent_item_refinements_total") == 5
    assert metered.total("agent_item_first_pass_total") == 0
    scores = {number: metered.histogram("agent_verdict_score", attempt=number) for number in ("1", "2", "3", "4", "5+")}
    assert scores == {"1": (1, 40), "2": (1, 70), "3": (0, 0), "4": (1, 85), "5+": (2, 185)}


@pytest.mark.parametrize(
    ("status", "by", "takes", "passed"),
    [("published", "gate", 1, 1), ("published", "Vera", 1, 0), ("published", "gate", 2, 0), ("rejected", "gate", 1, 0)],
)
async def test_first_pass_is_what_the_gate_let_through_at_its_first_take(database, metered, status, by, takes, passed):
    await InvocationStore(database).begin(begun())
    await database.run(lambda session: session.add(ShotRow(run="run-1", key="tee", position=0, shot="{}")))
    attempts = tuple(Attempt(number=number, digest="d", direction="x", score=90) for number in range(1, takes + 1))
    state = ItemState(key="tee", title="Tee", status=status, attempts=attempts, decided_by=by)
    await CatalogStore(database, None, None).record(ItemRecord(run="run-1", state=state))
    assert metered.total("agent_item_first_pass_total", pipeline="image_production") == passed


async def test_what_is_taken_back_is_not_counted(database, metered):
    store = new_store(database)
    pin = (await store.open(opening())).pin

    def work(session):
        asked = request(pin, 1, 1)
        reply = Reply(head=2, turn=1, stop="end_turn")
        session.add_all(drafts.turn_rows(asked, drafts.compose(session, asked), [say("x")], reply))
        session.flush()
        raise RuntimeError("the disk is full")

    with suppress(RuntimeError):
        await database.run(work)
    assert metered.happened("agent_turns_total") == {}


async def test_what_cannot_be_counted_fails_nothing_and_all_else_is_counted(database, metered):
    store = new_store(database)
    pin = (await store.open(opening())).pin
    broken = JournalRow(run="run-1", agent="generator", action="ruling", data="no JSON")
    await database.run(lambda session: session.add_all([broken, alert()]))
    await take_turn(store, pin, 1, 1, [say("{}")])
    assert metered.happened("agent_cost_anomalies_total") == {("generator", "turn"): 1}
    assert metered.happened("agent_turns_total") == {("generator",): 1}


async def test_a_series_is_there_before_its_first_event_so_that_a_rate_sees_that_event(database, metered):
    await new_store(database).open(opening())
    await InvocationStore(database).begin(begun())
    await LedgerStore(database).reserve(bid("k1"))
    for name, labels in (
        ("agent_rulings_total", ("generator", "halt_loop")),
        ("agent_llm_errors_total", ("generator", "overloaded", MODEL)),
        ("agent_llm_stops_total", ("generator", "refusal")),
        ("agent_workflows_completed_total", ("shoot_item", "failed")),
        ("agent_escalations_total", ("shoot_item",)),
        ("agent_tool_refusals_total", ("schema", "publish")),
        ("agent_decisions_total", ("expired",)),
        ("agent_cost_anomalies_total", ("generator", "run")),
        ("agent_llm_cost_usd_total", ("generator", MODEL)),
    ):
        assert metered.values(name)[labels] == 0
