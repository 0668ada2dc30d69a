"""A run that is cancelled ends, whatever it is doing at that moment."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.service import RPCError, RPCStatusCode

from rehearsal.scripts import Script, answer, call, forever, later, refuse
from tests.scenarios.shoots import GREY, WHITE, brief, cast, ended, state_of
from workflows.models import AccountQuery, Reply, Standing, TurnRequest

MOMENTS = (0.4, 0.8, 1.2, 1.6, 2.0, 2.4)


@asynccontextmanager
async def working(stage, part, instead):
    """Run the stage's workers, with another activity in the place of the one of that name."""
    name = _name(instead)
    others = [each for each in stage.world.activities[part] if _name(each) != name]
    world = replace(stage.world, activities={**stage.world.activities, part: (*others, instead)})
    async with AsyncExitStack() as stack:
        for worker in world.workers(stage.client):
            await stack.enter_async_context(worker)
        yield


def _name(method):
    return activity._Definition.must_from_callable(method).name


async def status(handle):
    return (await handle.describe()).status


async def is_over(item):
    """Wait until an item ends; one that was never started is over as well."""
    try:
        await ended(item)
    except WorkflowFailureError:
        return await status(item) == WorkflowExecutionStatus.CANCELED
    except RPCError as error:
        return error.status == RPCStatusCode.NOT_FOUND
    return True


async def test_a_cancel_during_a_model_call_that_still_ends_well_stops_the_agent(play):
    asked = asyncio.Event()

    def slow(_request):
        asked.set()
        return later(2.0, call("write_line", line="written after the cancel"))

    async with play(Script({"assistant": [slow, answer({"answer": "too late"})]})) as stage:
        handle = await stage.start_agent()
        await asked.wait()
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 60)
        assert await status(handle) == WorkflowExecutionStatus.CANCELED
        assert (len(stage.rehearsal.requests), stage.notebook.lines) == (1, [])


async def test_a_production_can_be_cancelled_at_any_moment_and_all_its_items_end(play):
    async with play(cast(GREY)) as stage:
        for moment in MOMENTS:
            run = await stage.start_production(brief("dress", "tee"), refinements=0)
            await asyncio.sleep(moment)
            await run.cancel()
            with pytest.raises(WorkflowFailureError):
                await ended(run)
            assert await status(run) == WorkflowExecutionStatus.CANCELED
            items = [stage.item(run.id, shot.key) for shot, _ in await stage.world.catalog.items(run.id)]
            assert all([await is_over(item) for item in items])


async def test_a_cancel_that_a_call_does_not_hear_stops_the_agent_before_it_waits_for_a_batch(play):
    asked = asyncio.Event()

    @activity.defn(name="call_model")
    async def deaf(request: TurnRequest) -> Reply:
        asked.set()
        await asyncio.sleep(1.5)
        return Reply(head=request.head, turn=request.turn, stop="queued")

    async with play(Script({}), working=False) as stage, working(stage, "model", deaf):
        handle = await stage.start_agent(patience="batch")
        await asked.wait()
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 30)
        assert await status(handle) == WorkflowExecutionStatus.CANCELED


async def test_a_run_that_is_cancelled_while_it_looks_at_its_budget_ends_after_its_items(play):
    looking = asyncio.Event()

    @activity.defn(name="read_budget")
    async def slow(query: AccountQuery) -> Standing:
        looking.set()
        await asyncio.sleep(3)
        return Standing(account=query.account)

    script = cast(WHITE, generator=[forever(refuse())])
    async with play(script, working=False) as stage, working(stage, "workflows", slow):
        run = await stage.start_production(brief("dress", "tee", run_usd=1.0, item_usd=3.0))
        await looking.wait()
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await ended(run)
        state = await state_of(run)
    assert (state.status, state.counts) == ("cancelled", {"cancelled": 1})
