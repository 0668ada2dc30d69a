"""Callsheet in one line of anybody's own Temporal worker.

world = await World.open(tools=(*TOOLS, my_tool), pipelines=(*PIPELINES, MyPipeline))
client = await Client.connect("localhost:7233", plugins=[CallsheetPlugin(world)])
await Worker(client, task_queue="mine", workflows=[MyOther], activities=[my_activity]).run()
"""

import contextlib
from collections.abc import Awaitable, Callable

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import Worker, WorkerConfig

from activities.rigging import sandbox
from activities.world import World


class CallsheetPlugin(SimplePlugin):
    """Gives a client our data converter, and its workers our workflows and activities.

    The worker's own task queue serves the workflows and stores; while it runs, companions beside it serve its `-model`,
    `-tools` and `-studio` queues, and those of further pools. Give the plugin
    to the client only: its workers inherit it.
    """

    def __init__(self, world: World) -> None:
        """Serve `world`, which outlives every worker and is closed by whoever opened it."""
        super().__init__(
            "callsheet",
            data_converter=pydantic_data_converter,
            workflows=world.workflows,
            activities=world.activities["workflows"],
            workflow_runner=sandbox(),
        )
        self._world = world
        self._companions: set[str] = set()

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """Add workflows and activities to the worker; a companion has its own already."""
        return config if config.get("task_queue") in self._companions else super().configure_worker(config)

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:  # noqa: A002 - theirs
        """Run the worker with its companions beside it."""
        if worker.task_queue in self._companions:
            return await next(worker)
        parts = [part for part in self._world.served if part != "workflows"]
        self._companions |= {self._world.queue_of(part, worker.task_queue) for part in parts}
        version = worker.config().get("deployment_config")  # all queues of a worker are of one version
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._world.metered(worker.client, worker.task_queue))
            for companion in self._world.workers(worker.client, parts, worker.task_queue, version):
                await stack.enter_async_context(companion)
            return await next(worker)
