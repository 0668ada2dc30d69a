"""Paid calls: money is held before each, given back or kept after it, and never forgotten."""

import asyncio
import contextlib
import random
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.conversations import ConversationStore
from activities.database import Database
from activities.ledger_tables import AttemptRow
from activities.paid_calls import Order, Paid, Unpaid
from activities.pricing import Prices
from tests.activities.conversing import Shelf, new_store, opening, say
from tests.activities.endpoint import USAGE, Endpoint, events, failure, message, new_calls, sse
from workflows.models import Cap

MODEL = "claude-sonnet-5-5"
PRICE = 900 * 2 + 100 * 10
COMPACTION = {"type": "compaction", "content": None}


@pytest.fixture
async def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    new_store(database)
    await opened(database, "talk-1", 1_000_000)
    yield database
    database.close()


async def opened(database, talk, micro_usd, *caps):
    caps = (Cap(account=f"agent:{talk}", micro_usd=micro_usd), *caps)
    await ConversationStore(database, Shelf()).open(opening(conversation=talk, caps=caps))


def order(**changes):
    params = {"model": changes.pop("model", MODEL), "messages": [{"role": "user", "content": "task"}]}
    values = {"conversation": "talk-1", "position": 1, "turn": 1, "kind": "turn", "prompt": 1_000, "hour": 0}
    values |= {"max_tokens": 4_096, "least_tokens": 512, "params": params | changes.pop("params", {})}
    return Order(**{**values, **changes})


async def make(calls, asked=None, began=None):
    """Make a call in an activity, as a worker does."""
    return await ActivityEnvironment().run(calls.make, asked or order(), began)


async def settled(calls, asked=None):
    """Make a call, and settle it as whoever keeps the reply does."""
    paid = await make(calls, asked)
    await calls.ledger.settle(paid.attempt, paid.bill)
    return paid


def attempts(database):
    with database.transaction() as session:
        return [(row.state, row.micro_usd) for row in session.scalars(select(AttemptRow).order_by(AttemptRow.id))]


def reserved(database):
    with database.transaction() as session:
        return [row.reserved for row in session.scalars(select(AttemptRow).order_by(AttemptRow.id))]


async def test_a_reply_comes_with_its_bill_and_is_settled_by_whoever_keeps_it(database):
    calls = new_calls(Endpoint(message(say("hm"))), database)
    paid = await make(calls)
    assert (paid.bill.micro_usd, paid.bill.known, paid.bill.served, paid.bill.request_id) == (
        PRICE,
        True,
        MODEL,
        "req_1",
    )
    assert (paid.message["content"], attempts(database)) == ([say("hm")], [("open", 0)])
    await calls.ledger.settle(paid.attempt, paid.bill)
    assert attempts(database) == [("billed", PRICE)]


async def test_the_worst_case_is_held_while_the_call_is_under_way(database):
    held = []

    def answer(request):
        held.extend(reserved(database))
        return message(say("hm"))

    await settled(new_calls(Endpoint(answer), database), order(prompt=1_000, hour=400))
    assert held == [Prices().worst_case(MODEL, 1_000, 4_096, hour=400)]


async def test_what_cannot_be_priced_is_not_called_and_nothing_is_held(database):
    endpoint = Endpoint()
    answer = await make(new_calls(endpoint, database), order(model="claude-opus-4-85"))
    assert answer == Unpaid("rejected", "no price is known for the model claude-opus-4-85")
    assert (attempts(database), endpoint.bodies) == ([], [])


async def test_the_output_cap_is_what_the_held_money_covers(database):
    least = Prices().worst_case(MODEL, 1_000, 700)
    await opened(database, "talk-2", least)
    endpoint = Endpoint(message(say("hm")))
    await settled(new_calls(endpoint, database), order(conversation="talk-2"))
    assert endpoint.bodies[0]["max_tokens"] == 700
    assert reserved(database) == [least]


async def test_below_the_floor_there_is_no_call(database):
    await opened(database, "talk-2", Prices().worst_case(MODEL, 1_000, 512) - 1)
    endpoint = Endpoint()
    answer = await make(new_calls(endpoint, database), order(conversation="talk-2"))
    assert (answer.stop, answer.account, endpoint.bodies) == ("over_budget", "agent:talk-2", [])


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (failure(429, "rate_limit_error"), "free"),
        (failure(529, "overloaded_error"), "free"),
        (failure(401, "authentication_error"), "free"),
        (httpx2.ConnectError("refused"), "free"),
        (httpx2.ReadTimeout("slow"), "unknown"),
        (httpx2.ReadError("lost"), "unknown"),
        (sse(list(events([say("half")]))[:-1]), "unknown"),
    ],
)
async def test_a_failed_call_is_free_or_counts_at_what_it_held(database, answer, state):
    with pytest.raises(ApplicationError):
        await make(new_calls(Endpoint(answer), database))
    held = Prices().worst_case(MODEL, 1_000, 4_096)
    assert attempts(database) == [(state, 0 if state == "free" else held)]


