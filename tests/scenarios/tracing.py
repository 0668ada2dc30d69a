"""A stage whose spans arrive at a collector, over the wire that they take in production."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from temporalio.worker import Worker

from activities.rigging import sandbox
from activities.span_watch import Spans
from activities.telemetry import Telemetry
from tests.collector import collecting


@asynccontextmanager
async def traced(play, player, **more):
    """Set a stage whose spans are collected; all have arrived when it is left."""
    with collecting() as collector:
        telemetry = Telemetry([OTLPSpanExporter(endpoint=f"{collector.url}/v1/traces")])
        async with play(player, telemetry=telemetry, **more) as stage:
            yield stage, collector


@asynccontextmanager
async def forgetful(stage):
    """Workers that remember no workflow: every task is replayed from its beginning."""
    world = stage.world
    async with AsyncExitStack() as stack:
        workflows = Worker(
            stage.client,
            task_queue=stage.queue,
            workflows=world.workflows,
            activities=world.activities["workflows"],
            workflow_runner=sandbox(),
            max_cached_workflows=0,
        )
        for worker in (workflows, *world.workers(stage.client, ("model", "tools", "studio"))):
            await stack.enter_async_context(worker)
        yield


async def arrived(stage, collector):
    """Wait until what was told has arrived."""
    stage.world.telemetry.tracers.force_flush()
    return collector.spans


async def first_named(stage, collector, name):
    """Wait for a span of this name: what a query tells already, a record may tell a moment later."""
    while not collector.named(name):
        await arrived(stage, collector)
        await asyncio.sleep(0.05)
    return collector.named(name)[0]


async def again(stage, run):
    """How many spans a run has by its records."""
    spans = Spans(stage.world.telemetry, stage.world.settings)
    return await stage.world.database.read(lambda session: sum(spans.again(session, run)))


def once(collector):
    """Tell that no span has arrived twice."""
    return [name for name, times in Counter(span.id for span in collector.got).items() if times > 1] == []


def orphans(collector):
    """The names of spans whose parent has not arrived."""
    return sorted(span.name for span in collector.spans.values() if span.parent and span.parent not in collector.spans)
