"""Reads metrics as a test wants them: one number for each series, named as in Prometheus."""

import gzip
import threading
import urllib.request
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client.parser import text_string_to_metric_families

from activities.telemetry import Telemetry


class Metered:
    """Telemetry whose metrics stay in memory."""

    def __init__(self):
        self.reader = InMemoryMetricReader()
        self.telemetry = Telemetry(readers=[self.reader])

    def points(self):
        """Every point by metric and labels; without what Temporal's core counts."""
        data = self.reader.get_metrics_data()
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics] if data else []
        return {
            (metric.name, tuple(sorted(point.attributes.items()))): point
            for scope in scopes
            if scope.scope.name == "callsheet"
            for metric in scope.metrics
            for point in metric.data.data_points
        }

    def values(self, name):
        """The values of a counter or gauge by the values of its labels, in the alphabetical order of the labels."""
        found = {}
        for (metric, labels), point in self.points().items():
            if metric == name:
                found[tuple(value for _, value in labels)] = point.value
        return found

    def total(self, name, **labels):
        """The sum of a counter, over all series with these labels."""
        return sum(
            point.value
            for (metric, found), point in self.points().items()
            if metric == name and labels.items() <= dict(found).items()
        )

    def happened(self, name):
        """The values of a counter that are not zero."""
        return {labels: value for labels, value in self.values(name).items() if value}

    def histogram(self, name, **labels):
        """How often something was observed, and the sum of it."""
        points = [
            point
            for (metric, found), point in self.points().items()
            if metric == name and labels.items() <= dict(found).items()
        ]
        return sum(point.count for point in points), sum(point.sum for point in points)


def scrape(url):
    """Read what Prometheus would read."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as reply:
        return reply.read().decode()


class Scrapes:
    """The last scrapes of several workers as one, as Prometheus adds them up."""

    def __init__(self, *texts):
        self._sums = defaultdict(float)
        for text in texts:
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    self._sums[sample.name, tuple(sorted(sample.labels.items()))] += sample.value

    def total(self, name, **labels):
        return sum(self._of(name, labels).values())

    def histogram(self, name, **labels):
        return self.total(f"{name}_count", **labels), self.total(f"{name}_sum", **labels)

    def happened(self, name):
        return {tuple(value for _, value in labels): value for labels, value in self._of(name, {}).items() if value}

    @property
    def names(self):
        return {name for name, _ in self._sums}

    def _of(self, name, labels):
        return {
            found: value
            for (metric, found), value in self._sums.items()
            if metric == name and labels.items() <= dict(found).items()
        }


class Receiver:
    """Takes OTLP over HTTP and decodes it."""

    def __init__(self):
        self.requests = []
        taken = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                taken.append((self.path, ExportMetricsServiceRequest.FromString(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def metrics(self):
        return {
            metric.name: metric
            for _, request in self.requests
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def close(self):
        self.server.shutdown()
        self.server.server_close()