async def test_what_the_endpoint_refuses_for_good_costs_nothing_and_is_a_value(database):
    refused = failure(400, "invalid_request_error", "prompt is too long: 210000 tokens")
    answer = await make(new_calls(Endpoint(refused), database))
    assert (answer.stop, answer.account, attempts(database)) == ("context_exceeded", "", [("free", 0)])


async def test_a_bill_that_nobody_can_write_counts_at_what_was_held(database):
    await settled(new_calls(Endpoint(message(say("hm"), model="claude-unheard-of")), database))
    assert attempts(database) == [("unknown", Prices().worst_case(MODEL, 1_000, 4_096))]


async def test_a_cancelled_call_counts_at_what_it_held(database):
    begun = asyncio.Event()

    async def silent():
        begun.set()
        await asyncio.Event().wait()
        yield b""

    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=silent())
    calling = asyncio.create_task(make(new_calls(Endpoint(answer), database)))
    await begun.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert attempts(database) == [("unknown", Prices().worst_case(MODEL, 1_000, 4_096))]


async def test_whoever_is_cancelled_before_the_call_holds_nothing(database):
    endpoint = Endpoint()
    calling = asyncio.create_task(make(new_calls(endpoint, database)))
    for _ in range(3):  # until the ledger is asked, on a thread of its own
        await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert [state for state, _ in attempts(database)] in ([], ["free"])
    assert endpoint.bodies == []


async def test_a_call_waits_for_money_that_others_may_give_back(database):
    held = Prices().worst_case(MODEL, 1_000, 4_096)
    await opened(database, "talk-2", 1_000_000, Cap(account="run:run-1", micro_usd=held + 100))
    others = new_calls(Endpoint(), database)
    mine = order(conversation="talk-2")
    first = await others.ledger.reserve(others.bid_for(mine))
    calls = new_calls(Endpoint(message(say("hm"))), database, patience=timedelta(seconds=30))
    waiting = asyncio.create_task(make(calls, order(conversation="talk-2", turn=2)))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await others.ledger.release(first.attempt, "refused")
    assert isinstance(await waiting, Paid)


async def test_nobody_waits_for_money_that_is_spent(database):
    await opened(database, "talk-2", 100)
    calls = new_calls(Endpoint(), database, patience=timedelta(minutes=10))
    assert (await make(calls, order(conversation="talk-2"))).stop == "over_budget"


async def test_a_long_call_keeps_its_reservation(database):
    def lasts():
        with database.transaction() as session:
            return session.scalars(select(AttemptRow.expires_at)).one()

    async def slow():
        before = lasts()
        async with asyncio.timeout(30):
            while lasts() <= before:  # noqa: ASYNC110 - the ledger's own beat is waited for
                await asyncio.sleep(0.01)
        yield sse(events([say("hm")])).content

    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=slow())
    calls = new_calls(Endpoint(answer), database, lease=timedelta(milliseconds=200))
    assert isinstance(await make(calls), Paid)


async def test_two_calls_never_stand_on_one_reservation(database):
    calls = new_calls(Endpoint(message(say("a")), message(say("b"))), database)
    first, second = await settled(calls), await settled(calls)
    assert first.attempt != second.attempt
    assert attempts(database) == [("billed", PRICE)] * 2


async def test_a_reply_whose_last_count_never_came_is_not_taken_for_as_cheap_as_it_began(database):
    whole = [event for event in events([say("much")]) if event["type"] != "message_delta"]
    calls = new_calls(Endpoint(sse(whole)), database)
    paid = await settled(calls)
    assert (paid.bill.known, paid.bill.usage.output) == (False, 1)
    assert attempts(database) == [("unknown", reserved(database)[0])]


async def test_a_name_that_no_database_takes_does_not_lose_the_reply_that_it_came_with(postgres_url):
    database = Database(postgres_url)
    new_store(database)
    await opened(database, "talk-1", 1_000_000)
    paid = await settled(new_calls(Endpoint(message(say("hm"), model="claude\x00\ud800" + "x" * 9_999)), database))
    assert (paid.bill.known, len(paid.bill.served)) == (False, 100)
    assert [state for state, _ in attempts(database)] == ["unknown"]
    database.close()


