"""Where the trace of a run begins: with whoever orders it, at this command line or above it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, format_span_id, format_trace_id
from rich.markup import escape

from activities.spots import parent_of
from activities.telemetry import Telemetry
from console.screen import Screen
from workflows.tracing import START, At, Place, invocation_name

FLUSH = 2.0
"""Seconds that a command waits for its own span to be sent; it never fails for it."""


@contextmanager
def ordered(kind: str, run: str, screen: Screen, environ: Mapping[str, str]) -> Iterator[str]:
    """Order a workflow of a kind; the value is the `traceparent` that it is to be given, or empty.

    `TRACEPARENT` names the span of the program above, e.g. a build step. Where this process exports spans it has one of
    its own under it.
    """
    above = _given(environ, screen)
    telemetry = Telemetry.of_spans(environ)
    if not telemetry.traces:
        yield environ["TRACEPARENT"] if above else ""
        return
    around = trace.set_span_in_context(_span_of(above), Context()) if above else Context()
    tracer = telemetry.tracers.get_tracer("callsheet")
    name, attributes = f"{START} {invocation_name(kind)}", {At.RUN: run, At.SESSION: run}
    span = tracer.start_span(name, around, SpanKind.CLIENT, attributes)
    try:
        yield _written(span.get_span_context())
    except Exception as error:  # its text may quote the order: the kind only
        span.set_attribute(At.ERROR_TYPE, type(error).__name__)
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        span.end()
        telemetry.close(FLUSH)


def _written(here: SpanContext) -> str:
    return f"00-{format_trace_id(here.trace_id)}-{format_span_id(here.span_id)}-{here.trace_flags:02x}"


def _given(environ: Mapping[str, str], screen: Screen) -> Place | None:
    if not (text := environ.get("TRACEPARENT", "")):
        return None
    if (place := Place.read(text)) is None:
        screen.say(f"TRACEPARENT is no W3C trace context and is ignored: {escape(repr(text[:60]))}")
    return place


def _span_of(place: Place) -> trace.NonRecordingSpan:
    return parent_of(place.trace_id, place.span_id, sampled=place.sampled)
