"""How metrics leave the process: an endpoint that Prometheus scrapes, OTLP, or both, as the environment says."""

import errno
from collections.abc import Mapping
from threading import Thread
from typing import Self
from wsgiref.simple_server import WSGIServer

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

HOST, PORT = "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"
EXPORTERS = ("otlp", "prometheus")
_HIGHEST = 65_535


class ScrapeEndpoint:
    """Serves the metrics of this process to whoever scrapes them: ours, Temporal's, and those of the process itself."""

    def __init__(self, host: str, port: int) -> None:
        """Serve at `host` and `port`, 0 for any free one, once `open` is called."""
        self._registry = CollectorRegistry()
        # Exactly our names and labels: no `target_info`, no `otel_scope_*`.
        self.reader = PrometheusMetricReader(
            disable_target_info=True, scope_info_enabled=False, registry=self._registry
        )
        ProcessCollector(registry=self._registry)
        self._host, self._port = host, port
        self._served: tuple[WSGIServer, Thread] | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Serve where the environment says.

        Raises:
            ValueError: the port is none.
        """
        port = environ.get(PORT, "").strip() or "9464"
        if not port.isascii() or not port.isdigit() or int(port) > _HIGHEST:
            raise ValueError(f"{PORT}: {port!r} is no port; use a number from 0 (any free one) to {_HIGHEST}")
        return cls(environ.get(HOST, "").strip() or "127.0.0.1", int(port))

    @property
    def url(self) -> str:
        """Where it is served; empty as long as it is not."""
        return "" if self._served is None else f"http://{self._at(self._served[0].server_port)}/metrics"

    @property
    def place(self) -> str:
        """Where it is to be served, as host and port."""
        return self._at(self._port)

    def open(self) -> None:
        """Begin to serve.

        Raises:
            OSError: the port is taken, or the host is none of this machine.
        """
        if self._served is not None:
            return
        try:
            self._served = start_http_server(self._port, self._host, self._registry)
        except OSError as error:
            raise OSError(self._trouble(error)) from None

    def close(self) -> None:
        """Serve no more."""
        if self._served is not None:
            server, thread = self._served
            server.shutdown()
            server.server_close()
            thread.join()
            self._served = None

    def _at(self, port: int) -> str:
        return f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"

    def _trouble(self, error: OSError) -> str:
        if error.errno == errno.EADDRINUSE:
            return (
                f"metrics cannot be served at {self.place}, because the port is taken; "
                f"set {PORT} to a free one, or to 0 for any"
            )
        return f"metrics cannot be served at {self.place}: {error.strerror}; see {HOST} and {PORT}"


def otlp_reader() -> MetricReader:
    """Export by OTLP; endpoint, headers and interval are the library's own variables."""
    return PeriodicExportingMetricReader(OTLPMetricExporter())
