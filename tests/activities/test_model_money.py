"""The model activity and money: what a turn reserves, costs and leaves, and what is said when it is too dear."""

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities.baselines import AlertRules
from activities.database import Database
from activities.paid_calls import Order
from activities.pricing import Prices
from activities.records import Records
from tests.activities.conversing import ALLOWANCE, new_store, opening, request, result, say, use
from tests.activities.endpoint import USAGE, Endpoint, failure, message, new_calls, new_model, run
from workflows.models import Cap, Reply, Usage

PRICE = 900 * 2 + 100 * 10
LOST = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=b"")


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    yield database
    database.close()


@pytest.fixture
def store(database):
    return new_store(database)


def capped(micro_usd, **changes):
    """An opening whose agent may spend so much."""
    return opening(caps=(Cap(account="agent:talk-1", micro_usd=micro_usd),), **changes)


async def test_a_model_without_a_price_is_refused_before_anything_is_reserved(store, database):
    pin = (await store.open(capped(100_000, model="claude-opus-4-85"))).pin
    endpoint = Endpoint()
    reply = await run(new_model(endpoint, database), request(pin, 1, 1))
    assert (reply.stop, reply.text) == ("rejected", "no price is known for the model claude-opus-4-85")
    assert (endpoint.bodies, reply.purse.total, reply.purse.left) == ([], 0, 100_000)


async def test_the_output_cap_shrinks_until_the_money_suffices(store, database):
    pin = (await store.open(capped(20_000))).pin
    endpoint = Endpoint(message(say("{}")))
    await run(new_model(endpoint, database), request(pin, 1, 1))
    assert 512 <= endpoint.bodies[0]["max_tokens"] < 2_000


async def test_a_call_that_is_too_dear_is_not_made_and_writes_nothing(store, database):
    pin = (await store.open(capped(6_000))).pin
    endpoint = Endpoint(message(say("{}")))
    model = new_model(endpoint, database)
    reply = await run(model, request(pin, 1, 1))
    assert (reply.stop, reply.head, reply.micro_usd, endpoint.bodies) == ("over_budget", 1, 0, [])
    assert (reply.purse.account, reply.purse.left, reply.purse.total) == ("agent:talk-1", 6_000, 0)
    assert reply.purse.needs > 6_000
    assert "agent:talk-1" in reply.text
    await new_calls(endpoint, database).ledger.set_cap("agent:talk-1", reply.purse.needs, "Ada")
    assert (await run(model, request(pin, 1, 2))).stop == "end_turn"


async def test_a_call_without_the_tokens_for_it_is_not_made(store, database):
    pin = (await store.open(capped(1_000_000))).pin
    endpoint = Endpoint()
    allowance = ALLOWANCE.model_copy(update={"tokens": 1_000})
    reply = await run(new_model(endpoint, database), request(pin, 1, 1, allowance=allowance))
    assert (reply.stop, reply.head, endpoint.bodies) == ("over_budget", 1, [])
    assert "tokens to read" in reply.text
    assert reply.purse.needs < reply.purse.left


async def test_the_refusing_account_is_named_also_when_others_hold_its_money(store, database):
    caps = (Cap(account="agent:talk-1", micro_usd=60_000), Cap(account="run:run-1", micro_usd=62_000))
    await store.open(opening(caps=caps))
    pin = (await store.open(opening(conversation="talk-2", caps=caps[1:]))).pin
    calls, params = new_calls(Endpoint(), database), {"model": "claude-sonnet-5-5", "messages": []}
    others = Order("talk-1", 1, 1, "turn", params, prompt=20_000, hour=0, max_tokens=4_096, least_tokens=512)
    await calls.ledger.reserve(calls.bid_for(others))
    reply = await run(new_model(Endpoint(), database), request(pin, 1, 1, conversation="talk-2"))
    assert (reply.stop, reply.purse.account, reply.purse.left) == ("over_budget", "run:run-1", 2_000)


async def test_the_known_prefix_is_not_estimated_again(store, database):
    pin = (await store.open(opening(task="x" * 40_000))).pin
    endpoint = Endpoint(message(use("call_1"), stop_reason="tool_use"), message(say("{}")))
    model = new_model(endpoint, database)
    reply = await run(model, request(pin, 1, 1))
    await store.put_result(result("call_1", 1, "{}"))
    allowance = ALLOWANCE.model_copy(update={"tokens": 6_000})
    assert (await run(model, request(pin, reply.head, 2, allowance=allowance))).stop == "end_turn"


async def test_a_reply_tells_what_the_next_call_needs_and_what_is_left(store, database):
    pin = (await store.open(capped(100_000))).pin
    reply = await run(new_model(Endpoint(message(say("{}"))), database), request(pin, 1, 1))
    assert (reply.micro_usd, reply.purse.total, reply.purse.left) == (PRICE, PRICE, 100_000 - PRICE)
    least = Prices().worst_case("claude-sonnet-5-5", reply.context, ALLOWANCE.least_tokens)
    assert least <= reply.purse.needs <= 2 * least


