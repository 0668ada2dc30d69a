"""What is exported is what OpenTelemetry's own environment says, and no backend can hold anything up."""

import json
import logging
import threading

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from activities.database import Database
from activities.logs import JsonLines
from activities.settings import Settings
from activities.span_watch import Spans
from activities.spots import Spot, Surroundings, parent_of
from activities.telemetry import Telemetry, UnknownExporter, exporters_of, trace_ids
from tests.activities.conversing import new_store, opening
from tests.collector import collecting
from workflows.tracing import chat_span, tool_span, trace_id

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
KNOWN = ("otlp", "console")
SPOT = Spot("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", *("",) * 7)
OTHER = SPOT._replace(trace_id="f" * 32)


class Stuck(SpanExporter):
    """A backend that does not answer until it is let go."""

    def __init__(self):
        self.let_go = threading.Event()

    def export(self, _spans):
        self.let_go.wait()
        return SpanExportResult.FAILURE


def line(formatter, **more):
    return json.loads(formatter.format(logging.makeLogRecord({"name": "x", "msg": "x", "levelname": "INFO", **more})))


def span(telemetry, name="own work"):
    with telemetry.tracers.get_tracer("theirs").start_as_current_span(name):
        pass


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, []),
        (ENDPOINT, ["otlp"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, ["otlp"]),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:1/v1/metrics"}, []),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": " Console , otlp,otlp"}, ["console", "otlp"]),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, []),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": ""}, ["otlp"]),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ["otlp"]),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, []),
    ],
)
def test_spans_go_where_the_environment_says(environ, names):
    assert exporters_of("TRACES", KNOWN, environ) == names


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: 'zipkin' is not known; use none, otlp, console"),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' is not spoken here; use http/protobuf (usually on port 4318)",
        ),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' is not spoken here; use http/protobuf",
        ),
    ],
)
def test_what_is_not_there_is_named_with_what_is(environ, why):
    with pytest.raises(UnknownExporter) as caught:
        Telemetry.from_environment(environ)
    assert str(caught.value).startswith(why)


def test_nothing_is_exported_where_nothing_is_said_or_the_sdk_is_disabled():
    assert not Telemetry.from_environment({}).traces
    assert not Telemetry.from_environment(ENDPOINT | {"OTEL_SDK_DISABLED": "TRUE"}).traces
    assert Telemetry.from_environment(ENDPOINT | {"OTEL_SDK_DISABLED": "false"}).traces


def test_who_exports_is_callsheet_unless_the_environment_says_otherwise(monkeypatch):
    ours = dict(Telemetry().resource.attributes)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "catalog-images")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.version=7")
    theirs = Telemetry().resource.attributes
    assert (ours["service.name"], ours["service.version"]) == ("callsheet", "0.1.0")
    assert (
        theirs.items()
        >= {
            "service.name": "catalog-images",
            "service.version": "7",
            "deployment.environment.name": "test",
        }.items()
    )
    assert ours["service.instance.id"] != theirs["service.instance.id"]


def test_spans_of_users_own_code_go_the_same_way_as_ours_with_headers_and_compression(monkeypatch):
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        telemetry = Telemetry.from_environment()
        span(telemetry)
        telemetry.close()
    [got] = collector.got
    assert (got.name, got.resource["service.name"]) == ("own work", "callsheet")


def test_a_backend_that_hangs_holds_up_neither_a_call_nor_the_end():
    stuck = Stuck()
    telemetry = Telemetry([stuck])
    for _ in range(3_000):  # more than the queue holds
        span(telemetry)
    telemetry.close(0.1)
    assert not stuck.let_go.is_set()
    stuck.let_go.set()


def test_a_trace_is_sampled_as_whoever_began_it_says_and_else_as_the_environment_does(monkeypatch):
    assert Telemetry().sampled(SPOT)
    assert Telemetry().sampled(SPOT._replace(flags="01"))
    assert not Telemetry().sampled(SPOT._replace(flags="00"))
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.7")
    assert [Telemetry().sampled(spot) for spot in (SPOT, OTHER)] == [True, False]
    assert Telemetry().sampled(OTHER._replace(flags="01"))
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert not Telemetry().sampled(SPOT._replace(flags="01"))


def test_what_surrounds_the_moment_has_no_say_in_whether_a_trace_is_sampled():
    around = parent_of("a" * 32, "b" * 16, sampled=False)
    with trace.use_span(around):
        assert Telemetry().sampled(SPOT)


async def test_a_trace_that_is_not_sampled_is_not_exported(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    exporter = InMemorySpanExporter()
    telemetry = Telemetry([exporter])
    database = Database(f"sqlite:///{tmp_path}/talks.db", Spans(telemetry, Settings(home=tmp_path)).hear)
    await new_store(database).open(opening())
    telemetry.close()
    database.close()
    assert exporter.get_finished_spans() == ()


def test_a_log_line_names_the_current_span_unless_it_says_itself_what_it_is_of():
    formatter = JsonLines(Settings(), (trace_ids,))
    around = parent_of("a" * 32, "b" * 16, sampled=True)
    with trace.use_span(around):
        own, empty = line(formatter), line(formatter, trace_id="", span_id="")
        told = line(formatter, trace_id="c", span_id="d")
    outside = line(formatter, trace_id="", span_id="")
    assert (own["trace_id"], own["span_id"]) == ("a" * 32, "b" * 16)
    assert (told["trace_id"], told["span_id"]) == ("c", "d")
    assert empty["span_id"] == "b" * 16
    assert not {"trace_id", "span_id"} & set(outside)


async def test_while_a_call_is_made_its_span_is_the_current_one_and_after_it_no_longer(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    await new_store(database).open(opening())
    around = Surroundings(database, lambda _: False)
    seen = []
    for entered in (around.tool("talk-1", "call_1"), around.chat("talk-1", 7), around.tool("no such talk", "c")):
        async with entered:
            here = trace.get_current_span().get_span_context()
            seen.append((f"{here.trace_id:032x}", f"{here.span_id:016x}", here.trace_flags.sampled))
    database.close()
    async with around.tool("talk-2", "call_1"):  # where the database is away, the call is made all the same
        seen.append(trace.get_current_span().get_span_context().is_valid)
    assert seen == [
        (trace_id("run-1:tee"), tool_span("talk-1", "call_1"), False),
        (trace_id("run-1:tee"), chat_span("talk-1", 7), False),
        ("0" * 32, "0" * 16, False),
        False,
    ]
    assert not trace.get_current_span().get_span_context().is_valid
