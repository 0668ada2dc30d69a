"""The rehearsal's bill: list prices, one rounding a reply, and only what began."""

import contextlib
from dataclasses import replace

import httpx2
import pytest
from anthropic import AnthropicError

from rehearsal.bill import bill, so_far
from rehearsal.cards import Card
from rehearsal.scripts import break_off, fail, forever, garble, hang_up, say, truncate
from tests.activities.rehearsed import MODEL, critic, prompt, rehearsed, streamed, user

FAILURES = (AnthropicError, httpx2.TransportError, ValueError, AssertionError)


def record(**more):
    """The test vector of the price list: fresh, read, written for 5 minutes and for 1 hour, and said."""
    return {
        "input_tokens": 1_000,
        "cache_read_input_tokens": 50_000,
        "cache_creation_input_tokens": 3_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 2_000, "ephemeral_1h_input_tokens": 1_000},
        "output_tokens": 800,
    } | more


LISTED = {
    "claude-opus-5-5": 48_000,
    "claude-fable-5-2": 86_000,
    "claude-mythos-5-2": 86_000,
    "claude-fable-5-1": 107_500,
    "claude-fable-5": 145_000,
    "claude-opus-5": 72_500,
    "claude-opus-4-5": 72_500,
    "claude-opus-4-8": 72_500,
    "claude-sonnet-5-5": 24_000,
    "claude-sonnet-5": 29_000,
    "claude-sonnet-4-5": 43_500,
    "claude-sonnet-4-6": 43_500,
    "claude-haiku-4-5": 14_500,
    "claude-haiku-5-5": 1_450,
}
COMPACTION = record(
    type="compaction",
    input_tokens=100,
    cache_read_input_tokens=150_000,
    cache_creation_input_tokens=0,
    cache_creation=None,
    output_tokens=3_000,
)
PRICED = {
    "batch": (MODEL, record(service_tier="batch"), 24_000),
    "fast": (MODEL, record(speed="fast"), 96_000),
    "in the US": (MODEL, record(inference_geo="us"), 52_800),
    "with searches": (MODEL, record(server_tool_use={"web_search_requests": 3}), 78_000),
    "a batch with searches": (
        MODEL,
        record(service_tier="batch", server_tool_use={"web_search_requests": 3}),
        54_000,
    ),
    "a long prompt": ("claude-haiku-5-5", record(cache_read_input_tokens=120_000), 10_750),
    "with a compaction": (MODEL, record(iterations=[COMPACTION, record(type="message")]), 138_400),
    "half a micro-dollar": ("claude-haiku-5-5", {"input_tokens": 0, "output_tokens": 1}, 1),
    "less than half": ("claude-haiku-5-5", {"input_tokens": 4, "output_tokens": 0}, 0),
    "no fast price": ("claude-opus-4-7", record(speed="fast"), None),
    "the priority tier": (MODEL, record(service_tier="priority"), None),
    "no price": ("claude-mythos-5", record(), None),
    "no sense": (MODEL, {"input_tokens": "many"}, None),
}


@pytest.mark.parametrize(("model", "expected"), LISTED.items())
def test_a_reply_costs_what_the_price_list_says(model, expected):
    assert bill(model, record()) == expected


@pytest.mark.parametrize(("model", "usage", "expected"), PRICED.values(), ids=PRICED)
def test_batch_speed_place_searches_tiers_and_iterations_have_their_price(model, usage, expected):
    assert bill(model, usage) == expected


def test_a_reply_that_ended_early_is_billed_for_its_input_and_a_share_of_its_output():
    usage = record(iterations=[record()])
    cut = so_far(usage, 1, 4)

    assert (cut["output_tokens"], cut["iterations"][0]["output_tokens"]) == (200, 200)
    assert cut["cache_read_input_tokens"] == 50_000
    assert usage["output_tokens"] == 800


async def test_the_bill_is_the_sum_of_what_began_each_rounded_once():
    turns = [
        say("Fine."),
        fail(529, "overloaded_error"),
        break_off(),
        truncate(3),
        truncate(0),
        hang_up(),
        hang_up(2),
        garble(),
        say("Fine."),
    ]
    async with rehearsed(critic(*turns)) as (server, client):
        for _ in turns:
            with contextlib.suppress(*FAILURES):
                await streamed(client, **prompt())
        entries, total = server.requests, server.bill

    began = [entry.began for entry in entries]
    assert began == [True, False, True, True, False, False, True, True, True]
    assert [entry.micro_usd is not None for entry in entries] == began
    assert all(entry.micro_usd == bill(MODEL, entry.usage) for entry in entries if entry.began)
    assert total == sum(entry.micro_usd for entry in entries if entry.began)
    assert server.usage.replies == sum(began)
    whole, broken = entries[7].usage, entries[2].usage
    assert 0 < broken["output_tokens"] < whole["output_tokens"]
    assert broken["input_tokens"] == whole["input_tokens"]


async def test_what_a_client_asked_in_one_piece_is_billed_whole_even_if_half_of_it_arrived():
    async with rehearsed(critic(truncate(1), say("These words are on their way while something happens."))) as (
        server,
        client,
    ):
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
            await client.messages.create(**prompt())
        await client.messages.create(**prompt())
        half, whole = server.requests

    assert half.micro_usd == whole.micro_usd


async def test_a_model_without_a_list_price_makes_the_sum_unknown():
    async with rehearsed(critic(forever(say("Fine.")))) as (server, client):
        await client.messages.create(**prompt())
        known = server.bill
        await client.messages.create(**prompt(model="claude-mythos-5"))
        with pytest.raises(LookupError, match="1 replies have no price"):
            _ = server.bill

    assert known == server.requests[0].micro_usd > 0
    assert (server.requests[1].began, server.requests[1].micro_usd) == (True, None)


async def test_a_usage_record_that_a_script_wrote_is_billed_as_written():
    turn = replace(say("Fine."), usage={"output_tokens": 1_000_000})
    async with rehearsed(critic(turn), cards=[Card(MODEL)]) as (server, client):
        message = await client.messages.create(**prompt(user("Hi.")))

    assert server.bill == 20_000_000 + message.usage.input_tokens * 4
