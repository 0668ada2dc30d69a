"""Every name under which a run can be found or read: search attributes, task queues, summaries."""

from temporalio.common import SearchAttributeKey

from workflows.models import preview

STATUS = SearchAttributeKey.for_keyword("CallsheetStatus")
PIPELINE = SearchAttributeKey.for_keyword("CallsheetPipeline")
AGENT = SearchAttributeKey.for_keyword("CallsheetAgent")
RUN = SearchAttributeKey.for_keyword("CallsheetRun")
AWAITING_REVIEW = SearchAttributeKey.for_bool("CallsheetAwaitingReview")
COST_USD = SearchAttributeKey.for_float("CallsheetCostUsd")

SEARCH_ATTRIBUTES = {
    STATUS.name: "Keyword",
    PIPELINE.name: "Keyword",
    AGENT.name: "Keyword",
    RUN.name: "Keyword",
    AWAITING_REVIEW.name: "Bool",
    COST_USD.name: "Double",
}
"""What a namespace must know before the first run."""

SUMMARY = 180
"""Characters of an activity's summary; the server cuts at 400 bytes."""


def queue(base: str, part: str) -> str:
    """Name the task queue for one part of the work, e.g. `callsheet-model`."""
    return f"{base}-{part}"


def turn_summary(agent: str, turn: int, what: str = "") -> str:
    """Say in one line what an activity does, for the Temporal UI: `planner · turn 2 · render_shot(...)`."""
    return preview(" · ".join(part for part in (agent, f"turn {turn}", what) if part), SUMMARY)


def dollars(micro_usd: int) -> str:
    """Write micro-dollars as dollars."""
    return f"${micro_usd / 1_000_000:.4f}"
