"""The story is told when it is kept, once, in the words of the trace; and no log can break what is kept."""

import json
import logging
from contextlib import suppress

import pytest

from activities import drafts
from activities.conversation_tables import JournalRow
from activities.database import Database
from activities.ledger import LedgerStore
from activities.ledger_bids import Bid, Bill
from activities.people import Told
from activities.record_entries import LogEntry
from activities.records import Records
from activities.story import LOGGER, Story
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
    think,
    use,
)
from workflows.models import Closing, Decision, Notice, Question, Reply, Usage

FIELDS = tuple(LogEntry.__annotations__)
BID = {"conversation": "talk-1", "position": 1, "turn": 1, "model": "claude-sonnet-5-5", "source": "table/1"}


class Heard(logging.Handler):
    """Keeps what is told."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.records = []
        self.broken = False

    def handle(self, record):
        if self.broken:
            raise OSError("no space left")
        self.records.append(record)

    @property
    def entries(self):
        return [{name: getattr(record, name) for name in FIELDS} for record in self.records]

    @property
    def actions(self):
        return [record.action for record in self.records]


@pytest.fixture
def heard():
    """What the story's logger is told while the test runs."""
    handler, logger = Heard(), logging.getLogger(LOGGER)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def open_database(tmp_path):
    opened = []

    def open_one(*, content=True):
        opened.append(Database(f"sqlite:///{tmp_path}/talks.db", Story(content=content).hear))
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()


def notice(**changes):
    asked = Question(id="q1", scope=SCOPE, title="Tee", reason="Is it white?", asked_at="2026-11-22T12:00:00Z")
    decision = Decision(choice="approve", by="Vera", note="It is.")
    values = {"kind": "decided", "question": asked, "decision": decision, "at": "2026-11-22T12:05:00Z"}
    return Notice.model_validate(values | changes)


async def everything(database):
    """One of each that there is to tell."""
    store, ledger = new_store(database), LedgerStore(database)
    pin, head = await talk_for(store, 8, size=20_000)
    await new_compactor(database).compact(cut_at(head, 8, window=20_000))
    for key, end in (("k1", ledger.lose), ("k2", ledger.release)):
        held = await ledger.reserve(Bid(key=key, kind="turn", wanted=100, least=50, **BID))
        await end(held.attempt, "the stream broke")
    held = await ledger.reserve(Bid(key="k3", kind="judge", wanted=100, least=50, **BID))
    await ledger.settle(held.attempt, Bill(70, known=True, usage=Usage(input=5)))
    held = await ledger.reserve(Bid(key="k4", kind="judge", wanted=10, least=5, **BID))
    await ledger.settle(held.attempt, Bill(70, known=True, usage=Usage(input=5)))
    asked = request(pin, head, 9, notes=(note("Remember."), note("Go on.", "person")))
    draft = await store.draft(asked)
    done = Reply(head=draft.position + 1, turn=9, stop="end_turn", output='{"z":"done"}')
    await store.commit(asked, draft, [think("so"), say('{"z":"done"}')], done, {})
    await Told(database).tell(notice())
    await store.close(
        Closing(conversation="talk-1", scope=SCOPE, turn=9, kind="loop", reason="again and again", ruled=True)
    )


async def test_what_is_told_is_what_the_trace_reads_in_the_same_order(open_database, heard):
    database = open_database()
    await everything(database)
    read = await Records(database).entries("run-1")
    assert heard.entries == read
    assert set(heard.actions) == {
        *("llm_call", "tool_call", "tool_result", "thinking", "final_output", "error", "ruling", "approval")
    }


