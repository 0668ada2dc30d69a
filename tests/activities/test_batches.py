"""The batch desk: calls that can wait are handed in together, at half the price."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from activities.batch_parcels import Limits as Most
from activities.batch_tables import BatchCallRow
from activities.ledger_tables import AttemptRow
from tests.activities.batch_office import PRICE, Office
from tests.activities.conversing import say, use
from tests.activities.endpoint import run
from tests.activities.provider import errored, succeeded
from workflows.models import Limits, Tended


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request, tmp_path):
    postgres = request.param == "postgresql"
    office = Office(request.getfixturevalue("postgres_url") if postgres else f"sqlite:///{tmp_path}/talks.db")
    yield office
    office.database.close()


@pytest.fixture
def here(tmp_path):
    office = Office(f"sqlite:///{tmp_path}/talks.db", Most(calls=2))
    yield office
    office.database.close()


async def test_two_conversations_share_a_batch_and_pay_half_the_price(office):
    one, two = await office.talk("a"), await office.talk("b")
    assert (await office.call(one)).stop == (await office.call(two)).stop == "queued"
    assert office.word.called == ["house"]
    assert await office.tend() == Tended(waiting=0, out=2)
    assert [len(batch.requests) for batch in office.provider.batches.values()] == [2]
    office.provider.end()
    assert await office.tend() == Tended(waiting=0, out=0)
    assert sorted(office.word.told) == [("run-1:tee", "a", 1), ("run-1:tee", "b", 1)]
    reply = await office.call(one)
    assert (reply.stop, reply.output, reply.head, reply.micro_usd) == ("end_turn", '{"z":"batched"}', 2, PRICE)
    assert (reply.request_id, office.provider.direct) == ("msgbatch_1", [])
    assert office.attempts() == [("billed", PRICE)] * 2
    assert await office.stands("a") == await office.stands("b") == (PRICE, 0)


async def test_a_call_that_is_queued_twice_is_one_call_with_one_reservation(office):
    asked = await office.talk()
    assert await office.call(asked) == await office.call(asked)
    _, reserved = await office.stands()
    assert reserved > 0
    await office.tend()
    assert await office.call(asked) == await office.call(asked)
    assert (office.states(), await office.stands()) == (["out"], (0, reserved))
    assert len(office.provider.batches) == len(office.rows(AttemptRow)) == 1


async def test_a_queued_call_holds_half_of_what_it_holds_when_made_at_once(here):
    asked = await here.talk()
    await here.call(asked)
    (held,) = here.rows(AttemptRow)
    await here.call(asked.model_copy(update={"conversation": (await here.talk("b")).conversation, "patience": "now"}))
    whole = here.rows(AttemptRow)[0]
    assert (held.batch, whole.batch) == (True, False)
    assert held.reserved == -(-whole.reserved // 2)


async def test_what_is_handed_in_is_what_would_have_been_sent_at_once(here):
    asked = await here.talk()
    await here.call(asked)
    await here.tend()
    (sent,) = here.provider.batches["msgbatch_1"].requests
    await here.call((await here.talk("b")).model_copy(update={"patience": "now"}))
    (direct,) = here.provider.direct
    assert sent["params"] == {name: value for name, value in direct.items() if name != "stream"}


async def test_a_call_that_the_money_does_not_cover_is_over_budget_and_not_queued(office):
    asked = await office.talk(cap=100)
    reply = await office.call(asked)
    assert (reply.stop, reply.purse.account, reply.purse.left) == ("over_budget", "agent:talk-1", 100)
    assert (office.rows(), office.word.called, await office.stands()) == ([], [], (0, 0))


@pytest.mark.parametrize("result", [errored(), errored("api_error"), {"type": "canceled"}, {"type": "expired"}])
async def test_a_call_without_a_result_costs_nothing_and_is_made_at_once(office, result):
    asked = await office.talk()
    await office.call(asked)
    await office.tend()
    office.provider.end(every=result)
    assert await office.tend() == Tended(waiting=0, out=0)
    assert (office.word.told, office.attempts()) == ([("run-1:tee", "talk-1", 1)], [("free", 0)])
    reply = await office.call(asked)
    assert (reply.output, len(office.provider.batches)) == ('{"z":"direct"}', 1)
    assert "generator" not in office.rows()[0].error


@pytest.mark.parametrize("line", ["", "no json", "[]", '{"custom_id": "x"}', '{"custom_id": 1, "result": {}}'])
async def test_a_call_whose_result_cannot_be_read_counts_as_spent_and_is_made_at_once(here, line):
    one, two = await here.talk("a"), await here.talk("b")
    await here.call(one)
    await here.call(two)
    await here.tend()
    bad, good = (each["custom_id"] for each in here.provider.batches["msgbatch_1"].requests)
    here.provider.end(**{bad: line, good: succeeded()})
    await here.tend()
    (spent, left) = await here.stands("a")
    assert (spent > PRICE, left, await here.stands("b")) == (True, 0, (PRICE, 0))
    assert (await here.call(one)).output == '{"z":"direct"}'
    assert (await here.call(two)).output == '{"z":"batched"}'


@pytest.mark.parametrize("said", [{}, {"content": None, "usage": None}, {"content": [[], "x"], "stop_reason": 7}])
async def test_a_reply_of_junk_is_kept_as_broken_and_counts_at_its_reservation(here, said):
    asked = await here.talk()
    await here.call(asked)
    await here.tend()
    here.provider.end(every={"type": "succeeded", "message": said})
    await here.tend()
    assert (await here.call(asked)).stop == "broken"
    assert here.attempts()[0][0] == "unknown"


async def test_the_calls_of_a_batched_reply_can_be_run(here):
    asked = await here.talk()
    await here.call(asked)
    await here.tend()
    here.provider.end(every=succeeded(use("call_1", place="x"), stop="tool_use"))
    await here.tend()
    reply = await here.call(asked)
    assert [(call.id, call.tool) for call in reply.calls] == [("call_1", "find_model")]
    assert [call.id for call in await here.store.calls("talk-1", 1)] == ["call_1"]


async def test_each_model_has_a_batch_of_its_own(here):
    await here.call(await here.talk("a"))
    await here.call(await here.talk("b", model="claude-opus-5-5"))
    await here.tend()
    models = [{each["params"]["model"] for each in batch.requests} for batch in here.provider.batches.values()]
    assert models == [{"claude-sonnet-5-5"}, {"claude-opus-5-5"}]


async def test_more_than_a_batch_may_hold_goes_in_several(here):
    for name in "abcde":
        await here.call(await here.talk(name))
    assert await here.tend() == Tended(waiting=0, out=5)
    assert [len(batch.requests) for batch in here.provider.batches.values()] == [2, 2, 1]


async def test_a_large_request_closes_the_batch_before_it(tmp_path):
    office = Office(f"sqlite:///{tmp_path}/talks.db", Most(characters=3_000))
    for name in "ab":
        await office.call(await office.talk(name, task="walk " * 300))
    await office.tend()
    assert [len(batch.requests) for batch in office.provider.batches.values()] == [1, 1]
    office.database.close()


async def test_a_round_that_must_not_submit_leaves_calls_waiting(here):
    await here.call(await here.talk())
    assert await here.tend(submit=False) == Tended(waiting=1, out=0)
    assert here.provider.batches == {}


async def test_a_call_queued_side_by_side_holds_its_money_once(office):
    asked = await office.talk()
    replies = await asyncio.gather(*(office.call(asked) for _ in range(4)))
    assert {reply.stop for reply in replies} == {"queued"}
    assert len(office.rows()) == len(office.rows(AttemptRow)) == 1


async def test_a_round_leaves_the_calls_of_other_task_queues_alone(here):
    await run(here.model, await here.talk(), task_queue="other-model")
    assert await here.tend() == Tended(waiting=0, out=0)
    assert (here.word.called, here.states()) == (["other"], ["waiting"])


async def test_money_that_is_held_for_a_batch_outlives_the_lease_of_a_call(here):
    asked = await here.talk()
    await here.call(asked)
    await here.tend()
    (held,) = here.rows(AttemptRow)
    assert held.expires_at - held.started_at >= timedelta(hours=26)


async def test_a_view_with_betas_is_handed_in_where_they_are_told(here):
    asked = await here.talk()
    await here.call(asked)
    with here.database.transaction() as session:
        session.execute(update(BatchCallRow).values(betas=json.dumps(["compact-2026-09-04"])))
    await here.tend()
    assert here.provider.batches["msgbatch_1"].betas.startswith("compact-2026-09-04")
    here.provider.end(every=succeeded(say("{}")))
    assert await here.tend() == Tended(waiting=0, out=0)


async def test_what_an_agent_may_spend_in_all_is_known_to_the_reply(here):
    asked = await here.talk(limits=Limits())
    await here.call(asked)
    await here.tend()
    here.provider.end()
    await here.tend()
    assert (await here.call(asked)).purse.total == PRICE