async def test_a_cancelled_call_stays_cancelled_also_when_the_ledger_cannot_note_it(database):
    async def answer(request):
        with database.transaction() as session:
            session.execute(text("ALTER TABLE attempts RENAME TO lost"))
        task.cancel()
        await asyncio.Event().wait()

    calls = new_calls(answer, database)
    task = asyncio.ensure_future(make(calls))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_that_the_reply_has_begun_is_told_once_and_never_when_there_is_none(database):
    told = []

    async def began():
        told.append(True)

    with pytest.raises(ApplicationError):
        await make(new_calls(Endpoint(failure(529, "overloaded_error")), database), None, began)
    assert told == []
    await make(new_calls(Endpoint(message(say("hm"))), database), None, began)
    assert told == [True]


async def test_a_listener_that_fails_does_not_lose_a_reply_that_is_paid_for(database):
    async def began():
        raise OSError

    assert isinstance(await make(new_calls(Endpoint(message(say("hm"))), database), None, began), Paid)


async def test_a_summary_by_the_endpoint_is_gathered_as_it_came_with_its_iterations(database):
    usage = {**USAGE, "iterations": [{"type": "compaction", **USAGE}]}
    whole = list(events([COMPACTION], stop_reason="compaction", usage=usage))
    delta = {"type": "compaction_delta", "content": "All was said.", "encrypted_content": "b3BhcXVl"}
    whole[2:2] = [
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}},
    ]
    endpoint, seen = Endpoint(sse(whole)), []

    def watched(request):
        seen.append(request.headers["anthropic-beta"])
        return endpoint(request)

    asked = order(params={"compaction": {"type": "summarize"}}, betas=("compact-2026-09-04",))
    paid = await make(new_calls(watched, database), asked)
    block = {"type": "compaction", "content": "All was said.", "encrypted_content": "b3BhcXVl", "signature": "c2ln"}
    assert paid.message["content"] == [block]
    assert (paid.message["stop_reason"], paid.bill.micro_usd) == ("compaction", PRICE)
    assert seen == ["compact-2026-09-04"]


FAULTS = ("reply", "reply", "dear", "529", "lost", "half", "refused", "odd")


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('sum')}/talks.db")
    database.prepare()
    yield database
    database.close()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_all_attempts_together_are_what_the_endpoint_billed_to_the_micro_dollar(books, seed):
    async def play():
        talk = uuid4().hex
        await opened(books, talk, 50_000_000, Cap(account=f"run:{talk}", micro_usd=50_000_000))
        endpoint = Faulty(random.Random(seed))
        calls = new_calls(endpoint, books)
        for turn in range(8):
            with contextlib.suppress(ApplicationError):
                answer = await make(calls, order(conversation=talk, turn=turn))
                if isinstance(answer, Paid):
                    await calls.ledger.settle(answer.attempt, answer.bill)
        (run,) = await calls.ledger.accounts(f"run:{talk}")
        purse = await calls.ledger.purse(talk)
        return endpoint.billed + endpoint.unknown * held, purse.total, run.spent, run.reserved

    held = Prices().worst_case(MODEL, 1_000, 4_096)
    billed, total, spent, open_now = asyncio.run(play())
    assert (total, spent, open_now) == (billed, billed, 0)


class Faulty:
    """An endpoint that fails at random, and keeps its own books in micro-dollars."""

    def __init__(self, dice):
        self.dice, self.billed, self.unknown = dice, 0, 0

    def __call__(self, request):
        return getattr(self, f"_{self.dice.choice(FAULTS)}")()

    def _reply(self):
        count = self.dice.randint(1, 4_000)
        self.billed += 900 * 2 + count * 10
        return message(say("hm"), usage={**USAGE, "output_tokens": count})

    def _dear(self):
        self.billed += 700 * 4 + 300 * 5 // 2 + 1_000 * 10
        split = {"ephemeral_1h_input_tokens": 700, "ephemeral_5m_input_tokens": 300}
        written = {"cache_creation_input_tokens": 1_000, "cache_creation": split}
        return message(say("hm"), usage={**USAGE, **written, "input_tokens": 0, "output_tokens": 1_000})

    def _529(self):
        return failure(529, "overloaded_error")

    def _refused(self):
        return failure(400, "invalid_request_error")

    def _lost(self):
        self.unknown += 1
        raise httpx2.ReadError("lost")

    def _half(self):
        self.unknown += 1
        return sse(list(events([say("half")]))[:-2])

    def _odd(self):
        self.unknown += 1
        return message(say("hm"), model="claude-unheard-of")
