"""Every name under which a run can be found or read: search attributes, task queues, summaries, places in traces."""

import hashlib
import re
from typing import NamedTuple, Self

from temporalio.common import SearchAttributeKey

from workflows.models import preview

STATUS = SearchAttributeKey.for_keyword("CallsheetStatus")
PIPELINE = SearchAttributeKey.for_keyword("CallsheetPipeline")
AGENT = SearchAttributeKey.for_keyword("CallsheetAgent")
RUN = SearchAttributeKey.for_keyword("CallsheetRun")
AWAITING_REVIEW = SearchAttributeKey.for_bool("CallsheetAwaitingReview")
COST_USD = SearchAttributeKey.for_float("CallsheetCostUsd")
TENANT = SearchAttributeKey.for_keyword("CallsheetTenant")
OWNER = SearchAttributeKey.for_keyword("CallsheetOwner")
QUESTION_KIND = SearchAttributeKey.for_keyword("CallsheetQuestionKind")
ASKED_AT = SearchAttributeKey.for_datetime("CallsheetAskedAt")
DUE_AT = SearchAttributeKey.for_datetime("CallsheetDueAt")

SEARCH_ATTRIBUTES = {
    STATUS.name: "Keyword",
    PIPELINE.name: "Keyword",
    AGENT.name: "Keyword",
    RUN.name: "Keyword",
    AWAITING_REVIEW.name: "Bool",
    COST_USD.name: "Double",
    TENANT.name: "Keyword",
    OWNER.name: "Keyword",
    QUESTION_KIND.name: "Keyword",
    ASKED_AT.name: "Datetime",
    DUE_AT.name: "Datetime",
}
"""What a namespace must know before the first run."""

SUMMARY = 180
"""Characters of an activity's summary; the server cuts at 400 bytes."""


TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")


class Place(NamedTuple):
    """A place in a trace: 32 and 16 hexadecimal digits; without a span above it, it is a root."""

    trace_id: str
    span_id: str

    @classmethod
    def read(cls, traceparent: str) -> Self | None:
        """Read a W3C `traceparent`; None when it is none."""
        found = TRACEPARENT.fullmatch(traceparent)
        return cls(*found.groups()) if found else None


def trace_id(name: str) -> str:
    """Name the trace of an invocation: the same in every worker and after every restart."""
    return hashlib.sha256(f"trace:{name}".encode()).hexdigest()[:32]


def span_id(*names: object) -> str:
    """Name a span by what it is of: what is told twice has the same name twice."""
    return hashlib.sha256("\x1f".join(("span", *map(str, names))).encode()).hexdigest()[:16]


def invocation_name(workflow_type: str) -> str:
    """Name what is invoked by the type of its workflow: `ShootItem` is `shoot_item`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", workflow_type).lower()


def queue(base: str, part: str) -> str:
    """Name the task queue for one part of the work, e.g. `callsheet-model`."""
    return f"{base}-{part}"


def turn_summary(agent: str, turn: int, what: str = "") -> str:
    """Say in one line what an activity does, for the Temporal UI: `planner · turn 2 · render_shot(...)`."""
    return preview(" · ".join(part for part in (agent, f"turn {turn}", what) if part), SUMMARY)


def dollars(micro_usd: int) -> str:
    """Write micro-dollars as dollars."""
    return f"${micro_usd / 1_000_000:.4f}"


def literal(text: str) -> str:
    """Write a text as a literal of the server's list queries."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
