"""Finds a part of the fleet in the server's lists, and speaks to all of it."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from activities.fleet_acts import Part
from console.errors import Exit, Stopped
from console.looks import CANDIDATE, ITEM, SOLO_ITEM
from console.runs import PATIENCE
from workflows.tracing import STATUS, literal

AT_ONCE = 20
ITEMS = f"('{ITEM}', '{SOLO_ITEM}', '{CANDIDATE}')"
PIPELINES = {
    "image_production": "ImageProduction",
    "solo_production": "SoloProduction",
    "candidate_evaluation": "CandidateEvaluation",
    "single_agent": "SingleAgent",
}
"""Pipelines that ship with Callsheet, and their workflows; others are found by what they say of themselves."""


def good_part(pipeline: str, tenant: str, batch: str = "", *, every: bool = False) -> Part:
    """Check what an operator names."""
    part = Part(pipeline, tenant, batch)
    if every == any(part):
        raise Stopped(Exit.USAGE, "name a part of the fleet, or say --all" if not every else "--all names everything")
    if pipeline and not re.fullmatch(r"[a-z0-9_]{1,80}", pipeline):
        known = ", ".join(PIPELINES)
        raise Stopped(Exit.USAGE, f"--pipeline {pipeline[:40]!r}: a pipeline is named like {known}")
    return part


class Fleet:
    """The workflows of a part of the fleet. The server's lists may lag a moment behind."""

    def __init__(self, client: Client) -> None:
        """Ask through `client`."""
        self._client = client

    async def count(self, part: Part) -> Counter[str]:
        """Count what runs, by how it stands: whole runs, batches and agents, not the items in them."""
        return Counter([_standing(each) async for each in self._list(f"{_of(part)} and WorkflowType not in {ITEMS}")])

    async def release(self, part: Part) -> int:
        """Tell everything that waits for the end of a pause to look again; returns how many were told."""
        query = f"{_of(part)} and CallsheetStatus = 'paused'"
        return await self._each(query, lambda each: self._client.get_workflow_handle(each.id).signal("released"))

    async def cancel(self, part: Part) -> int:
        """Ask all runs to end; each cleans up first, and calls its items off."""
        query = f"{_of(part)} and WorkflowType not in {ITEMS}"
        return await self._each(query, lambda each: self._client.get_workflow_handle(each.id).cancel())

    async def _each(self, query: str, tell: Callable[[WorkflowExecution], Awaitable[None]]) -> int:
        found = [each async for each in self._list(query)]
        told = 0
        for start in range(0, len(found), AT_ONCE):
            told += sum(await asyncio.gather(*(_told(tell(each)) for each in found[start : start + AT_ONCE])))
        return told

    def _list(self, query: str) -> AsyncIterator[WorkflowExecution]:
        return self._client.list_workflows(f"{query} and ExecutionStatus = 'Running'", rpc_timeout=PATIENCE)


def _of(part: Part) -> str:
    """Write the query for a part. What has only just been started does not say yet which pipeline it is of."""
    if part.batch:
        return f"WorkflowId = {literal('batch:' + part.batch)}"
    types = ", ".join(map(literal, PIPELINES.values()))
    conditions = [f"(CallsheetPipeline is not null or WorkflowType in ({types}))"]
    if part.pipeline:
        known = PIPELINES.get(part.pipeline)
        fresh = f" or (WorkflowType = {literal(known)} and CallsheetPipeline is null)" if known else ""
        conditions.append(f"(CallsheetPipeline = {literal(part.pipeline)}{fresh})")
    if part.tenant:
        conditions.append(f"CallsheetTenant = {literal(part.tenant)}")
    return " and ".join(conditions)


def _standing(found: WorkflowExecution) -> str:
    """Say what a workflow is, and how it stands."""
    return f"{found.workflow_type}, {found.typed_search_attributes.get(STATUS) or 'just started'}"


async def _told(telling: Awaitable[None]) -> bool:
    try:
        await telling
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return False  # it has ended meanwhile
    return True
