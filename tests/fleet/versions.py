"""What whoever deploys does with versions of workers: makes one current, and waits until nobody needs the old one."""

import asyncio

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

DEPLOYMENT = "callsheet-fleet"
PATIENCE = 60
BEAT = 0.5
LAG = 2.0
"""Seconds by which the server's list may be behind."""
UNKNOWN = {RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION}


async def make_current(client: Client, build: str) -> None:
    """Send what begins, or goes on as new, to this version; its workers have to be polling."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT, build_id=build, identity="whoever deploys"
    )
    for left in reversed(range(int(PATIENCE / BEAT))):
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:  # the server has not heard of all its queues yet
            if error.status not in UNKNOWN or not left:
                raise
            await asyncio.sleep(BEAT)
        else:
            return


async def drained(client: Client, build: str) -> None:
    """Wait until no run is pinned to this version any more: from then on nobody needs its workers."""
    quiet = 0.0
    while quiet < LAG:
        quiet = 0.0 if await pinned(client, build) else quiet + BEAT
        await asyncio.sleep(BEAT)


async def pinned(client: Client, build: str) -> int:
    """Count the runs that only workers of this version can go on with."""
    query = f"ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion = '{DEPLOYMENT}:{build}'"
    return (await client.count_workflows(query)).count
