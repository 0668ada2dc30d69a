"""Phoenix shows a run as what it is: one tree, its agents, calls and tools, with tokens and cost."""

import asyncio
import json
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from http import HTTPStatus

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from activities.telemetry import Telemetry
from rehearsal.scripts import call, fail
from tests.scenarios.agents import DONE, assistant, decide, ended
from tests.scenarios.shoots import GREY, brief, cast
from tests.scenarios.tracing import again
from workflows.tracing import At

pytestmark = pytest.mark.backends

SUMS = """query { projects { edges { node {
    name traceCount recordCount tokenCountPrompt tokenCountCompletion costSummary { total { cost } }
} } } }"""


def _get(url):
    with urllib.request.urlopen(url, timeout=30) as reply:
        return json.load(reply)


def _ask(phoenix, query):
    body = json.dumps({"query": query}).encode()
    asked = urllib.request.Request(f"{phoenix}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as reply:
        return json.load(reply)["data"]


def _spans(phoenix, project):
    try:
        return _get(f"{phoenix}/v1/projects/{project}/spans?limit=1000")["data"]
    except urllib.error.HTTPError as error:  # a project begins with its first span
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return []


def _sums(phoenix, project):
    nodes = [edge["node"] for edge in _ask(phoenix, SUMS)["projects"]["edges"]]
    return next(node for node in nodes if node["name"] == project)


async def _shown(phoenix, project, number):
    """Wait until Phoenix has taken so many spans in, and return them."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if len(found := _spans(phoenix, project)) >= number:
            return found
        await asyncio.sleep(0.5)
    raise AssertionError(f"{len(found)} of {number} spans are there")


@pytest.fixture
def project(monkeypatch):
    """A project of Phoenix for this test alone."""
    name = f"p{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", f"openinference.project.name={name}")
    return name


@pytest.mark.parametrize("dialect", ["", "openinference"])
async def test_a_shoot_is_one_tree_with_all_its_tokens_and_a_cost(play, phoenix, project, dialect):
    telemetry = Telemetry([OTLPSpanExporter(endpoint=f"{phoenix}/v1/traces")])
    async with play(cast(GREY), telemetry=telemetry, settings={"trace_dialect": dialect}) as stage:
        run = await stage.produce(brief())
        telemetry.tracers.force_flush()
        sent = await again(stage, run.id)
        spans = await _shown(phoenix, project, sent)
    ids = {span["context"]["span_id"] for span in spans}
    chats = [span for span in spans if span["name"].startswith("chat ")]
    sums = _sums(phoenix, project)
    assert (len(spans), len(ids), sums["recordCount"], sums["traceCount"]) == (sent, sent, sent, 1)
    assert [span["name"] for span in spans if span["parent_id"] not in ids] == ["invoke_workflow image_production"]
    assert {span["span_kind"] for span in chats} == {"LLM"}
    assert (sums["tokenCountPrompt"], sums["tokenCountCompletion"]) == (run.spend.usage.prompt, run.spend.usage.output)
    assert sums["costSummary"]["total"]["cost"] > 0
    assert sum(span["attributes"][At.COST_MICRO_USD] for span in chats) == run.spend.micro_usd
    kinds = Counter(span["span_kind"] for span in spans)
    assert (kinds["AGENT"], kinds["TOOL"]) == (7, 5)
    assert (kinds["UNKNOWN"] == 0) == (dialect == "openinference")


async def test_an_open_run_is_there_while_it_waits_and_whole_when_it_has_ended(play, phoenix, project):
    telemetry = Telemetry([OTLPSpanExporter(endpoint=f"{phoenix}/v1/traces")])
    help_ = call("escalate_to_human", reason="Which way?")
    async with play(assistant(fail(529, "overloaded_error"), help_, DONE), telemetry=telemetry) as stage:
        handle = await stage.start_agent()
        question = await stage.until_asked(handle)
        telemetry.tracers.force_flush()
        names = {span["name"] for span in await _shown(phoenix, project, 7)}
        await decide(handle, "revise", "Left.", question=question["id"])
        await ended(handle)
        telemetry.tracers.force_flush()
        spans = await _shown(phoenix, project, await again(stage, handle.id))
    assert names >= {"opened", "stage assistant", "stage awaiting_person", "turn"}
    assert not any(name.startswith("invoke_") for name in names)
    [failed] = [span for span in spans if span["status_code"] == "ERROR"]
    assert (failed["name"].partition(" ")[0], failed["status_message"]) == ("chat", "overloaded")
    [whole] = [span for span in spans if span["name"] == "invoke_workflow single_agent"]
    assert (whole["parent_id"], [event["name"] for event in whole["events"]]) == (None, ["approval", "approval"])
