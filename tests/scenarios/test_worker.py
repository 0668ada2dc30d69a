"""The worker as a process, from its environment alone; and our workflows in somebody else's worker."""

import asyncio
import json
import signal
import subprocess

import pytest
from httpx2 import AsyncClient
from temporalio.client import Client
from temporalio.worker import Worker

from activities.plugin import CallsheetPlugin
from rehearsal.scripts import Script, answer, call, later
from tests.chaos.processes import environment, kill, ready, start_worker, worker
from tests.scenarios.shoots import brief, cast, ended, until
from tests.scenarios.somebody_else import Other

DONE = answer({"answer": "It is done."})
DRAINED = 60
BAD = {
    "ANTHROPIC_API_KEY": ("", "ANTHROPIC_API_KEY is not set"),
    "CALLSHEET_HEALTH": ("8081", "CALLSHEET_HEALTH: Value error, '8081' is no HOST:PORT"),
    "TEMPORAL_DEPLOYMENT_NAME": ("callsheet", "TEMPORAL_WORKER_BUILD_ID is not set, but TEMPORAL_DEPLOYMENT_NAME is"),
    "CALLSHEET_QUEUES": (
        "workflows,nonsense",
        "CALLSHEET_QUEUES: unknown nonsense; known are workflows, model, tools, studio",
    ),
    "CALLSHEET_ASSETS": ("ftp://host/folder", "there is no store of assets at ftp://"),
    "TEMPORAL_ADDRESS": ("127.0.0.1:1", "no Temporal server answers at 127.0.0.1:1"),
    "CALLSHEET_DATABASE": ("postgresql+psycopg://u:hush@127.0.0.1:1/x", "the database does not serve"),
}


@pytest.fixture
def start():
    """Start a worker, which is gone when the test is over."""
    started = []

    def start_one(env, **more):
        started.append(start_worker(env, **more))
        return started[-1]

    yield start_one
    for process in started:
        kill(process)


async def test_a_worker_says_that_it_is_ready_and_serves(play, server, start):
    async with play(Script({"assistant": [DONE]}), working=False) as stage:
        process = start(environment(stage, server))
        said = json.loads(await ready(process))
        outcome = await stage.run_agent(tools=())
        code = await _drain(process)
    assert said == {"ready": True, "queues": ["workflows", "model", "tools", "studio"]}
    assert (outcome.status, code) == ("complete", 0)


async def test_a_worker_that_is_told_to_end_brings_in_the_reply_it_waits_for(play, server, start):
    slow = later(4, call("venue_rules", profile="google.merchant"))
    async with play(Script({"assistant": [slow, DONE]}), working=False) as stage:
        env = environment(stage, server)
        process = start(env | {"CALLSHEET_HEALTH": "127.0.0.1:0"})
        health = json.loads(await ready(process))["health"]
        before = await _probe(health)
        handle = await stage.start_agent(tools=("venue_rules",))
        await until(lambda: _asked(stage, 1))
        process.send_signal(signal.SIGTERM)
        await until(lambda: _drains(health))
        meanwhile = await _probe(health)
        code = await _drain(process)
        (talk,) = await stage.records.transcript(handle.id)
        async with worker(env):
            outcome = await ended(handle)
    assert before == {"/healthz": (200, {"alive": True}), "/readyz": (200, {"ready": True})}
    assert meanwhile["/healthz"] == (200, {"alive": True})
    assert meanwhile["/readyz"][1]["failing"] == {"worker": "it was told to end, and takes no more work"}
    assert (code, outcome.status) == (0, "complete")
    assert [message["role"] for message in talk["messages"]][:2] == ["user", "assistant"]
    assert len(stage.rehearsal.requests) == 2


async def test_a_picture_that_is_being_rendered_when_the_worker_is_told_to_end_is_not_lost(play, server, start):
    async with play(cast(), working=False) as stage:
        env = environment(stage, server)
        process = start(env)
        await ready(process)
        handle = await stage.start_production(brief())
        await until(lambda: _asked(stage, 2))
        code = await _drain(process)
        async with worker(env):
            run = await ended(handle)
        entries = await stage.world.catalog.entries.of_run(run.id)
        (_, item), *_ = await stage.world.catalog.items(run.id)
    assert (code, run.status, len(entries), len(item.attempts)) == (0, "complete", 1, 1)


@pytest.mark.parametrize("name", BAD)
async def test_a_worker_that_cannot_work_says_why_in_one_line_and_ends_with_nine(play, server, start, name):
    value, why = BAD[name]
    async with play(Script({}), working=False) as stage:
        process = start(environment(stage, server) | {name: value}, stderr=subprocess.PIPE)
        said = await asyncio.to_thread(process.stderr.read)
        code = await _drain(process)
    *logs, last = said.strip().splitlines()
    assert last.startswith(f"callsheet worker: {why}")
    assert all(line.startswith("{") for line in logs)
    assert ("hush" in said, code) == (False, 9)


async def test_the_plugin_brings_our_workflows_into_somebody_elses_worker(play, server):
    async with play(Script({"assistant": [call("look", place="the left"), DONE]}), working=False) as stage:
        client = await Client.connect(server, plugins=[CallsheetPlugin(stage.world)])
        async with Worker(client, task_queue=stage.queue, workflows=[Other], activities=[]):
            hello = await client.execute_workflow(Other.run, "you", id=f"other-{stage.queue}", task_queue=stage.queue)
            outcome = await stage.run_agent()
    assert (hello, outcome.status, outcome.spend.tool_calls) == ("Hello you", "complete", 1)


async def _probe(health):
    async with AsyncClient(trust_env=False) as client:
        answers = {path: await client.get(health + path) for path in ("/healthz", "/readyz")}
    return {path: (answer.status_code, answer.json()) for path, answer in answers.items()}


async def _drains(health):
    return (await _probe(health))["/readyz"][0] == 503


async def _asked(stage, times):
    return len(stage.rehearsal.requests) >= times


async def _drain(process):
    """Tell a worker to end, and return its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    return await asyncio.to_thread(process.wait, DRAINED)
