"""Where telemetry goes: the doctor tells before anything is sent, and the stack serves metrics by itself."""

import asyncio
import sys

import pytest

from activities.settings import Settings
from console.exports import exports
from console.launch import WORKER
from console.stack import Stack
from tests.console.conftest import environ, staged_parts
from tests.metered import Scrapes, scrape

NOTHING = "nothing is exported; see OTEL_{}_EXPORTER and OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("variables", "traces", "metrics"),
    [
        ({}, ("note", NOTHING.format("TRACES")), ("note", NOTHING.format("METRICS"))),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:hush@collector.example:4318/path"},
            ("ok", "otlp to collector.example:4318"),
            ("ok", "otlp to collector.example:4318"),
        ),
        (
            {"OTEL_METRICS_EXPORTER": "prometheus,otlp", "OTEL_TRACES_EXPORTER": "console"},
            ("ok", "console"),
            ("ok", "to be scraped at 127.0.0.1:9464, otlp to localhost:4318"),
        ),
        (
            {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_SDK_DISABLED": "TRUE"},
            ("note", NOTHING.format("TRACES")),
            ("note", NOTHING.format("METRICS")),
        ),
        (
            {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "http"},
            ("note", NOTHING.format("TRACES")),
            (
                "wrong",
                "OTEL_EXPORTER_PROMETHEUS_PORT: 'http' is no port; use a number from 0 (any free one) to 65535",
            ),
        ),
    ],
)
def test_it_is_told_where_each_signal_goes_or_what_is_wrong(variables, traces, metrics):
    assert list(exports(variables)) == [("traces", *traces), ("metrics", *metrics)]


def test_the_doctor_tells_it_too(shell, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "9999")
    found = {each["part"]: (each["state"], each["detail"]) for each in shell.json("doctor")}
    assert found["metrics"] == ("ok", "to be scraped at 127.0.0.1:9999")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "statsd")
    assert shell("doctor") == 9


def up(tmp_path, worker, **variables):
    """Start a stack with this worker, and end it at once; returns where its metrics were, and what they said."""
    env = {name: value for name, value in environ().items() if not name.startswith("OTEL_")}
    stack = Stack(Settings(home=tmp_path), env | variables, staged_parts(worker))
    try:
        running, _ = asyncio.run(stack.up("demo", say=lambda _: None))
        return running.metrics, scrape(running.metrics) if running.metrics.startswith("http") else ""
    finally:
        stack.down()


def test_the_worker_of_an_embedded_stack_serves_its_metrics_on_the_loopback(tmp_path):
    url, text = up(tmp_path, (sys.executable, str(WORKER)))
    assert url.startswith("http://127.0.0.1:")
    assert {"agent_budget_usd", "agent_tool_calls_total", "temporal_worker_start_total"} <= Scrapes(text).names


TELLS = """
import json, os
names = ("OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT")
print(json.dumps({"ready": True, "metrics": " ".join(os.environ[name] for name in names)}), flush=True)
import time
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_METRICS_EXPORTER": "none"}, "none 127.0.0.1 "),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "otlp,prometheus 127.0.0.1 "),
        ({"OTEL_EXPORTER_PROMETHEUS_PORT": "9999"}, "prometheus 127.0.0.1 9999"),
    ],
)
def test_what_the_environment_says_of_metrics_holds_for_the_embedded_stack_too(tmp_path, variables, said):
    metrics, _ = up(tmp_path, (sys.executable, "-c", TELLS), **variables)
    assert metrics.startswith(said)
