"""What Temporal Cloud bills for: its actions, counted from a history.

Source: https://docs.temporal.io/evaluate/cloud/actions, read on 2026-11-26. Counted are: a workflow started (by a
client, as a child, as new), a child's start intended (so a child costs two), an activity scheduled, each retry of one,
all markers of one workflow task together (local activities, patches), retries of local activities, a timer started, a
signal or an update received, search attributes upserted, options changed, a reset. Not in a history, and so not counted
here: heartbeats that reach the server, queries, rejected updates. Completions, workflow tasks, memos and replay are
free.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause

_ONE_EACH = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: "workflow",
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: "child",
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "activity",
    EventType.EVENT_TYPE_TIMER_STARTED: "timer",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signal",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "search attributes",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED: "options",
}
_CHANGES = {"TemporalChangeVersion"}
"""Attributes that the server's own versioning sets: an upsert of nothing else is free."""


@dataclass(frozen=True)
class History:
    """What a workflow left: events, bytes, and billed actions by kind."""

    events: int
    bytes: int
    actions: Counter[str]

    def __add__(self, other: "History") -> "History":
        """Add up two."""
        return History(self.events + other.events, self.bytes + other.bytes, self.actions + other.actions)


NOTHING = History(0, 0, Counter())


def read(events: Iterable[Any]) -> History:
    """Take one history apart; `events` are protobuf messages."""
    known = list(events)
    actions: Counter[str] = Counter()
    marked: set[int] = set()
    for event in known:
        actions.update(_billed(event))
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            marked.add(event.marker_recorded_event_attributes.workflow_task_completed_event_id)
    if marked:
        actions["markers of a task"] += len(marked)
    return History(len(known), sum(event.ByteSize() for event in known), actions)


def _billed(event: Any) -> dict[str, int]:  # noqa: ANN401 - a protobuf event
    match event.event_type:
        case EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
            changed = set(event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields)
            return {} if changed <= _CHANGES else {"search attributes": 1}
        case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            retries = event.activity_task_started_event_attributes.attempt - 1
            return {"activity retry": retries} if retries > 0 else {}
        case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            metered = event.workflow_task_completed_event_attributes.metering_metadata
            again = metered.nonfirst_local_activity_execution_attempts
            return {"local activity retry": again} if again else {}
        case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            cause = event.workflow_task_failed_event_attributes.cause
            reset = cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
            return {"reset": 1} if reset else {}
        case kind:
            return {_ONE_EACH[kind]: 1} if kind in _ONE_EACH else {}
