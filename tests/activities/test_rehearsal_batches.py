"""The rehearsal answers batches later, for half the price."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from anthropic import BadRequestError, NotFoundError

from rehearsal.scripts import Script, answer, call, cancel, expire, fail, forever, hang_up, say, think
from tests.activities.rehearsed import MODEL, TOOLS, assistant, critic, prompt, rehearsed, result, user

SOON = 0.01


def wish(name, *said, **more):
    return {"custom_id": name, "params": prompt(*said) | more}


async def ended(client, batch):
    while batch.processing_status != "ended":
        await asyncio.sleep(SOON)
        batch = await client.messages.batches.retrieve(batch.id)
    return batch


async def results_of(client, batch):
    batch = await ended(client, batch)
    return {each.custom_id: each.result async for each in await client.messages.batches.results(batch.id)}


async def test_every_request_is_played_and_found_by_its_name():
    def turn(request):
        return say(f"Seen: {request.task}")

    async with rehearsed(critic(forever(turn)), batch_delay=SOON) as (server, client):
        created = await client.messages.batches.create(requests=[wish(n, user(f"Judge {n}.")) for n in "abc"])
        batch = await ended(client, created)
        lines = [each async for each in await client.messages.batches.results(batch.id)]

    assert created.processing_status == "in_progress"
    assert (created.request_counts.processing, created.results_url, created.ended_at) == (3, None, None)
    assert (batch.request_counts.processing, batch.request_counts.succeeded) == (0, 3)
    assert batch.results_url == f"{server.url}/v1/messages/batches/{batch.id}/results"
    assert [each.custom_id for each in lines] != list("abc")
    texts = {each.custom_id: each.result.message.content[0].text for each in lines}
    assert texts == {name: f"Seen: Judge {name}." for name in "abc"}
    assert {each.result.message.usage.service_tier for each in lines} == {"batch"}
    assert [(entry.custom_id, entry.batch, entry.finished) for entry in server.requests] == [
        (name, batch.id, True) for name in "abc"
    ]


async def test_a_batch_costs_half_and_finds_the_cache_like_any_call():
    said = user([{"type": "text", "text": "w" * 8000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}])
    async with rehearsed(critic(forever(say("Fine."))), batch_delay=SOON) as (server, client):
        batch = await client.messages.batches.create(requests=[wish("a", said), wish("b", said)])
        await ended(client, batch)
        await client.messages.create(**prompt(said))

    first, second, alone = server.requests
    assert first.usage["cache_creation"]["ephemeral_1h_input_tokens"] > 2000
    assert second.usage["cache_read_input_tokens"] == alone.usage["cache_read_input_tokens"] > 2000
    assert second.usage["output_tokens"] == alone.usage["output_tokens"]
    assert abs(2 * second.micro_usd - alone.micro_usd) <= 1
    assert server.bill == first.micro_usd + second.micro_usd + alone.micro_usd


async def test_what_fails_fails_alone_and_is_not_billed():
    def part(request):
        turns = {"wait": [fail(529, "overloaded_error")], "late": [expire()], "never": [cancel()]}
        return turns.get(request.task, [hang_up(2, say("Fine."))])

    wishes = [
        *(wish(name, user(name)) for name in ("wait", "late", "never", "good")),
        wish("wrong", user("")),
        wish("gone", user("x"), model="claude-nobody"),
        wish("streamed", user("x"), stream=True),
        wish("hasty", user("x"), speed="fast"),
        wish("warm", user("x"), max_tokens=0),
    ]
    async with rehearsed(Script({"critic": part}), batch_delay=SOON) as (server, client):
        batch = await client.messages.batches.create(requests=wishes)
        results = await results_of(client, batch)
        counts = (await client.messages.batches.retrieve(batch.id)).request_counts

    errors = {name: each.error.error.type for name, each in results.items() if each.type == "errored"}
    assert (results["late"].type, results["never"].type, results["good"].type) == ("expired", "canceled", "succeeded")
    assert errors == dict.fromkeys(("wrong", "streamed", "hasty", "warm"), "invalid_request_error") | {
        "wait": "overloaded_error",
        "gone": "not_found_error",
    }
    assert (counts.succeeded, counts.errored, counts.expired, counts.canceled) == (1, 6, 1, 1)
    assert [entry.custom_id for entry in server.requests if entry.began] == ["good"]
    assert server.usage.replies == 1


async def test_a_lapse_outside_a_batch_is_a_mistake_of_the_script():
    async with rehearsed(critic(expire())) as (_, client):
        with pytest.raises(BadRequestError, match="only a request in a batch can be expired"):
            await client.messages.create(**prompt())


async def test_a_canceled_batch_ends_with_what_was_not_answered():
    async with rehearsed(critic(forever(say("Fine."))), batch_delay=60) as (server, client):
        batch = await client.messages.batches.create(requests=[wish("a"), wish("b")])
        with pytest.raises(BadRequestError, match="no results yet"):
            await client.get(f"/v1/messages/batches/{batch.id}/results", cast_to=object)
        canceling = await client.messages.batches.cancel(batch.id)
        results = await results_of(client, batch)
        again = await client.messages.batches.cancel(batch.id)

    assert canceling.processing_status == "canceling"
    assert canceling.cancel_initiated_at is not None
    assert {each.type for each in results.values()} == {"canceled"}
    assert (again.processing_status, again.request_counts.canceled) == ("ended", 2)
    assert server.requests == ()


async def test_a_batch_that_takes_more_than_a_day_expires():
    now = [datetime(2026, 11, 2, 12, tzinfo=UTC)]
    async with rehearsed(critic(say("Fine.")), batch_delay=0.05, clock=lambda: now[0]) as (_, client):
        batch = await client.messages.batches.create(requests=[wish("a")])
        now[0] += timedelta(hours=24)
        results = await results_of(client, batch)

    assert results["a"].type == "expired"


async def test_batches_are_listed_newest_first_and_deleted_once_they_ended():
    async with rehearsed(critic(forever(say("Fine."))), batch_delay=SOON) as (_, client):
        made = [await client.messages.batches.create(requests=[wish("a")]) for _ in range(3)]
        listed = [batch.id async for batch in client.messages.batches.list(limit=2)]
        first = await client.messages.batches.list(limit=2)
        back = await client.messages.batches.list(limit=2, before_id=made[0].id)
        await ended(client, made[0])
        deleted = await client.messages.batches.delete(made[0].id)
        with pytest.raises(NotFoundError):
            await client.messages.batches.retrieve(made[0].id)
        with pytest.raises(BadRequestError, match="limit"):
            await client.messages.batches.list(limit=0)

    names = [batch.id for batch in reversed(made)]
    assert listed == names
    assert (first.has_more, [batch.id for batch in first.data]) == (True, names[:2])
    assert (back.has_more, [batch.id for batch in back.data]) == (False, names[:2])
    assert deleted.type == "message_batch_deleted"


async def test_a_batch_on_its_way_is_not_deleted_and_does_not_outlive_the_server():
    async with rehearsed(critic(say("Fine.")), batch_delay=60) as (_, client):
        batch = await client.messages.batches.create(requests=[wish("a")])
        with pytest.raises(BadRequestError, match="cancel it first"):
            await client.messages.batches.delete(batch.id)


@pytest.mark.parametrize(
    ("requests", "complaint"),
    [
        ([], "at least one request"),
        ([wish("")], "requests.0.custom_id"),
        ([wish("a b")], "requests.0.custom_id"),
        ([wish("x" * 65)], "requests.0.custom_id"),
        ([wish("a"), wish("a")], "requests.1.custom_id: `a` is used twice"),
        ([{"custom_id": "a"}], "requests.0.params"),
        ([{"custom_id": "a", "params": {}}] * 100_001, "at most 100000"),
    ],
    ids=["none", "no name", "a bad name", "a long name", "twins", "no params", "too many"],
)
async def test_a_batch_that_is_laid_out_wrong_is_refused_whole(requests, complaint):
    async with rehearsed(critic()) as (_, client):
        with pytest.raises(BadRequestError, match=complaint):
            await client.messages.batches.create(requests=requests)


async def test_a_beta_batch_drops_foreign_thinking_instead_of_failing():
    async with rehearsed(critic(forever(think("Hm.", call("look")))), batch_delay=SOON) as (_, client):
        first = await client.messages.create(**prompt(user("Go."), tools=TOOLS))
        content = first.to_dict()["content"]
        said = [user("Go!"), assistant(content), user([result(content[1]["id"])])]
        wishes = [wish("a", *said, tools=TOOLS)]
        batch = await client.beta.messages.batches.create(requests=wishes, betas=["compact-2026-09-04"])
        results = await results_of(client, batch)

    message = results["a"].message.to_dict()
    assert message["input_transformations"][0]["reason"] == "prefix_binding_mismatch"
    assert message["usage"]["iterations"][0]["type"] == "message"


async def test_a_script_without_a_turn_fails_the_request_in_words():
    async with rehearsed(Script({"planner": [answer({})]}), batch_delay=SOON) as (_, client):
        batch = await client.messages.batches.create(requests=[wish("a", model=MODEL)])
        results = await results_of(client, batch)

    assert results["a"].error.error.message == "no script for 'critic'"
