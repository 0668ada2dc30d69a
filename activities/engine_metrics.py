"""The metrics of Temporal's own core, on the same way out as ours: its buffer is emptied into our instruments."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from opentelemetry.metrics import Meter, MeterProvider
from opentelemetry.util.types import AttributeValue
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_GAUGE,
    BufferedMetric,
    LogForwardingConfig,
    LoggingConfig,
    MetricBuffer,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

EVERY = 1.0
ROOM = 100_000
"""Updates that the buffer holds; an activity makes some thirty, and what does not fit is lost."""

LATENCY_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000)
METER = "temporal"

_Record = Callable[[int | float, Mapping[str, AttributeValue]], None]


class EngineMetrics:
    """Hears what the core of Temporal counts: `temporal_*`, and what users' code makes with Temporal's own meters."""

    def __init__(self, provider: MeterProvider) -> None:
        """Tell it to the instruments of `provider`. Clients have to be connected with this `runtime`."""
        self._meter = provider.get_meter(METER)
        self._buffer = MetricBuffer(ROOM)
        self.runtime = Runtime(
            telemetry=TelemetryConfig(logging=core_logs(), metrics=self._buffer, attach_service_name=False)
        )
        self._records: dict[int, tuple[BufferedMetric, _Record]] = {}

    async def watch(self) -> None:
        """Empty the buffer again and again, and once more at the end."""
        try:
            while True:
                self.take()
                await asyncio.sleep(EVERY)
        finally:
            self.take()

    def take(self) -> None:
        """Empty the buffer."""
        for update in self._buffer.retrieve_updates():
            self._record(update.metric)(update.value, update.attributes)

    def _record(self, metric: BufferedMetric) -> _Record:
        """The same metric is always the same object; it is kept, so that its id stays its own."""
        if id(metric) not in self._records:
            self._records[id(metric)] = (metric, _instrument(self._meter, metric))
        return self._records[id(metric)][1]


def core_logs(level: str = "WARN") -> LoggingConfig:
    """Have the core log as everything else here does; left to itself it prints plain text to standard output."""
    forwarding = LogForwardingConfig(
        logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,  # they may hold what models said: the formatter decides
    )
    return LoggingConfig(TelemetryFilter(core_level=level, other_level="ERROR"), forwarding)


def plain_runtime() -> Runtime:
    """Make a runtime for a process that exports no metrics."""
    return Runtime(telemetry=TelemetryConfig(logging=core_logs()))


def _instrument(meter: Meter, metric: BufferedMetric) -> _Record:
    says = metric.description or ""
    if metric.kind == BUFFERED_METRIC_KIND_COUNTER:
        return meter.create_counter(metric.name, description=says).add
    if metric.kind == BUFFERED_METRIC_KIND_GAUGE:
        return meter.create_gauge(metric.name, description=says).set
    buckets = LATENCY_MS if metric.unit == "ms" else None
    return meter.create_histogram(metric.name, description=says, explicit_bucket_boundaries_advisory=buckets).record