async def test_a_reply_of_unknown_price_is_charged_at_its_reservation(store, database):
    pin = (await store.open(opening())).pin
    odd = message(say("{}"), model="claude-unheard-of")
    reply = await run(new_model(Endpoint(odd), database), request(pin, 1, 1))
    assert reply.micro_usd > 10 * PRICE


async def test_a_lost_attempt_counts_at_its_reservation(store, database):
    pin = (await store.open(opening())).pin
    model = new_model(Endpoint(LOST, message(say("{}"))), database)
    with pytest.raises(ApplicationError, match="ended early"):
        await run(model, request(pin, 1, 1))
    reply = await run(model, request(pin, 1, 1), attempt=2)
    assert reply.micro_usd > 4_096 * 10
    assert reply.purse.total == reply.micro_usd
    (line,) = await Records(database).costs("run-1")
    assert (line["calls"], line["unknown"], line["micro_usd"]) == (2, 1, reply.micro_usd)


async def test_a_refused_attempt_costs_nothing(store, database):
    pin = (await store.open(opening())).pin
    model = new_model(Endpoint(failure(529, "overloaded_error"), message(say("{}"))), database)
    with pytest.raises(ApplicationError):
        await run(model, request(pin, 1, 1))
    assert (await run(model, request(pin, 1, 1), attempt=2)).micro_usd == PRICE


async def test_lost_attempts_cannot_overrun_the_cap(store, database):
    pin = (await store.open(capped(50_000))).pin
    model = new_model(Endpoint(httpx2.ReadError("lost"), message(say("{}"))), database)
    with pytest.raises(ApplicationError):
        await run(model, request(pin, 1, 1))
    reply = await run(model, request(pin, 1, 1), attempt=2)
    assert (reply.stop, reply.purse.total > 40_000) == ("over_budget", True)


async def test_all_iterations_are_paid_for_but_a_compaction_is_not_held(store, database):
    pin = (await store.open(opening())).pin
    compaction = {"type": "compaction", **USAGE, "input_tokens": 9_000, "output_tokens": 500}
    usage = {**USAGE, "iterations": [compaction, {"type": "message", **USAGE}]}
    reply = await run(new_model(Endpoint(message(say("{}"), usage=usage)), database), request(pin, 1, 1))
    assert reply.usage == Usage(input=9_900, output=600)
    assert (reply.context, reply.micro_usd) == (1_000, 9_900 * 2 + 600 * 10)


async def test_spending_out_of_the_ordinary_asks_for_a_pause_also_when_the_reply_is_found_again(store, database):
    async def turn(talk, output):
        usage, rules = {**USAGE, "output_tokens": output}, AlertRules(factor=3.0, sample=5, pause=True)
        pin = (await store.open(opening(conversation=talk, pipeline="shoots"))).pin
        model = new_model(Endpoint(message(say("{}"), usage=usage)), database, rules=rules)
        asked = request(pin, 1, 1, conversation=talk)
        return await run(model, asked), await run(model, asked, attempt=2)

    usual = [await turn(f"talk-{number}", 100) for number in range(6)]
    assert [reply.alert for pair in usual for reply in pair] == [""] * 12
    reply, again = await turn("talk-7", 4_000)
    assert reply.alert == again.alert != ""


class Desk:
    """A batch desk that keeps what it is given."""

    def __init__(self):
        self.queued = []

    async def queue(self, request, order, draft):
        self.queued.append((request, order, draft))
        return Reply(head=request.head, turn=request.turn, stop="queued")


async def test_a_call_that_can_wait_is_queued_and_its_reply_found_when_it_is_there(store, database):
    pin = (await store.open(opening())).pin
    desk, endpoint = Desk(), Endpoint(message(say('{"z":"x"}')))
    calls = new_calls(endpoint, database)
    model = new_model(endpoint, database, calls=calls, desk=desk)
    asked = request(pin, 1, 1, patience="batch")
    assert (await run(model, asked)).stop == "queued"
    ((_, order, draft),) = desk.queued
    kept = await model.keep(asked, draft, await calls.make(order))
    assert (kept.stop, kept.micro_usd) == ("end_turn", PRICE)
    assert await run(model, asked) == kept


async def test_without_a_desk_a_call_that_can_wait_is_made_at_once(store, database):
    pin = (await store.open(opening())).pin
    reply = await run(new_model(Endpoint(message(say("{}"))), database), request(pin, 1, 1, patience="batch"))
    assert reply.stop == "end_turn"


async def test_a_call_that_cannot_wait_does_not_go_to_the_desk(store, database):
    pin = (await store.open(opening())).pin
    desk = Desk()
    await run(new_model(Endpoint(message(say("{}"))), database, desk=desk), request(pin, 1, 1))
    assert desk.queued == []
