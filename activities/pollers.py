"""Who polls the task queues: a queue that nobody polls holds up everything that is sent to it, in silence."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from workflows.tracing import queue

LIMIT = timedelta(seconds=5)
RECENT = timedelta(seconds=100)
"""A worker asks again after a minute at the latest; one that has not is gone. The server remembers it for longer."""


def queues_of(pools: Iterable[str], base: str) -> Mapping[str, str]:
    """Name the task queue of each pool."""
    return {pool: base if pool == "workflows" else queue(base, pool) for pool in pools}


async def unserved(client: Client, queues: Mapping[str, str]) -> tuple[str, ...]:
    """List the pools that no worker polls; `queues` names the task queue of each.

    Raises:
        RPCError: the server does not answer.
    """
    return tuple([pool for pool, name in queues.items() if not await _served(client, pool, name)])


async def _served(client: Client, pool: str, name: str) -> bool:
    kind = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW if pool == "workflows" else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    asked = DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind)
    pollers = (await client.workflow_service.describe_task_queue(asked, timeout=LIMIT)).pollers
    since = datetime.now(UTC) - RECENT
    return any(each.last_access_time.ToDatetime(UTC) > since for each in pollers)
