"""Tenants take turns, and what is urgent goes first: counted in the order in which the model was asked."""

import asyncio
from contextlib import AsyncExitStack

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from console.looks import PRODUCTION
from console.runs import Runs
from rehearsal.scripts import forever, refuse
from tests.scenarios.agents import DONE, assistant, ended
from tests.scenarios.shoots import SILENCE, brief, cast, until
from tests.scenarios.signing import DESK
from workflows.lanes import fairness_key
from workflows.models import RunOrder

MANY, FEW = 12, 3
PATIENCE = 300.0


async def test_a_small_tenant_is_not_starved_by_a_large_one(play):
    settings = {"places": {"model": 1}}
    async with play(assistant(forever(DONE)), working=False, settings=settings) as stage, AsyncExitStack() as stack:
        await _work(stage, stack, "workflows")
        large = [await stage.start_agent(f"Large {number}", tenant="large") for number in range(MANY)]
        await until(lambda: _waiting(stage, MANY), PATIENCE)
        small = [await stage.start_agent(f"Small {number}", tenant="small") for number in range(FEW)]
        await until(lambda: _waiting(stage, MANY + FEW), PATIENCE)
        await _work(stage, stack, "model")
        await asyncio.gather(*(ended(handle) for handle in (*large, *small)))
        order = ["small" if "Small" in str(each.body) else "large" for each in stage.rehearsal.requests]
    behind = order[::-1].index("small")  # of the large one, that had ordered before
    assert (order.count("large"), order.count("small")) == (MANY, FEW)
    assert behind >= MANY / 4  # in the order of arrival there would be none


async def test_the_priority_of_a_run_is_carried_to_its_items_and_to_all_that_they_ask_for(play):
    async with play(cast(generator=[forever(refuse())])) as stage:
        digest = await stage.world.assets.put(brief().model_dump_json().encode())
        order = RunOrder(brief=digest, title="Urgent", tenant="acme", review=SILENCE)
        run = f"urgent-{stage.queue}"
        await Runs(stage.client, stage.queue, DESK).start(PRODUCTION, run, order, "urgent", priority=1)
        await ended(stage.client.get_workflow_handle(run))
        item = f"{run}:google-merchant-front-dress-ink"
        described = [await stage.client.get_workflow_handle(name).describe() for name in (run, item)]
        asked = {place for name in (run, item) async for place in _asked(stage, name)}
    infos = [each.raw_description.workflow_execution_info.priority for each in described]
    assert [(each.priority_key, each.fairness_key) for each in infos] == [(1, "acme")] * 2
    assert asked == {(1, "acme")}


async def test_rates_and_weights_of_the_settings_are_kept_by_the_server(play):
    settings = {"rates": {"tools": 7.0}, "tenant_weights": {"acme": 5.0}}
    async with play(assistant(DONE), working=False, settings=settings) as stage:
        await stage.world.share_rates(stage.client)
        found = await _described(stage, "tools", report_config=True)
        studio = await _described(stage, "studio", report_config=True)
    assert found.config.queue_rate_limit.rate_limit.requests_per_second == 7.0
    assert dict(found.config.fairness_weight_overrides) == {"acme": 5.0}
    assert not studio.config.queue_rate_limit.HasField("rate_limit")
    assert dict(studio.config.fairness_weight_overrides) == {"acme": 5.0}


def test_a_tenants_name_is_cut_to_what_the_server_takes_and_stays_its_own():
    long = [fairness_key("ü" * 40 + end) for end in "ab"]
    assert len(set(long)) == 2
    assert max(len(each.encode()) for each in long) <= 64
    assert fairness_key("acme") == "acme"


async def _work(stage, stack, pool):
    for worker in stage.world.workers(stage.client, (pool,)):
        await stack.enter_async_context(worker)


async def _described(stage, pool, **more):
    request = DescribeTaskQueueRequest(
        namespace=stage.client.namespace,
        task_queue=TaskQueue(name=stage.world.queue_of(pool)),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        **more,
    )
    return await stage.client.workflow_service.describe_task_queue(request)


async def _waiting(stage, count):
    found = await _described(stage, "model", report_stats=True)
    return found.stats.approximate_backlog_count >= count


async def _asked(stage, workflow):
    """Priority and tenant of each call of a model or a tool in a history."""
    async for event in stage.client.get_workflow_handle(workflow).fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled = event.activity_task_scheduled_event_attributes
            if scheduled.activity_type.name in {"call_model", "use_tools"}:
                yield scheduled.priority.priority_key, scheduled.priority.fairness_key
