"""How much work waits in each task queue, as the server estimates: asked now and then, the same in every worker."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from opentelemetry.metrics import MeterProvider
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.meter_names import METRICS, QUEUE_AGE, QUEUE_BACKLOG
from activities.meters import METER

EVERY = 15.0
"""Seconds between two looks."""
LIMIT = timedelta(seconds=5)

_ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
_WORKFLOWS = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW


class Backlog(NamedTuple):
    """Tasks that wait, and for how long the oldest has."""

    tasks: int
    seconds: float


class Backlogs:
    """Looks at the task queues of a base, by part: a part without a worker is looked at by the others."""

    def __init__(self, provider: MeterProvider, client: Client, queues: Mapping[str, str]) -> None:
        """Show through `provider` what `client` says of `queues`, the task queue of each part."""
        meter = provider.get_meter(METER)
        says = {metric.name: metric.says for metric in METRICS}
        self._tasks = meter.create_gauge(QUEUE_BACKLOG, description=says[QUEUE_BACKLOG])
        self._seconds = meter.create_gauge(QUEUE_AGE, description=says[QUEUE_AGE])
        self._client = client
        self._queues = queues
        self._log = logging.getLogger("callsheet.meters")

    async def watch(self) -> None:
        """Look again and again; a server that does not answer leaves the last figures until it does."""
        failed = False
        while True:
            try:
                await self.look()
            except (RPCError, OSError) as error:
                if not failed:
                    self._log.warning("the server does not tell what waits in its queues: %s", type(error).__name__)
                failed = True
            else:
                failed = False
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Look once at every queue.

        Raises:
            RPCError: the server does not answer, or knows no such statistics.
        """
        for part, name in self._queues.items():
            kinds = (_ACTIVITIES, _WORKFLOWS) if part == "workflows" else (_ACTIVITIES,)
            waiting = [await self._describe(name, kind) for kind in kinds]
            self._tasks.set(sum(each.tasks for each in waiting), {"queue": part})
            self._seconds.set(max(each.seconds for each in waiting), {"queue": part})

    async def _describe(self, name: str, kind: "TaskQueueType.ValueType") -> Backlog:
        asked = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=name),
            task_queue_type=kind,
            report_stats=True,
        )
        stats = (await self._client.workflow_service.describe_task_queue(asked, timeout=LIMIT)).stats
        age = stats.approximate_backlog_age.ToTimedelta().total_seconds()
        return Backlog(stats.approximate_backlog_count, age if stats.approximate_backlog_count else 0.0)
