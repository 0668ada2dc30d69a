"""Operators pause a part of the fleet: nothing new is paid for or done, nothing is lost, and all goes on later."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from activities.fleet_acts import Act, FleetActs, Part
from console.fleet_query import Fleet
from rehearsal.roles.dialogue import Dialogue
from rehearsal.scripts import call, forever
from tests.scenarios.agents import DONE, assistant, bodies, ended
from tests.scenarios.shoots import KEY, WHITE, brief, cast, photograph
from tests.scenarios.signing import DESK
from tests.scenarios.stage import PATIENCE
from workflows.models import AgentState, ItemState, RunState
from workflows.tracing import literal

AGENTS, SHOOTS = Part("single_agent"), Part("image_production")


def acts_of(stage) -> FleetActs:
    return FleetActs(stage.world.database, DESK)


async def pause(stage, part=AGENTS, reason="the endpoint is being moved"):
    return await acts_of(stage).pause(Act("pause", part, "Ines", reason))


async def resume(stage, part=AGENTS):
    assert await acts_of(stage).resume(Act("resume", part, "Ines"))
    return await Fleet(stage.client).release(part)


def at_once(work):
    """Have something done while the loop of this test is busy answering."""
    with ThreadPoolExecutor() as elsewhere:
        return elsewhere.submit(asyncio.run, work).result()


async def standing(handle, status, kind=AgentState):
    """Wait until a run says how it stands."""
    end = time.monotonic() + PATIENCE
    while (state := await handle.query("state", result_type=kind)).status != status:
        assert time.monotonic() < end, state
        await asyncio.sleep(0.1)
    return state


async def listed_as_paused(stage, *names):
    """Wait until the server's list, which lags, knows that all of these are paused."""
    end, query = (
        time.monotonic() + PATIENCE,
        f"CallsheetStatus = 'paused' and WorkflowId in ({', '.join(map(literal, names))})",
    )
    while (await stage.client.count_workflows(query)).count < len(names):
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def test_what_starts_under_a_pause_waits_without_a_call_or_money_and_outlives_its_worker(play):
    async with play(assistant(DONE)) as stage:
        await pause(stage)
        paused = await stage.start_agent()
        await standing(paused, "paused")
        await stage.restart()
        state = await standing(paused, "paused")
        held = [each.reserved for each in await stage.world.ledger.accounts()]
        asked = len(bodies(stage))
        await listed_as_paused(stage, paused.id)
        assert await resume(stage) == 1
        outcome = await ended(paused)
    assert "paused by Ines" in state.waiting
    assert "the endpoint is being moved" in state.waiting
    assert (asked, sum(held)) == (0, 0)
    assert outcome.status == "complete"


async def test_a_pause_of_one_tenant_stops_no_other(play):
    async with play(assistant(DONE)) as stage:
        await pause(stage, Part("single_agent", "acme"))
        await pause(stage, SHOOTS)
        free = await stage.run_agent("Find the way.", tenant="fern")
        paused = await stage.start_agent("Find the way.", tenant="acme")
        await standing(paused, "paused")
        await paused.terminate()
    assert free.status == "complete"


async def test_an_effect_that_was_asked_for_before_the_pause_waits_for_its_end_and_happens_once(play):
    def pauses_meanwhile(request):
        at_once(pause(stage))
        return call("write_line", line="sold")

    async with play(assistant(pauses_meanwhile, DONE)) as stage:
        handle = await stage.start_agent("Find the way.")
        await standing(handle, "paused")
        written = list(stage.notebook.lines)
        await listed_as_paused(stage, handle.id)
        await resume(stage)
        outcome = await ended(handle)
        after = stage.notebook.lines
    assert (written, after) == ([], ["sold"])
    assert outcome.spend.turns == 2


async def test_a_run_whose_items_are_paused_says_so_and_goes_on_with_all_of_them(play):
    def pauses_meanwhile(request):
        if not Dialogue(request).last("render_shot"):
            at_once(pause(stage, SHOOTS))
        return photograph(request)

    async with play(cast(WHITE, generator=[forever(pauses_meanwhile)])) as stage:
        run = await stage.start_production(brief())
        state = await standing(run, "paused", RunState)
        item = await standing(stage.item(run.id, KEY), "paused", ItemState)
        await listed_as_paused(stage, f"{run.id}:{KEY}")
        await resume(stage, SHOOTS)
        ended_as = await ended(run)
    assert [(row.key, row.status, row.keeps_place) for row in state.items] == [(KEY, "paused", True)]
    assert "paused by Ines" in item.waiting
    assert [row.status for row in ended_as.items] == ["published"]
