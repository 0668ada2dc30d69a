"""A quota of the provider holds over all workers, because the Temporal server keeps it."""

import asyncio

from activities.rates import share_rates
from rehearsal.scripts import forever
from tests.scenarios.agents import DONE, assistant, ended
from workflows.tracing import queue

AGENTS = 25


async def test_no_more_calls_start_than_the_rate_allows_and_without_one_all_do(play):
    async with play(assistant(forever(DONE))) as stage:
        await share_rates(stage.client, queue(stage.queue, "model"), 1.0, None)
        handles = [await stage.start_agent(f"Goal {number}") for number in range(AGENTS)]
        await asyncio.sleep(6)
        held = len(stage.rehearsal.requests)
        await share_rates(stage.client, queue(stage.queue, "model"), None, None)
        await asyncio.gather(*(ended(handle) for handle in handles))
        freed = len(stage.rehearsal.requests)
    assert held < AGENTS / 2
    assert freed == AGENTS
