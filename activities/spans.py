"""Spans as values, made of records that are kept already; and how they become what OpenTelemetry exports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from activities.spots import Spot
from workflows.models import Usage
from workflows.tracing import Ai, At

Value = str | bool | int | float | Sequence[str]
Attributes = Mapping[str, Value]

SCOPE = InstrumentationScope("callsheet", version("callsheet"))
DOLLAR = 1_000_000
_NANO = 1_000


@dataclass(frozen=True)
class Happening:
    """An event of a span. `data` is what the log has of it, with what was said."""

    name: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """One span. `parent` is empty for a root; `error` is its kind of error, empty where there was none."""

    spot: Spot
    name: str
    span_id: str
    parent: str
    start: datetime
    end: datetime
    attributes: Attributes
    calls_out: bool = False
    events: tuple[Happening, ...] = ()
    error: str = ""


def of_spot(spot: Spot) -> dict[str, Value]:
    """Say on every span for whom it is; what is empty is left out."""
    named: dict[str, Value] = {
        Ai.AGENT: spot.agent,
        Ai.CONVERSATION: spot.conversation,
        At.SESSION: spot.run,
        At.RUN: spot.run,
        At.ITEM: spot.item,
        At.TENANT: spot.tenant,
        At.PIPELINE: spot.pipeline,
        At.WORKFLOW_ID: spot.workflow_id,
        At.WORKFLOW_RUN_ID: spot.run_id,
    }
    return filled(named)


def of_usage(usage: Usage) -> dict[str, Value]:
    """Tell the tokens as the conventions count them: what was cached is part of the input, thinking of the output."""
    return {
        Ai.INPUT_TOKENS: usage.prompt,
        Ai.OUTPUT_TOKENS: usage.output,
        Ai.REASONING_TOKENS: usage.thinking,
        Ai.CACHE_READ_TOKENS: usage.cache_read,
        Ai.CACHE_CREATION_TOKENS: usage.cache_write,
        Ai.CACHE_WRITE_TOKENS: usage.cache_write,
    }


def summed(prefix: str, usage: Usage) -> dict[str, Value]:
    """Tell a sum of tokens by class, under a name of our own, so that nobody adds it to what it is the sum of."""
    return {f"{prefix}.{name}": count for name, count in usage.model_dump().items()}


def filled(attributes: Attributes) -> dict[str, Value]:
    """Leave out what is empty; nothing and `False` are values."""
    return {name: value for name, value in attributes.items() if value not in {"", ()}}


def readable(
    told: Told, resource: Resource, said: Callable[[Mapping[str, Any]], Attributes], more: Attributes
) -> ReadableSpan:
    """Make what exporters take, with `more` attributes; `said` turns the data of an event into its attributes."""
    attributes = {**told.attributes, **more}
    status = Status(StatusCode.UNSET)
    if told.error:
        attributes[At.ERROR_TYPE] = told.error
        status = Status(StatusCode.ERROR, told.error)
    return ReadableSpan(
        told.name,
        context=_context(told.spot.trace_id, told.span_id),
        parent=_context(told.spot.trace_id, told.parent) if told.parent else None,
        resource=resource,
        attributes=attributes,
        events=[Event(each.name, said(each.data), nanoseconds(each.at)) for each in told.events],
        kind=SpanKind.CLIENT if told.calls_out else SpanKind.INTERNAL,
        status=status,
        start_time=nanoseconds(told.start),
        end_time=nanoseconds(max(told.start, told.end)),
        instrumentation_scope=SCOPE,
    )


def nanoseconds(at: datetime) -> int:
    """Count from 1970, exactly: a float of seconds has no room for microseconds."""
    whole = int(at.replace(microsecond=0).timestamp())
    return (whole * DOLLAR + at.microsecond) * _NANO


def _context(trace: str, span: str) -> SpanContext:
    return SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
