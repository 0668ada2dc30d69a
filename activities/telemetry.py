"""Telemetry: what OpenTelemetry exports from this process, as its own environment variables say. Built once.

The libraries read `OTEL_EXPORTER_OTLP_*`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`,
`OTEL_BSP_*`, `OTEL_METRIC_EXPORT_INTERVAL` themselves; here is only chosen what is exported at all, and how.
"""

import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Self, TextIO
from uuid import uuid4

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import format_span_id, format_trace_id
from structlog.typing import EventDict
from temporalio.runtime import Runtime

from activities.engine_metrics import EngineMetrics
from activities.metric_exports import EXPORTERS, ScrapeEndpoint, otlp_reader
from activities.spots import Spot, parent_of
from workflows.tracing import INVOKE_WORKFLOW, Place

HTTP = "http/protobuf"
SPAN_EXPORTERS = ("otlp", "console")
PATIENCE = 5.0
"""Seconds for the last export of a process."""
REMOTE = "f" * 16
"""Stands for the span of whoever ordered a run: samplers ask whether it is recorded, not which it is."""


class UnknownExporter(ValueError):  # noqa: N818 - says what is wrong, as its neighbours do
    """The environment asks for an export that there is not."""


class Telemetry:
    """The providers of one process. Nothing here waits for an export: what cannot be sent in time is dropped.

    What is kept can be exported again from the records, so nothing is lost for good.
    """

    def __init__(
        self,
        exporters: Iterable[SpanExporter] = (),
        readers: Iterable[MetricReader] = (),
        endpoint: ScrapeEndpoint | None = None,
    ) -> None:
        """Export spans through `exporters`, in batches, and metrics through `readers` and `endpoint`."""
        self._exporters = tuple(exporters)
        self._processors = [BatchSpanProcessor(each) for each in self._exporters]
        self.resource = resource()
        self.tracers = TracerProvider(resource=self.resource, shutdown_on_exit=False)
        for each in self._processors:
            self.tracers.add_span_processor(each)
        every = [*readers, *([endpoint.reader] if endpoint else [])]
        self.endpoint, self.metrics = endpoint, bool(every)
        self.meters = MeterProvider(every, self.resource, shutdown_on_exit=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Export what the environment says; nothing at all when it says nothing.

        Raises:
            UnknownExporter: an exporter, a protocol or a port is named that there is not.
        """
        if _disabled(environ):
            return cls()
        spans = exporters_of("TRACES", SPAN_EXPORTERS, environ)
        figures = exporters_of("METRICS", EXPORTERS, environ)
        return cls(
            [_span_exporter(name, sys.stdout) for name in spans],
            [otlp_reader()] if "otlp" in figures else [],
            _endpoint(environ) if "prometheus" in figures else None,
        )

    @classmethod
    def of_spans(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Export spans alone: for a command, which counts nothing, and whose standard output is its own.

        Raises:
            UnknownExporter: as above.
        """
        names = () if _disabled(environ) else exporters_of("TRACES", SPAN_EXPORTERS, environ)
        return cls(_span_exporter(name, sys.stderr) for name in names)

    @cached_property
    def engine(self) -> EngineMetrics | None:
        """What Temporal's core counts; nothing where no metrics are exported."""
        return EngineMetrics(self.meters) if self.metrics else None

    @property
    def runtime(self) -> Runtime | None:
        """What clients have to be connected with, so that Temporal's own metrics are exported as well."""
        return self.engine.runtime if self.engine is not None else None

    @property
    def scraped_at(self) -> str:
        """Where Prometheus finds the metrics of this process; empty when nowhere, or not yet."""
        return self.endpoint.url if self.endpoint is not None else ""

    @property
    def traces(self) -> bool:
        """Tell whether spans are exported at all."""
        return bool(self._processors)

    def sampled(self, spot: Spot) -> bool:
        """Ask the sampler of the environment, once for the whole trace: as for its root, or for whoever ordered it.

        The id of the trace decides with it, so all workers decide the same, also after a restart.
        """
        above = Context()  # nothing of where this happens to run
        if spot.flags:
            place = Place(spot.trace_id, REMOTE, spot.flags)
            remote = parent_of(place.trace_id, place.span_id, sampled=place.sampled)
            above = trace.set_span_in_context(remote, above)
        sampled = self.tracers.sampler.should_sample(above, int(spot.trace_id, 16), INVOKE_WORKFLOW)
        return sampled.decision is Decision.RECORD_AND_SAMPLE

    def install(self) -> None:
        """Make these the providers of the process, so that spans and metrics of a user's own code go the same way."""
        if self.traces:
            trace.set_tracer_provider(self.tracers)
        if self.metrics:
            metrics.set_meter_provider(self.meters)

    def tell(self, spans: Sequence[ReadableSpan]) -> None:
        """Hand over finished spans."""
        for span in spans:
            for each in self._processors:
                each.on_end(span)

    def send(self, spans: Sequence[ReadableSpan]) -> bool:
        """Send spans now, and tell whether they were taken; only for whoever can wait."""
        results = [each.export(spans) for each in self._exporters]
        return all(each is SpanExportResult.SUCCESS for each in results)

    def close(self, seconds: float = PATIENCE) -> None:
        """Send what waits and let go; whoever cannot be reached within `seconds` is left, so that no exit hangs."""
        end = time.monotonic() + seconds
        closing = [threading.Thread(target=each.shutdown, daemon=True) for each in (self.tracers, self.meters)]
        for each in closing:
            each.start()
        for each in closing:
            each.join(max(0.0, end - time.monotonic()))
        if self.endpoint is not None:
            self.endpoint.close()


def trace_ids(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add the ids of the current span to a log line that does not say itself what it is of."""
    here = trace.get_current_span().get_span_context()
    if not event.get("trace_id"):
        event.pop("trace_id", None)
        event.pop("span_id", None)
        if here.is_valid:
            event["trace_id"], event["span_id"] = format_trace_id(here.trace_id), format_span_id(here.span_id)
    return event


def exporters_of(signal: str, known: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Read which exporters a signal has, e.g. `TRACES`: those that are named, or `otlp` where it has an endpoint.

    Raises:
        UnknownExporter: one is not among `known`, or its protocol is not ours.
    """
    variable = f"OTEL_{signal}_EXPORTER"
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    usual = "otlp" if any(environ.get(name) for name in endpoints) else "none"
    named = [each.strip().lower() for each in (environ.get(variable) or usual).split(",")]
    names = [each for each in dict.fromkeys(named) if each not in {"", "none"}]
    if unknown := [each for each in names if each not in known]:
        raise UnknownExporter(f"{variable}: {unknown[0]!r} is not known; use none, {', '.join(known)}")
    if "otlp" in names:
        _check_protocol(signal, environ)
    return names


def resource() -> Resource:
    """Say who exports: what the environment says of it comes first."""
    ours = {
        "service.name": "callsheet",
        "service.version": version("callsheet"),
        "service.instance.id": str(uuid4()),
    }
    theirs = OTELResourceDetector().detect().attributes
    return Resource.create({name: value for name, value in ours.items() if name not in theirs})


def _check_protocol(signal: str, environ: Mapping[str, str]) -> None:
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if (protocol := environ.get(name, "").strip()) and protocol != HTTP:
            raise UnknownExporter(f"{name}: {protocol!r} is not spoken here; use {HTTP} (usually on port 4318)")


def _endpoint(environ: Mapping[str, str]) -> ScrapeEndpoint:
    try:
        return ScrapeEndpoint.from_environment(environ)
    except ValueError as error:
        raise UnknownExporter(str(error)) from None


def _disabled(environ: Mapping[str, str]) -> bool:
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def _span_exporter(name: str, out: TextIO) -> SpanExporter:
    return OTLPSpanExporter() if name == "otlp" else ConsoleSpanExporter(out=out)
