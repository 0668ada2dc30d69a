"""A run that is cancelled ends, whatever it is doing at that moment."""

import asyncio

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.service import RPCError, RPCStatusCode

from rehearsal.scripts import Script, answer, call, later
from tests.scenarios.shoots import GREY, brief, cast, ended

MOMENTS = (0.4, 0.8, 1.2, 1.6, 2.0, 2.4)


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
        assert len(stage.rehearsal.requests) == 1


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
