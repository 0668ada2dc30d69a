"""A trace is whole also when the process that tells it is killed."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from activities.span_times import so_far
from activities.span_watch import Spans
from activities.telemetry import Telemetry
from tests.chaos.processes import environment, kill, worker
from tests.chaos.test_worker_dies import Slowly
from tests.collector import collecting
from tests.scenarios.shoots import brief, cast, ended, until
from tests.scenarios.tracing import orphans


async def test_a_run_whose_worker_is_killed_is_one_trace_and_what_was_lost_on_the_way_can_be_sent_again(
    empty_stage, server
):
    with collecting() as collector:
        async with empty_stage(Slowly(cast())) as stage:
            env = environment(stage, server) | {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_BSP_SCHEDULE_DELAY": "50",
            }
            async with worker(env) as first:
                handle = await stage.start_production(brief("dress", "tee"))
                await until(lambda: _under_way(stage, collector))
                kill(first)
            before = len(collector.spans)
            async with worker(env):
                run = await ended(handle)
                await until(lambda: _told(collector))
            told, sent_live = set(collector.spans), len(collector.got)
            kept = await stage.world.database.read(lambda session: {span.span_id for span in so_far(session, run.id)})
            telemetry = Telemetry([OTLPSpanExporter(endpoint=f"{collector.url}/v1/traces")])
            spans = Spans(telemetry, stage.world.settings)
            sent = await stage.world.database.read(lambda session: sum(spans.again(session, run.id)))
            telemetry.close()
    assert (run.status, len(collector.traces), sent_live) == ("complete", 1, len(told))
    assert 0 < before < len(told)
    assert told <= kept
    assert (set(collector.spans), sent, orphans(collector)) == (kept, len(kept), [])


async def _under_way(stage, collector):
    return len(stage.rehearsal.requests) >= 4 and len(collector.spans) > 3


async def _told(collector):
    return bool(collector.named("invoke_workflow image_production"))
