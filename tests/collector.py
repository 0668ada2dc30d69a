"""A collector for tests: takes OTLP over HTTP on loopback, as a real one does, and keeps the spans."""

import gzip
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Got(NamedTuple):
    """A span as it arrived."""

    name: str
    trace: str
    id: str
    parent: str
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    error: str
    kind: int
    resource: dict[str, Any]


class Collector:
    """What has arrived until now; `got` counts a span twice that arrived twice."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.bodies: list[bytes] = []
        self.status = 200
        self.url = ""

    @property
    def spans(self) -> dict[str, Got]:
        return {span.id: span for span in self.got}

    @property
    def names(self) -> Counter[str]:
        return Counter(span.name for span in self.spans.values())

    @property
    def traces(self) -> set[str]:
        return {span.trace for span in self.got}

    def named(self, name: str) -> list[Got]:
        return sorted((span for span in self.spans.values() if span.name == name), key=lambda span: span.start)

    def above(self, span: Got) -> list[str]:
        """The names of the spans above one, the nearest first."""
        parent = self.spans.get(span.parent)
        return [parent.name, *self.above(parent)] if parent else []

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        for each in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _plain(each.resource.attributes)
            self.got += [_got(span, resource) for scope in each.scope_spans for span in scope.spans]


@contextmanager
def collecting():
    """Run a collector; its `url` is what `OTEL_EXPORTER_OTLP_ENDPOINT` takes."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            if collector.status == 200 and self.path == "/v1/traces":
                collector.take(body)
            self.send_response(collector.status)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9).astimezone()


def _got(span, resource) -> Got:
    parent = span.parent_span_id.hex()
    times = (span.start_time_unix_nano, span.end_time_unix_nano)
    events = [(event.name, _plain(event.attributes)) for event in span.events]
    error = span.status.message if span.status.code == 2 else ""
    ids = (span.trace_id.hex(), span.span_id.hex(), parent)
    return Got(span.name, *ids, *times, _plain(span.attributes), events, error, span.kind, resource)


def _plain(attributes) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)
