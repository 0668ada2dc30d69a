"""What the parts of a worker or a desk are asked when somebody asks after its health."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.database import Database
from activities.health import PATIENCE, Check


def temporal(client: Client) -> Check:
    """Ask whether the server answers for our namespace."""

    async def check() -> str:
        request = DescribeNamespaceRequest(namespace=client.namespace)
        try:
            await client.workflow_service.describe_namespace(request, timeout=timedelta(seconds=PATIENCE))
        except RPCError as error:
            return f"the Temporal server does not serve: {error.status.name.lower()}"
        except RuntimeError:  # it was never reached
            return "the Temporal server does not answer"
        return ""

    return check


def database(opened: Database) -> Check:
    """Ask whether the database answers and has a schema that fits; on a thread of its own, which no work delays."""
    thread = ThreadPoolExecutor(1, "health")

    async def check() -> str:
        standing = await asyncio.get_running_loop().run_in_executor(thread, opened.schema.standing)
        return f"the schema does not fit: {standing.trouble}" if standing.trouble else ""

    return check


def polling(workers: Sequence[Worker]) -> Check:
    """Ask whether every queue that is to be served is being served."""

    async def check() -> str:
        idle = [worker.task_queue for worker in workers if not worker.is_running]
        return f"nobody polls {', '.join(idle)}" if idle else ""

    return check
