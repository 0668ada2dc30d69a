"""Metrics as they arrive: the very text that Prometheus scrapes, and the very bytes of OTLP."""

import re
import socket
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from activities.meter_names import METRICS
from activities.metric_exports import ScrapeEndpoint
from activities.telemetry import Telemetry
from tests.metered import Receiver

LOOPBACK = {"OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"}


def record_everything(telemetry):
    """One value for every metric there is."""
    meter = telemetry.meters.get_meter("callsheet")
    for metric in METRICS:
        labels = dict.fromkeys(metric.labels, "x")
        if metric.kind == "counter":
            meter.create_counter(metric.name, description=metric.says).add(1, labels)
        elif metric.kind == "gauge":
            meter.create_gauge(metric.name, description=metric.says).set(1, labels)
        else:
            advice = {"explicit_bucket_boundaries_advisory": metric.buckets}
            meter.create_histogram(metric.name, description=metric.says, **advice).record(1, labels)


@pytest.fixture
def served():
    """Telemetry that is scraped at a free port."""
    telemetry = Telemetry.from_environment({"OTEL_METRICS_EXPORTER": "prometheus", **LOOPBACK})
    telemetry.endpoint.open()
    yield telemetry
    telemetry.close()


def _suffix(name):
    return next((each for each in ("_bucket", "_count", "_sum") if name.endswith(each)), "")


def scrape(url):
    with urllib.request.urlopen(url, timeout=10) as reply:
        return reply.read().decode()


def test_every_metric_arrives_in_prometheus_under_its_name_with_its_labels_and_buckets(served):
    record_everything(served)
    samples = [
        sample for family in text_string_to_metric_families(scrape(served.scraped_at)) for sample in family.samples
    ]
    for metric in METRICS:
        ours = [sample for sample in samples if sample.name.removesuffix(_suffix(sample.name)) == metric.name]
        suffixes = {sample.name.removeprefix(metric.name) for sample in ours}
        assert suffixes == ({"_bucket", "_count", "_sum"} if metric.kind == "histogram" else {""}), metric.name
        assert {frozenset(sample.labels) - {"le"} for sample in ours} == {frozenset(metric.labels)}, metric.name
        bounds = [float(sample.labels["le"]) for sample in ours if "le" in sample.labels]
        assert bounds == ([*metric.buckets, float("inf")] if metric.buckets else []), metric.name
    others = {sample.name for sample in samples if not sample.name.startswith("agent_")}
    assert all(name.startswith("process_") for name in others), others


def test_the_six_that_were_asked_for_are_exactly_these():
    assert [(each.name, each.kind, each.labels, each.buckets) for each in METRICS[:6]] == [
        ("agent_workflows_started_total", "counter", ("agent_name",), ()),
        ("agent_workflows_completed_total", "counter", ("agent_name", "status"), ()),
        ("agent_turns_per_workflow", "histogram", ("agent_name",), (1, 3, 5, 10, 15, 20, 25, 30)),
        ("agent_tool_call_duration_ms", "histogram", ("tool_name",), (50, 100, 250, 500, 1000, 2500, 5000)),
        ("agent_workflow_cost_usd", "histogram", ("agent_name",), (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)),
        ("agent_escalation_rate", "gauge", ("agent_name",), ()),
    ]


@pytest.fixture
def receiver(monkeypatch):
    taking = Receiver()
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taking.url)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "3600000")
    yield taking
    taking.close()


def test_every_metric_arrives_by_otlp_cumulative_without_a_unit_and_what_waits_is_sent_at_the_end(receiver):
    telemetry = Telemetry.from_environment(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_TRACES_EXPORTER": "none"}
    )
    record_everything(telemetry)
    telemetry.close()
    arrived = receiver.metrics()
    assert {path for path, _ in receiver.requests} == {"/v1/metrics"}
    for metric in METRICS:
        kind = {"counter": "sum", "gauge": "gauge", "histogram": "histogram"}[metric.kind]
        one = arrived[metric.name]
        [point] = getattr(one, kind).data_points
        assert (one.unit, {each.key for each in point.attributes}) == ("", set(metric.labels))
        if kind == "histogram":
            assert list(point.explicit_bounds) == list(metric.buckets)
        if kind == "sum":
            assert (one.sum.is_monotonic, one.sum.aggregation_temporality) == (True, 2)
    names = {
        each.key: each.value.string_value
        for _, r in receiver.requests
        for each in r.resource_metrics[0].resource.attributes
    }
    assert names["service.name"] == "callsheet"


def test_both_ways_out_at_once(receiver):
    telemetry = Telemetry.from_environment({"OTEL_METRICS_EXPORTER": "otlp, prometheus", **LOOPBACK})
    telemetry.endpoint.open()
    record_everything(telemetry)
    assert "agent_turns_total{" in scrape(telemetry.scraped_at)
    telemetry.close()
    assert "agent_turns_total" in receiver.metrics()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_nothing_is_exported_unless_the_environment_says_so(environ):
    telemetry = Telemetry.from_environment(environ)
    assert (telemetry.metrics, telemetry.scraped_at, telemetry.runtime) == (False, "", None)
    telemetry.close()


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"OTEL_METRICS_EXPORTER": "statsd"},
            "OTEL_METRICS_EXPORTER: 'statsd' is not known; use none, otlp, prometheus",
        ),
        (
            {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "94640"},
            "OTEL_EXPORTER_PROMETHEUS_PORT: '94640' is no port; use a number from 0 (any free one) to 65535",
        ),
        (
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'grpc' is not spoken here; use http/protobuf",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(environ, says):
    with pytest.raises(ValueError, match=f"^{re.escape(says)}"):
        Telemetry.from_environment(environ)


def test_a_port_that_is_taken_is_named_with_a_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        says = (
            f"metrics cannot be served at 127.0.0.1:{port}, because the port is taken; "
            "set OTEL_EXPORTER_PROMETHEUS_PORT to a free one, or to 0 for any"
        )
        with pytest.raises(OSError, match=f"^{re.escape(says)}$"):
            ScrapeEndpoint("127.0.0.1", port).open()


def test_a_host_that_is_none_of_ours_is_named():
    with pytest.raises(OSError, match=r"cannot be served at 192\.0\.2\.1:9464: .*OTEL_EXPORTER_PROMETHEUS_HOST"):
        ScrapeEndpoint("192.0.2.1", 9464).open()
