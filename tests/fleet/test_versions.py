"""Two versions of the code at work on one queue: a run keeps its own until it goes on in a new run."""

import contextlib
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.service import RPCError

from activities.pollers import queues_of, unserved
from activities.pools import POOLS
from activities.versioning import HalfVersioned, deployment_of, versioned
from rehearsal.scripts import fail, forever, refuse
from tests.scenarios.shoots import SILENCE, brief, cast, ended, until

GARMENTS = ("dress", "tee", "shirt")


@pytest.mark.parametrize("apart", [False, True], ids=["one_deployment", "a_deployment_for_each_pool"])
async def test_a_run_stays_on_its_version_and_takes_the_next_one_between_items(play, apart):
    rolled = []
    held = forever(lambda _: refuse() if rolled else fail(529, "overloaded_error"))
    async with play(cast(generator=[held]), working=False) as stage, AsyncExitStack() as stack:
        await _serve(stage, stack, "one", apart=apart)
        handle = await stage.start_production(brief(*GARMENTS), concurrency=1, review=SILENCE)
        first, *others = [f"{handle.id}:google-merchant-front-{garment}-ink" for garment in GARMENTS]
        await until(lambda: _exists(stage, first))
        idle = await unserved(stage.client, queues_of(POOLS, stage.queue))
        await _serve(stage, stack, "two", apart=apart)
        rolled.append(True)
        state = await ended(handle)
        runs = [each async for each in stage.client.list_workflows(f"WorkflowId = '{handle.id}'")]
        versions = {name: await _version(stage, name) for name in (first, *others)}
        before, after = [
            await _version(stage, handle.id, each.run_id) for each in sorted(runs, key=lambda run: run.start_time)
        ]
    assert state.counts == {"rejected": 3}
    assert versions == {first: "one", **dict.fromkeys(others, "two")}
    assert (before, after) == ("one", "two")
    assert idle == ()  # workers of a version are seen as well


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"TEMPORAL_DEPLOYMENT_NAME": "callsheet"},
            "TEMPORAL_WORKER_BUILD_ID is not set, but TEMPORAL_DEPLOYMENT_NAME is",
        ),
        ({"TEMPORAL_WORKER_BUILD_ID": "7", "TEMPORAL_DEPLOYMENT_NAME": " "}, "TEMPORAL_DEPLOYMENT_NAME is not set"),
    ],
)
def test_half_a_version_is_refused_and_the_other_half_named(given, said):
    with pytest.raises(HalfVersioned, match=said):
        deployment_of(given)


def test_a_worker_is_a_version_only_where_somebody_named_one():
    named = deployment_of({"TEMPORAL_DEPLOYMENT_NAME": "fleet", "TEMPORAL_WORKER_BUILD_ID": "7"})
    assert (named.use_worker_versioning, named.version.to_canonical_string()) == (True, "fleet.7")
    assert not deployment_of({}).use_worker_versioning


async def test_all_queues_of_a_worker_carry_the_same_version(play):
    async with play(cast(), working=False) as stage:
        world = replace(stage.world, deployment=versioned("fleet", "7"))
        configs = [worker.config()["deployment_config"] for worker in world.workers(stage.client)]
    assert len(configs) == 4
    assert {config.version.to_canonical_string() for config in configs} == {"fleet.7"}


async def _serve(stage, stack, build, *, apart):
    """Serve all queues as a version, of one deployment or of one for each pool, and make it the current one."""
    for pool in stage.world.served:
        name = f"{stage.queue}-{pool}" if apart else stage.queue
        for worker in stage.world.workers(stage.client, (pool,), deployment=versioned(name, build)):
            await stack.enter_async_context(worker)
    for name in {f"{stage.queue}-{pool}" if apart else stage.queue for pool in stage.world.served}:
        await until(lambda name=name: _made_current(stage, name, build))


async def _made_current(stage, name, build):
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=stage.client.namespace, deployment_name=name, build_id=build, ignore_missing_task_queues=True
    )
    with contextlib.suppress(RPCError):  # the server has not heard of it yet
        await stage.client.workflow_service.set_worker_deployment_current_version(request)
        return True
    return False


async def _exists(stage, workflow):
    with contextlib.suppress(RPCError):
        await stage.client.get_workflow_handle(workflow).describe()
        return True
    return False


async def _version(stage, workflow, run=None):
    found = await stage.client.get_workflow_handle(workflow, run_id=run).describe()
    return found.raw_description.workflow_execution_info.versioning_info.deployment_version.build_id