async def test_without_content_nothing_that_was_said_is_told_and_all_else_is(open_database, heard):
    database = open_database(content=False)
    await everything(database)
    read = [each for each in await Records(database).entries("run-1") if each["action"] != "thinking"]
    assert [(each["action"], each["turn"]) for each in heard.entries] == [
        (each["action"], each["turn"]) for each in read
    ]
    for told, kept in zip(heard.entries, read, strict=True):
        assert told["data"].items() <= kept["data"].items() if told["action"] != "tool_result" else True
        assert not {"text", "tool_input", "tool_output", "note", "reason"} & set(told["data"])


async def test_what_was_kept_before_is_not_told_again(open_database, heard):
    database = open_database()
    store = new_store(database)
    pin = (await store.open(opening())).pin
    await take_turn(store, pin, 1, 1, [use("call_1")], stop="tool_use")
    await store.put_result(result("call_1", 1, "{}"))
    await Told(database).tell(notice())
    once = list(heard.actions)
    await store.open(opening())
    await take_turn(store, pin, 1, 1, [use("call_other")], stop="tool_use")
    await store.put_result(result("call_1", 1, '{"late": true}'))
    await Told(database).tell(notice())
    assert once == heard.actions == ["llm_call", "tool_call", "tool_result", "approval"]


async def test_what_is_taken_back_is_not_told(open_database, heard):
    store = new_store(database := open_database())
    pin = (await store.open(opening())).pin

    def work(session):
        asked = request(pin, 1, 1)
        reply = Reply(head=2, turn=1, stop="end_turn")
        session.add_all(drafts.turn_rows(asked, drafts.compose(session, asked), [say("x")], reply))
        session.flush()
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        await database.run(work)
    assert heard.actions == []


async def test_of_what_is_taken_back_in_part_the_rest_is_told(open_database, heard):
    database = open_database()
    await new_store(database).open(opening())

    def work(session):
        session.add(_ruling("kept"))
        session.flush()
        with suppress(RuntimeError), session.begin_nested():
            session.add(_ruling("taken back"))
            session.flush()
            raise RuntimeError

    await database.run(work)
    assert [each["data"] for each in heard.entries] == [{"kind": "kept"}]


def _ruling(kind):
    return JournalRow(run="run-1", conversation="talk-1", action="ruling", data=json.dumps({"kind": kind}))


async def test_an_attempt_that_was_told_is_told_again_only_when_it_ends_otherwise(open_database, heard):
    await new_store(database := open_database()).open(opening())
    ledger = LedgerStore(database)
    held = await ledger.reserve(Bid(key="k1", kind="compaction", wanted=100, least=50, **BID))
    await ledger.beat(held.attempt)
    assert heard.actions == []
    for _ in range(2):
        await ledger.lose(held.attempt, "the stream broke")
        await ledger.settle(held.attempt, Bill(0, known=False, usage=Usage(input=5), served="claude-of-another-name"))
    assert heard.actions == ["error"]
    for _ in range(2):
        await ledger.settle(held.attempt, Bill(70, known=True, usage=Usage(input=5)))
    assert heard.actions == ["error", "llm_call"]
    assert heard.entries[1]["data"]["cost_usd"] == 0.00007


async def test_another_process_knows_whose_conversation_it_is(open_database, heard):
    pin = (await new_store(open_database()).open(opening())).pin
    await take_turn(new_store(open_database()), pin, 1, 1, [say("{}")])
    assert {(each["workflow_id"], each["run_id"], each["agent_name"]) for each in heard.entries} == {
        ("run-1:tee", "0001", "generator")
    }


async def test_a_log_that_fails_fails_nothing(open_database, heard):
    database = open_database()
    heard.broken = True
    await everything(database)
    assert heard.records == []
    assert len(await Records(database).entries("run-1")) > 30


async def test_what_somebody_should_look_at_is_a_warning_and_a_wrong_bound_an_error(open_database, heard):
    database = open_database()
    await everything(database)
    levels = {(record.action, record.data.get("kind")): record.levelname for record in heard.records}
    assert (levels["error", "turn"], levels["error", None], levels["ruling", "loop"]) == ("WARNING", "ERROR", "INFO")
