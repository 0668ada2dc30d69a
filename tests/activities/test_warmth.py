"""Warming the prompt cache: one goes ahead, the others wait until its reply has begun."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from activities.database import Database, now
from activities.warmth import LASTS, WarmPrefixRow, Warmth
from tests.activities.conversing import new_store, opening, request, say
from tests.activities.endpoint import Endpoint, failure, message, new_model, run

LONG = opening().instructions + " Mind the light." * 400
LATER = timedelta(minutes=10)


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    database.prepare()
    yield database
    database.close()


def row(database):
    with database.transaction() as session:
        return session.scalars(select(WarmPrefixRow)).one()


async def a_while():
    """Time enough for somebody who is not held back."""
    await asyncio.sleep(0.2)


class Agents:
    """Agents that begin together with the same prefix; their calls end when the test says so."""

    def __init__(self, *houses, prefix="p"):
        self.inside, self.began, self.ends = asyncio.Queue(), {}, asyncio.Event()
        self.tasks = [asyncio.create_task(self._go(number, house, prefix)) for number, house in enumerate(houses)]

    async def _go(self, number, house, prefix):
        async with house.behind(prefix) as began:
            self.began[number] = began
            self.inside.put_nowait(number)
            await self.ends.wait()

    async def next(self):
        async with asyncio.timeout(60):  # much less than anybody would wait for who is held back
            return await self.inside.get()

    async def done(self):
        self.ends.set()
        await asyncio.gather(*self.tasks)


async def test_of_many_that_begin_together_one_goes_ahead_and_the_others_follow_when_it_has_begun(database):
    agents = Agents(*[Warmth(database, wait=LATER)] * 5)
    ahead = await agents.next()
    await a_while()
    assert agents.inside.empty()
    await agents.began[ahead]()
    assert sorted([ahead, *[await agents.next() for _ in range(4)]]) == [0, 1, 2, 3, 4]
    await agents.done()


async def test_processes_wait_for_each_other_through_the_database(database):
    agents = Agents(Warmth(database, wait=LATER), *[Warmth(database, wait=LATER)] * 2)
    ahead = await agents.next()
    await a_while()
    assert agents.inside.empty()
    await agents.began[ahead]()
    assert sorted([ahead, await agents.next(), await agents.next()]) == [0, 1, 2]
    await agents.done()


async def test_a_warming_that_fails_frees_the_others_at_once(database):
    here, there = Warmth(database, wait=LATER), Warmth(database, wait=LATER)
    async with here.behind("p"):
        agents = Agents(here, there)
        await a_while()
        assert agents.inside.empty()
    assert sorted([await agents.next(), await agents.next()]) == [0, 1]
    assert row(database).warm_until is None
    await agents.done()


async def test_nobody_waits_longer_than_was_said(database):
    agents = Agents(*[Warmth(database, wait=timedelta(milliseconds=50)) for _ in range(2)])
    assert sorted([await agents.next(), await agents.next()]) == [0, 1]
    await agents.done()


async def test_a_warm_prefix_keeps_nobody_waiting_and_is_not_written_again(database):
    warmth = Warmth(database, wait=LATER)
    async with warmth.behind("p") as began:
        await began()
    before = row(database)
    for house in (warmth, Warmth(database, wait=LATER)):
        agents = Agents(*[house] * 3)
        assert sorted([await agents.next() for _ in range(3)]) == [0, 1, 2]
        await agents.began[0]()
        await agents.done()
    assert row(database).warm_until == before.warm_until


async def test_a_prefix_that_is_warm_for_a_short_time_only_is_warm_for_longer_after_a_call(database):
    async with Warmth(database).behind("p") as began:
        await began()
    soon = now() + timedelta(minutes=5)
    with database.transaction() as session:
        session.execute(update(WarmPrefixRow).values(warm_until=soon))
    async with Warmth(database).behind("p") as began:
        await began()
    assert row(database).warm_until > soon + LASTS / 2


async def test_different_prefixes_do_not_wait_for_each_other(database):
    warmth = Warmth(database, wait=LATER)
    agents = [Agents(warmth, prefix=prefix) for prefix in ("p", "q")]
    assert [await each.next() for each in agents] == [0, 0]
    await asyncio.gather(*(each.done() for each in agents))


async def fan_out(database, script, instructions=LONG):
    """Four agents with the same instructions begin at once."""
    store = new_store(database)
    model = new_model(endpoint := Endpoint(*script), database, warmth=Warmth(database, wait=LATER))
    requests = []
    for number in range(4):
        opened = await store.open(opening(conversation=f"talk-{number}", instructions=instructions))
        requests.append(request(opened.pin, 1, 1, conversation=f"talk-{number}"))
    calls = asyncio.gather(*(run(model, each) for each in requests), return_exceptions=True)
    return endpoint, calls


class Slow:
    """A reply that begins when the test says so."""

    def __init__(self):
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    def __call__(self, request):
        answer = message(say("{}"))

        async def body():
            self.asked.set()
            await self.go.wait()
            yield answer.content

        return type(answer)(200, headers=answer.headers, content=body())


async def test_on_a_fan_out_one_call_warms_the_cache_before_the_rest(database):
    slow = Slow()
    endpoint, calls = await fan_out(database, [slow, *[message(say("{}"))] * 3])
    await slow.asked.wait()
    await a_while()
    assert len(endpoint.bodies) == 1
    slow.go.set()
    assert [reply.stop for reply in await calls] == ["end_turn"] * 4


async def test_a_fan_out_goes_on_when_the_call_ahead_fails(database):
    endpoint, calls = await fan_out(database, [failure(529, "overloaded_error"), *[message(say("{}"))] * 3])
    outcomes = await calls
    assert sum(isinstance(each, Exception) for each in outcomes) == 1
    assert len(endpoint.bodies) == 4


async def test_for_a_short_prefix_that_no_cache_keeps_nobody_waits(database):
    def last(request):
        slow.go.set()
        return message(say("{}"))

    slow = Slow()
    _, calls = await fan_out(database, [slow, *[message(say("{}"))] * 2, last], instructions="Be brief.")
    assert [reply.stop for reply in await calls] == ["end_turn"] * 4
