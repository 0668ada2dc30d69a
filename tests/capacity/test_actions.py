"""Billed actions, counted from histories that were recorded."""

import json
from collections import Counter

import pytest
from temporalio.client import WorkflowHistory

from bench.capacity_actions import read
from tests.replay.record import HISTORIES

ONE_EACH = {
    "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED": "workflow",
    "EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED": "child",
    "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED": "activity",
    "EVENT_TYPE_TIMER_STARTED": "timer",
    "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED": "signal",
    "EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED": "update",
    "EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES": "search attributes",
}


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
def test_a_history_is_billed_event_by_event_and_markers_by_their_task(path):
    text = path.read_text()
    events = json.loads(text)["events"]
    expected = Counter(ONE_EACH[each["eventType"]] for each in events if each["eventType"] in ONE_EACH)
    markers = [each for each in events if each["eventType"] == "EVENT_TYPE_MARKER_RECORDED"]
    tasks = {each["markerRecordedEventAttributes"]["workflowTaskCompletedEventId"] for each in markers}
    expected["markers of a task"] = len(tasks)
    found = read(WorkflowHistory.from_json("any", text).events)
    assert found.events == len(events)
    assert found.actions == +expected
    assert len(tasks) <= len(markers)


def event(kind, **attributes):
    written = {"eventId": "1", "eventType": kind, **attributes}
    return WorkflowHistory.from_json("any", json.dumps({"events": [written]})).events


def test_a_retry_is_an_action_more():
    started = event("EVENT_TYPE_ACTIVITY_TASK_STARTED", activityTaskStartedEventAttributes={"attempt": 3})
    assert read(started).actions == {"activity retry": 2}


def test_a_reset_is_an_action_and_another_failure_of_a_task_is_none():
    for cause, billed in (("RESET_WORKFLOW", {"reset": 1}), ("NON_DETERMINISTIC_ERROR", {})):
        attributes = {"cause": f"WORKFLOW_TASK_FAILED_CAUSE_{cause}"}
        failed = event("EVENT_TYPE_WORKFLOW_TASK_FAILED", workflowTaskFailedEventAttributes=attributes)
        assert read(failed).actions == billed


def test_the_attribute_that_versioning_sets_is_free():
    upsert = "upsertWorkflowSearchAttributesEventAttributes"
    payload = {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="}
    for name, billed in (("TemporalChangeVersion", {}), ("CallsheetStatus", {"search attributes": 1})):
        attributes = {upsert: {"searchAttributes": {"indexedFields": {name: payload}}}}
        found = read(event("EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", **attributes))
        assert found.actions == billed
