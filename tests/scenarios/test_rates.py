"""A quota of the provider holds over all workers, because the Temporal server keeps it."""

import asyncio
import contextlib

from temporalio.service import RPCError

from activities.rates import share_rates
from rehearsal.scripts import forever
from tests.scenarios.agents import DONE, assistant
from workflows.tracing import queue


async def served_in(stage, seconds):
    """Start thirty agents and count how many were answered after a while."""
    handles = [await stage.start_agent(f"Goal {number}") for number in range(30)]
    await asyncio.sleep(seconds)
    answered = len(stage.rehearsal.requests)
    for handle in handles:
        with contextlib.suppress(RPCError):  # many are done by now
            await handle.terminate()
    return answered


async def test_no_more_calls_start_than_the_rate_allows_and_without_one_all_do(play):
    async with play(assistant(forever(DONE))) as stage:
        await share_rates(stage.client, queue(stage.queue, "model"), 1.0, None)
        held = await served_in(stage, 6)
        await share_rates(stage.client, queue(stage.queue, "model"), None, None)
        freed = await served_in(stage, 6)
    assert 0 < held <= 12
    assert freed - held == 30
