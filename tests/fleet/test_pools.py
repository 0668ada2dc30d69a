"""A fleet whose pools are separate processes, by configuration alone: what runs where, and what nobody serves."""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from activities.pollers import queues_of, unserved
from activities.pools import POOLS, UnknownPool, pools_of, served_by
from activities.settings import Settings
from activities.tools import TOOLS
from activities.tools.definition import BadTool, tool
from rehearsal.scripts import answer, call
from tests.chaos.processes import environment, worker
from tests.fleet.pool_worker import Picture, enlarge
from tests.scenarios.shoots import brief, cast, ended, until

WORKER = Path(__file__).parent / "pool_worker.py"
ALL = (*POOLS, "gpu")
AGENT = [call("enlarge", name="dress"), answer({"answer": "It is enlarged."})]


async def test_every_activity_runs_in_the_process_of_its_pool_and_only_the_models_has_the_key(play):
    async with play(cast(assistant=AGENT), working=False) as stage, AsyncExitStack() as stack:
        queues = queues_of(ALL, stage.queue)
        nobody = await unserved(stage.client, queues)
        started = await asyncio.gather(*(stack.enter_async_context(_pool(stage, pool)) for pool in ALL))
        pids = {str(process.pid): pool for process, pool in zip(started, ALL, strict=True)}
        await until(lambda: _all_served(stage, queues))  # the server hears of them with their first question
        agent = await stage.start_agent(tools=("enlarge",))
        run = await stage.start_production(brief())
        outcome, state = await ended(agent), await ended(run)
        ran = defaultdict(set)
        for name in (agent.id, run.id, f"{run.id}:google-merchant-front-dress-ink"):
            async for activity, queue, identity in _activities(stage, name):
                ran[pids[identity.partition("@")[0]]].add((activity, queue))
    assert nobody == ALL
    assert (outcome.status, state.status) == ("complete", "complete")
    assert {pool: {queue for _, queue in each} for pool, each in ran.items()} == {pool: {queues[pool]} for pool in ALL}
    assert {activity for activity, _ in ran["gpu"]} == {"use_tools"}
    assert {activity for activity, _ in ran["model"]} == {"call_model"}
    assert {activity for activity, _ in ran["studio"]} == {"use_tools", "measure_image"}
    assert {activity for activity, _ in ran["tools"]} == {"use_tools"}


def test_a_pool_is_known_when_a_tool_names_it():
    pools = pools_of((*TOOLS, enlarge))
    assert pools == ALL
    assert served_by(Settings(queues=("gpu", "tools")), pools) == ("gpu", "tools")
    assert served_by(Settings(), pools) == ALL


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"queues": "model,gpu"}, "CALLSHEET_QUEUES: unknown gpu; known are workflows, model, tools, studio"),
        ({"places": "gpu=1"}, "CALLSHEET_PLACES: unknown gpu"),
        ({"rates": "tool=5"}, "CALLSHEET_RATES: unknown tool"),
        ({"rates": "workflows=5"}, "CALLSHEET_RATES: the pool workflows can have no rate"),
    ],
)
def test_a_setting_that_names_no_pool_is_refused_with_those_there_are(settings, said):
    with pytest.raises(UnknownPool, match=said):
        served_by(Settings(**settings), pools_of(TOOLS))


@pytest.mark.parametrize("value", ["model", "model=", "=5", "model=many", "model=0", "model=-1", "model=1,tools"])
def test_a_rate_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match="rates"):
        Settings(rates=value)


def test_a_rate_of_the_model_may_be_given_either_way():
    assert Settings(rates="tools=20, studio=0.5", model_rate=3).pool_rates == {"tools": 20, "studio": 0.5, "model": 3}


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"queue": "workflows"}, "no tools run in the pool workflows"),
        ({"queue": "gpu", "quick": True}, "what is quick"),
    ],
)
def test_a_tool_that_would_not_run_where_it_says_is_refused(policy, said):
    @tool(effect="read", timeout=timedelta(seconds=1), **policy)
    async def look(picture: Picture) -> str:
        """Look."""
        return picture.name

    with pytest.raises(BadTool, match=said):
        pools_of([look])


async def _all_served(stage, queues):
    return not await unserved(stage.client, queues)


def _pool(stage, pool):
    env = environment(stage, stage.client.service_client.config.target_host) | {"CALLSHEET_QUEUES": pool}
    if pool != "model":
        del env["ANTHROPIC_API_KEY"]
    return worker(env, WORKER)


async def _activities(stage, workflow):
    """Give name, queue and process of each activity in a history."""
    scheduled = {}
    async for event in stage.client.get_workflow_handle(workflow).fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled[event.event_id] = event.activity_task_scheduled_event_attributes
        elif event.HasField("activity_task_started_event_attributes"):
            begun = event.activity_task_started_event_attributes
            of = scheduled[begun.scheduled_event_id]
            yield of.activity_type.name, of.task_queue.name, begun.identity
