"""Alerts on the watching itself: who is not seen cannot be missed otherwise."""

from deploy.observability.clock import Clock
from deploy.observability.rules.values import Alert, Group

WORKERS = 'job="callsheet"'
SEEN = f"max(up{{{WORKERS}}}) == 1"
DROPPED = '{__name__=~"otelcol_exporter_send_failed_(spans|metric_points)(_total)?"}'


def group(clock: Clock) -> Group:
    """Make the alerts. What is waited for is a window here: a scrape or two may fail."""
    return Group("callsheet-watching", clock.pause("30s"), [*_workers(clock), *_collector(clock), _watchdog(clock)])


def _workers(clock: Clock) -> list[Alert]:
    return [
        Alert(
            "NoWorkerIsSeen",
            f"absent({SEEN})",
            clock.span("2m"),
            "page",
            "No worker has answered a scrape for two minutes",
            "Either none runs, or their endpoints for metrics are off (OTEL_METRICS_EXPORTER=prometheus, "
            "OTEL_EXPORTER_PROMETHEUS_HOST and _PORT) or not reachable from Prometheus.",
        ),
        Alert(
            "WorkerIsDown",
            f"up{{{WORKERS}}} == 0",
            clock.span("5m"),
            "ticket",
            "The worker {{ $labels.instance }} does not answer a scrape",
            "Its log ends with why. Work goes on with the others; nothing is lost. If it was taken away on purpose, "
            "take it out of the targets.",
        ),
        Alert(
            "RecordsAreNotRead",
            f"absent(agent_questions_waiting) and on () ({SEEN})",
            clock.span("5m"),
            "page",
            "Workers answer, but tell nothing of what runs",
            "The gauges that are made from the records are missing: the workers cannot read their database. Their logs "
            "say why.",
        ),
    ]


def _collector(clock: Clock) -> list[Alert]:
    return [
        Alert(
            "CollectorIsDown",
            'up{job="collector"} == 0',
            clock.span("5m"),
            "page",
            "The collector {{ $labels.instance }} does not answer a scrape",
            "Traces, and metrics that are sent rather than scraped, do not arrive. Nothing is lost for good: spans are "
            "made from records, and `starter.py trace RUN --otlp` sends those of a run again.",
        ),
        Alert(
            "TelemetryIsDropped",
            f"sum by (exporter) (rate({DROPPED}[{clock.span('5m')}])) > 0",
            clock.span("10m"),
            "ticket",
            "The collector cannot hand on what it got to {{ $labels.exporter }}",
            "The backend behind this exporter is away, full, or refuses the credentials: see the collector's log.",
        ),
    ]


def _watchdog(clock: Clock) -> Alert:
    return Alert(
        "Watchdog",
        "vector(1)",
        clock.pause("0s"),
        "none",
        "Always fires",
        "It shows that alerts get through. Let something that is not here ring when it stops.",
    )
