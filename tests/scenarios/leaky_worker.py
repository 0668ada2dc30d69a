"""A worker whose tools, activities and errors are full of secrets: `python -m tests.scenarios.leaky_worker`."""

import asyncio
import contextlib
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.connection import connect
from activities.logs import log_as_json
from activities.tools import TOOLS
from activities.tools.definition import Arguments, tool
from activities.world import World
from workflows.pipelines import PIPELINES

SECRETS = ("sk-ant-api03-Zk9x41QQ", "eyJhbGciOiJ9x7", "ines.carvalho@example.com")
PLANTED = f"{SECRETS[0]} and Bearer {SECRETS[1]} of {SECRETS[2]}"


class Look(Arguments):
    place: str


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def look(at: Look) -> dict[str, str]:
    """Look at a place."""
    return {"seen": f"a note on the wall in {at.place}: {PLANTED}", "password": "hush-hush"}


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def break_down(at: Look) -> dict[str, str]:
    """Break down."""
    raise RuntimeError(f"no road to {at.place}: {PLANTED}")


@activity.defn
async def break_once(where: str) -> int:
    if activity.info().attempt == 1:
        raise RuntimeError(f"no bridge to {where}: {PLANTED}")
    return activity.info().attempt


@workflow.defn
class Breaks:
    """Has an activity whose first attempt fails."""

    @workflow.run
    async def run(self, where: str) -> int:
        return await workflow.execute_activity(break_once, where, start_to_close_timeout=timedelta(seconds=10))


def runner() -> WorkflowRunner:
    passed = SandboxRestrictions.default.with_passthrough_modules("activities", "tests", "sqlalchemy", "structlog")
    return SandboxedWorkflowRunner(restrictions=passed)


async def main() -> None:
    world, client = await World.open(tools=(*TOOLS, look, break_down), pipelines=PIPELINES), await connect()
    own = Worker(
        client,
        task_queue=f"{world.settings.task_queue}-leaks",
        workflows=[Breaks],
        activities=[break_once],
        workflow_runner=runner(),
    )
    async with contextlib.AsyncExitStack() as stack:
        for each in (own, *world.workers(client)):
            await stack.enter_async_context(each)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    log_as_json()
    asyncio.run(main())
