"""A quota of the provider holds over all workers, because the Temporal server keeps it; tenants get their shares."""

import asyncio

from activities.rates import share_rates
from rehearsal.scripts import expire, forever
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


async def test_a_tenant_that_asks_for_much_is_held_back_and_another_is_served_meanwhile(play):
    async with play(assistant(forever(DONE))) as stage:
        await share_rates(stage.client, queue(stage.queue, "model"), None, 1.0)
        busy = [await stage.start_agent(f"Busy {number}", tenant="busy") for number in range(AGENTS)]
        await asyncio.gather(*[ended(await stage.start_agent("Quiet", tenant=f"quiet-{each}")) for each in range(4)])
        held = sum("Busy" in str(entry.body) for entry in stage.rehearsal.requests)
        await share_rates(stage.client, queue(stage.queue, "model"), None, None)
        await asyncio.gather(*(ended(handle) for handle in busy))
    assert held < AGENTS / 2


async def test_calls_are_queued_for_their_tenant_and_what_can_wait_is_queued_behind_all_else(play, monkeypatch):
    monkeypatch.setenv("CALLSHEET_BATCH_WINDOW", "1")
    async with play(assistant(expire(), forever(DONE))) as stage:
        patient = await stage.start_agent(tenant="acme", patience="batch")
        await ended(patient)
        prompt = await stage.start_agent(tenant="acme")
        await ended(prompt)
        places = [await _places(handle, queue(stage.queue, "model")) for handle in (patient, prompt)]
    assert places == [{(5, "acme")}, {(0, "acme")}]  # 0: in the middle


async def _places(handle, task_queue):
    """Priority and tenant of all calls of the model in a history."""
    scheduled = [
        event.activity_task_scheduled_event_attributes
        async for event in handle.fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    of_model = [each.priority for each in scheduled if each.task_queue.name == task_queue]
    return {(each.priority_key, each.fairness_key) for each in of_model}
