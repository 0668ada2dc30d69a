"""The prompt cache of the rehearsal bills like the provider's."""

from datetime import UTC, datetime, timedelta

import pytest
from anthropic import BadRequestError

from rehearsal.scripts import drip, fail, forever, say
from tests.activities.rehearsed import assistant, critic, prompt, rehearsed, user

AUTOMATIC = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = datetime(2026, 11, 2, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def move(self, **by):
        self.now += timedelta(**by)


def text(words, **marks):
    """A block of so many tokens."""
    return {"type": "text", "text": "w" * 4 * words, **marks}


def system(tokens, **marks):
    name = "You are the critic of x."
    return [{"type": "text", "text": name + "s" * (4 * tokens - len(name)), **marks}]


def bill(message):
    usage = message.usage
    writes = usage.cache_creation
    split = (writes.ephemeral_5m_input_tokens, writes.ephemeral_1h_input_tokens)
    assert sum(split) == usage.cache_creation_input_tokens
    return usage.input_tokens, usage.cache_read_input_tokens, *split


async def talk(client, turns, **more):
    """One growing conversation: the bills of its turns."""
    said, bills = [], []
    for _ in range(turns):
        said.append(user([text(100)]))
        message = await client.messages.create(**prompt(*said, cache_control=AUTOMATIC, **more))
        said.append(assistant(message.to_dict()["content"]))
        bills.append(bill(message))
    return bills


async def test_each_turn_reads_what_the_turn_before_has_written():
    async with rehearsed(critic(forever(say("Yes.")))) as (server, client):
        bills = await talk(client, 3, system=system(1000, cache_control=HOUR))

    assert bills == [(0, 0, 100, 1000), (0, 1100, 101, 0), (0, 1201, 101, 0)]
    used = server.usage
    assert (used.replies, used.input, used.cache_read, used.cache_write_5m) == (3, 0, 2301, 302)
    assert used.cache_write_1h == 1000


async def test_a_prefix_below_the_minimum_is_not_cached():
    async with rehearsed(critic(forever(say("Yes.")))) as (_, client):
        bills = await talk(client, 3, system=system(350))

    assert bills == [(450, 0, 0, 0), (0, 0, 551, 0), (0, 551, 101, 0)]


async def test_entries_expire_unless_they_are_read():
    clock = Clock()
    again = prompt(user([text(100)]), system=system(1000, cache_control=HOUR), cache_control=AUTOMATIC)
    async with rehearsed(critic(forever(say("Yes."))), clock=clock) as (_, client):
        first = await client.messages.create(**again)
        clock.move(minutes=4)
        refreshed = await client.messages.create(**again)
        clock.move(minutes=4)
        still_there = await client.messages.create(**again)
        clock.move(minutes=5)
        tail_gone = await client.messages.create(**again)
        clock.move(minutes=61)
        all_gone = await client.messages.create(**again)

    assert bill(first) == bill(all_gone) == (0, 0, 100, 1000)
    assert bill(refreshed) == bill(still_there) == (0, 1100, 0, 0)
    assert bill(tail_gone) == (0, 1000, 100, 0)


async def test_a_changed_system_prompt_or_effort_loses_the_cache_from_there_on():
    async with rehearsed(critic(forever(say("Yes.")))) as (_, client):
        one = prompt(user([text(100)]), system=system(1000, cache_control=HOUR), cache_control=AUTOMATIC)
        await client.messages.create(**one, output_config={"effort": "low"})
        effort = await client.messages.create(**one, output_config={"effort": "high"})
        rewritten = await client.messages.create(**one | {"system": system(1001, cache_control=HOUR)})

    assert bill(effort) == (0, 1000, 100, 0)
    assert bill(rewritten) == (0, 0, 100, 1001)


async def test_a_breakpoint_looks_back_twenty_blocks():
    near, far = [text(1) for _ in range(19)], [text(1) for _ in range(20)]
    async with rehearsed(critic(forever(say("Yes.")))) as (_, client):
        await client.messages.create(**prompt(user([text(1000)]), cache_control=AUTOMATIC))
        found = await client.messages.create(**prompt(user([text(1000), *near]), cache_control=AUTOMATIC))
        missed = await client.messages.create(**prompt(user([text(1000), text(2), *far[1:]]), cache_control=AUTOMATIC))

    assert found.usage.cache_read_input_tokens > 1000
    assert missed.usage.cache_read_input_tokens == 0


async def test_a_rejected_request_writes_nothing_and_a_begun_one_is_readable():
    one = prompt(user([text(1000)]), cache_control=AUTOMATIC)
    async with rehearsed(critic(fail(529, "overloaded_error"), drip(0.01), say("Yes."))) as (_, client):
        with pytest.raises(Exception, match="rehearsed"):
            await client.messages.create(**one)
        async with client.messages.stream(**one) as stream:
            async for _ in stream:
                break  # begun, and left
        later = await client.messages.create(**one)

    assert later.usage.cache_read_input_tokens > 1000


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ([text(1, cache_control=AUTOMATIC)] * 5, "maximum of 4 blocks with cache_control may be provided. Found 5"),
        ([text(1, cache_control=AUTOMATIC), text(1, cache_control=HOUR)], "must not come after"),
    ],
)
async def test_breakpoints_are_few_and_long_lived_ones_come_first(blocks, complaint):
    async with rehearsed(critic()) as (_, client):
        with pytest.raises(BadRequestError, match=complaint):
            await client.messages.create(**prompt(user(blocks)))
