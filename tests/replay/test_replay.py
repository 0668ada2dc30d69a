"""Replay changes nothing: the workflows of today go through yesterday's histories step by step."""

import json

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from activities.rigging import sandbox
from activities.world import HOUSE
from tests.replay.record import HISTORIES
from workflows.pipelines import PIPELINES

RECORDED = sorted(HISTORIES.glob("*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
async def test_a_recorded_history_replays_step_by_step(path):
    replayer = Replayer(
        workflows=(*PIPELINES, *HOUSE), data_converter=pydantic_data_converter, workflow_runner=sandbox()
    )
    text = path.read_text()
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    await replayer.replay_workflow(WorkflowHistory.from_json(started["workflowId"], text))


def test_every_pipeline_has_a_recorded_history():
    texts = [path.read_text() for path in RECORDED]
    for pipeline in PIPELINES:
        assert any(f'"workflowType":{{"name":"{pipeline.__name__}"}}' in text for text in texts), pipeline.__name__
