"""A run stands in the trace of whoever ordered it: a command, or the program above the command."""

import asyncio
import json
from pathlib import Path

import pytest
from temporalio.client import Client

from activities.settings import Settings
from console.errors import Exit
from console.origin import ordered
from console.screen import Screen
from tests.collector import collecting
from tests.console.kept_run import KeptRun
from workflows.tracing import At, Place

ABOVE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ORDER = "goal: Find the way.\n"


@pytest.fixture
def collector():
    with collecting() as collector:
        yield collector


def given(environ, capsys, kind="ImageProduction"):
    """The trace context that a run is given, and what is said about it."""
    with ordered(kind, "run-1", Screen(as_json=False), environ) as traceparent:
        pass
    return traceparent, capsys.readouterr().out


def test_without_anything_a_run_begins_a_trace_of_its_own(capsys):
    assert given({}, capsys) == ("", "")


def test_the_trace_of_the_program_above_is_handed_on(capsys):
    assert given({"TRACEPARENT": ABOVE}, capsys) == (ABOVE, "")


def test_a_trace_context_that_is_none_is_ignored_and_it_says_so(capsys):
    traceparent, said = given({"TRACEPARENT": "nonsense"}, capsys)
    assert traceparent == ""
    assert "TRACEPARENT is no W3C trace context and is ignored: 'nonsense'" in said


def test_a_command_that_exports_has_a_span_of_its_own_under_which_the_run_stands(capsys, collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    traceparent, _ = given({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "TRACEPARENT": ABOVE}, capsys)
    alone, _ = given({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}, capsys, "SingleAgent")
    under, root = collector.got
    assert (under.name, under.trace, under.parent) == (
        *("start image_production", "0af7651916cd43dd8448eb211c80319c"),
        "b7ad6b7169203331",
    )
    assert (root.name, root.parent, root.attributes[At.RUN]) == ("start single_agent", "", "run-1")
    places = [Place.read(each) for each in (traceparent, alone)]
    assert [place[:2] for place in places] == [(under.trace, under.id), (root.trace, root.id)]
    assert [place.sampled for place in places] == [True, True]


def test_spans_on_the_console_leave_the_output_of_a_command_alone(staged, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")  # which no command has anything for
    Path("order.yaml").write_text(ORDER)
    assert staged.json("start", "agent", "order.yaml", "--id", "shown") == {"id": "shown"}
    assert '"name": "start single_agent"' in staged.err


def test_what_the_program_above_does_not_record_is_not_recorded_here(capsys, collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "TRACEPARENT": f"{ABOVE[:-2]}00"}
    traceparent, _ = given(environ, capsys)
    assert (Place.read(traceparent).sampled, collector.got) == (False, [])


def test_a_start_that_fails_is_a_span_with_an_error_and_without_its_words(capsys, collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)

    def fail():
        with ordered("SingleAgent", "r", Screen(as_json=False), {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}):
            raise RuntimeError("the plan is secret")

    with pytest.raises(RuntimeError):
        fail()
    [got] = collector.got
    assert (got.error, got.attributes[At.ERROR_TYPE]) == ("RuntimeError", "RuntimeError")
    assert b"secret" not in collector.bodies[0]


def test_an_exporter_that_there_is_not_is_said_in_one_line_and_nothing_is_started(staged, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    Path("order.yaml").write_text(ORDER)
    assert staged("start", "agent", "order.yaml", "--id", "never") == Exit.MISSING
    assert "OTEL_TRACES_EXPORTER: 'zipkin' is not known" in staged.err
    assert staged("status", "never") == Exit.UNKNOWN_ID


@pytest.mark.parametrize(("own", "wins"), [("", ABOVE), (f"traceparent: {ABOVE[:-2]}00\n", f"{ABOVE[:-2]}00")])
def test_an_order_is_started_with_it_unless_it_brings_its_own(staged, stage, monkeypatch, own, wins):
    monkeypatch.setenv("TRACEPARENT", ABOVE)
    Path("order.yaml").write_text(ORDER + own)
    name = f"traced-{len(own)}"
    assert staged("start", "agent", "order.yaml", "--id", name) == Exit.OK
    assert asyncio.run(_order(stage[1].address, name))["traceparent"] == wins


async def _order(address, run):
    """The order that a workflow was started with."""
    client = await Client.connect(address)
    first = await anext(aiter(client.get_workflow_handle(run).fetch_history_events()))
    return json.loads(first.workflow_execution_started_event_attributes.input.payloads[0].data)


def keep(home, run):
    KeptRun(home).production(run)


def test_the_spans_of_a_run_are_exported_again_as_often_as_one_likes(shell, collector, monkeypatch):
    keep(Settings().home, "kept")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    assert shell("trace", "kept", "--otlp") == Exit.OK
    first, number = set(collector.spans), len(collector.got)
    assert f"Exported {number} spans of kept" in shell.out
    assert shell.json("trace", "kept", "--otlp") == {"id": "kept", "spans": number}
    assert (set(collector.spans), len(collector.got)) == (first, 2 * number)
    assert number > 20


def test_without_a_backend_it_says_what_to_set(shell):
    keep(Settings().home, "kept")
    assert shell("trace", "kept", "--otlp") == Exit.MISSING
    assert "set OTEL_EXPORTER_OTLP_ENDPOINT" in shell.err


def test_a_backend_that_refuses_is_said_in_one_line(shell, collector, monkeypatch):
    keep(Settings().home, "kept")
    collector.status = 400
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    assert shell("trace", "kept", "--otlp") == Exit.UNREACHABLE
    assert "the spans of kept were not taken" in shell.err


def test_of_an_unknown_run_nothing_is_exported(shell, collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    assert (shell("trace", "nobody", "--otlp"), collector.got) == (Exit.UNKNOWN_ID, [])
