"""`kill -9` of the worker, at the moments that matter."""

import asyncio

from rehearsal.scripts import Script, answer, call, forever, later
from tests.chaos.own_worker import DIES_AFTER, DIES_BEFORE, PostOffice
from tests.chaos.processes import OWN_WORKER, environment, kill, ready, start_worker, worker
from tests.scenarios.shoots import brief, cast, ended, until

SLOW = 0.3


class Slowly:
    """Plays what another player plays, after a moment, so that there is something to kill it in."""

    def __init__(self, player):
        self._player = player

    def reply(self, request):
        return later(SLOW, self._player.reply(request))


async def test_a_run_whose_worker_is_killed_while_replies_are_on_their_way_ends_as_if_nothing_happened(
    empty_stage, server
):
    async with empty_stage(Slowly(cast())) as stage:
        env = environment(stage, server)
        async with worker(env) as first:
            handle = await stage.start_production(brief("dress", "tee"))
            await until(lambda: _asked(stage, 4))
            kill(first)
        open_calls = sum(not entry.finished for entry in stage.rehearsal.requests)
        async with worker(env):
            run = await ended(handle)
        items = await stage.world.catalog.items(run.id)
        entries = await stage.world.catalog.entries.of_run(run.id)
        requests, replies, calls, unknown = await _counted(stage, run.id)
    assert (run.status, run.counts) == ("complete", {"published": 2})
    assert sorted(entry.item for entry in entries) == sorted(shot.key for shot, _ in items)
    assert 1 <= requests - replies <= open_calls  # only what was on its way is asked again
    assert calls >= requests  # each request has an attempt that was written before it
    assert calls - unknown == replies  # each reply is billed once; the others count at what was reserved
    assert run.spend.micro_usd >= sum(item.spend.micro_usd for _, item in items) > 0


async def _asked(stage, times):
    return len(stage.rehearsal.requests) >= times and any(not entry.finished for entry in stage.rehearsal.requests)


async def _counted(stage, run):
    """How many requests arrived, replies were kept, attempts were written, and how many of those are unknown."""
    talks = await stage.records.transcript(run)
    replies = sum(message["role"] == "assistant" for talk in talks for message in talk["messages"])
    lines = await stage.records.costs(run)
    calls, unknown = sum(line["calls"] for line in lines), sum(line["unknown"] for line in lines)
    return len(stage.rehearsal.requests), replies, calls, unknown


async def test_what_happens_once_happened_once_whether_the_worker_died_before_or_after_it(empty_stage, server):
    def post(request):
        return answer({"answer": "Posted."}) if request.turn > 1 else call("post_letter", text=_moment(request))

    async with empty_stage(Script({"assistant": [forever(post)]})) as stage:
        keeper = asyncio.create_task(_keep_alive(environment(stage, server)))
        outcomes = await asyncio.gather(
            *(stage.run_agent(f"Post: {moment}", tools=("post_letter",)) for moment in (DIES_BEFORE, DIES_AFTER))
        )
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        office = PostOffice(stage.world.settings.home)
    assert [outcome.status for outcome in outcomes] == ["complete", "complete"]
    assert sorted(letter.partition(" ")[2] for letter in office.letters()) == [DIES_AFTER, DIES_BEFORE]
    assert office.deaths() == {DIES_AFTER, DIES_BEFORE}


def _moment(request):
    return DIES_BEFORE if DIES_BEFORE in request.task else DIES_AFTER


async def _keep_alive(env):
    """Start a worker again whenever it dies, as an orchestrator would."""
    process = None
    try:
        while True:
            process = start_worker(env, OWN_WORKER)
            await ready(process)
            await asyncio.to_thread(process.wait)
    finally:
        kill(process)
