"""What leaves this house as telemetry, and where to: read from the environment, without sending anything."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from activities.metric_exports import EXPORTERS, ScrapeEndpoint
from activities.telemetry import SPAN_EXPORTERS, exporters_of

SIGNALS = {"TRACES": SPAN_EXPORTERS, "METRICS": EXPORTERS}


class Export(NamedTuple):
    """Where one signal goes, or why it goes nowhere."""

    signal: str
    state: Literal["ok", "note", "wrong"]
    detail: str


def exports(environ: Mapping[str, str]) -> Iterator[Export]:
    """Say for traces and for metrics where a worker with this environment would send them."""
    for signal, known in SIGNALS.items():
        try:
            ways = [_way(name, signal, environ) for name in _named(signal, known, environ)]
        except ValueError as error:
            yield Export(signal.lower(), "wrong", str(error))
            continue
        none = f"nothing is exported; see OTEL_{signal}_EXPORTER and OTEL_EXPORTER_OTLP_ENDPOINT"
        yield Export(signal.lower(), "ok" if ways else "note", ", ".join(ways) or none)


def _named(signal: str, known: tuple[str, ...], environ: Mapping[str, str]) -> list[str]:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    return exporters_of(signal, known, environ)


def _way(name: str, signal: str, environ: Mapping[str, str]) -> str:
    if name == "prometheus":
        return f"to be scraped at {ScrapeEndpoint.from_environment(environ).place}"
    return f"otlp to {_host(signal, environ)}" if name == "otlp" else name


def _host(signal: str, environ: Mapping[str, str]) -> str:
    """Name the receiver by its host alone: the rest of its address may hold a secret."""
    named = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    url = next((environ[name] for name in named if environ.get(name)), "http://localhost:4318")
    parts = urlsplit(url)
    return (parts.hostname or "an address that is none") + (f":{parts.port}" if parts.port else "")
