"""The metrics of a worker as a process: scraped, counted once though it is killed, and sent when it drains."""

import asyncio
import json
import signal
import socket
import subprocess

import pytest

from rehearsal.scripts import call, later
from tests.activities.kept_numbers import agree
from tests.chaos.processes import environment, kill, ready, start_worker
from tests.metered import Receiver, Scrapes, scrape
from tests.scenarios.agents import DONE, assistant, decide, ended
from tests.scenarios.shoots import brief, cast, until

SCRAPED = {
    "OTEL_METRICS_EXPORTER": "prometheus",
    "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
    "OTEL_EXPORTER_PROMETHEUS_PORT": "0",
}


@pytest.fixture
def start(server):
    """Start a worker for a stage; it is gone when the test is over."""
    started = []

    def start_one(stage, stderr=subprocess.DEVNULL, **more):
        env = {name: value for name, value in environment(stage, server).items() if not name.startswith("OTEL_")}
        started.append(start_worker(env | more, stderr=stderr))
        return started[-1]

    yield start_one
    for process in started:
        kill(process)


async def scraped_at(process):
    return json.loads(await ready(process))["metrics"]


async def read(url):
    return await asyncio.to_thread(scrape, url)


async def test_a_worker_serves_its_metrics_and_temporals_at_one_endpoint(play, start):
    async with play(cast(), working=False) as stage:
        process = start(stage, **SCRAPED)
        url = await scraped_at(process)
        run = await stage.produce(brief())
        await until(lambda: _tells(url, "temporal_workflow_completed_total"))
        scrapes = Scrapes(await read(url))
        differences = agree(scrapes, stage.world.database)
    assert (run.status, differences) == ("complete", {})
    assert scrapes.total("agent_budget_usd", scope="fleet_day", what="spent") == pytest.approx(
        run.spend.micro_usd / 1_000_000
    )
    assert {"agent_queue_backlog", "agent_escalation_rate", "process_resident_memory_bytes"} <= scrapes.names
    assert not [name for name in scrapes.names if name.startswith(("otel", "target", "python"))]


async def _tells(url, name):
    return name in await read(url)


async def test_two_workers_one_of_which_is_killed_count_what_the_records_say(play, start):
    script = assistant(
        call("venue_rules", profile="google.merchant"),
        call("escalate_to_human", reason="Is it so?"),
        later(600, DONE),
        DONE,
    )
    async with play(script, working=False) as stage:
        first = start(stage, **SCRAPED)
        url = await scraped_at(first)
        handle = await stage.start_agent(tools=("venue_rules", "escalate_to_human"))
        question = await stage.until_asked(handle)
        await decide(handle, "revise", "Yes.", question=question["id"])
        await until(lambda: _asked(stage, 3))  # it waits for a reply: nothing is kept until it is killed
        before = await read(url)
        kill(first)
        second = start(stage, **SCRAPED)
        url = await scraped_at(second)
        outcome = await ended(handle)
        after = await read(url)
        differences = agree(Scrapes(before, after), stage.world.database)
    assert (outcome.status, differences) == ("complete", {})
    both = Scrapes(before, after)
    assert both.happened("agent_llm_calls_total") == {
        ("assistant", "claude-sonnet-5-5", "billed"): 3,
        ("assistant", "claude-sonnet-5-5", "unknown"): 1,
    }
    assert both.total("agent_llm_errors_total", kind="lapsed") == 1
    assert both.happened("agent_workflows_started_total") == {("single_agent",): 1}


async def _asked(stage, times):
    return len(stage.rehearsal.requests) >= times


async def test_a_worker_that_is_told_to_end_sends_what_it_counted_while_it_drained(play, start):
    receiver = Receiver()
    slow = later(2, call("venue_rules", profile="google.merchant"))
    otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_TRACES_EXPORTER": "none"}
    async with play(assistant(slow, DONE), working=False) as stage:
        process = start(stage, **otlp, OTEL_METRIC_EXPORT_INTERVAL="3600000", NO_PROXY="127.0.0.1")
        assert "metrics" not in json.loads(await ready(process))
        await stage.start_agent(tools=("venue_rules",))
        await until(lambda: _asked(stage, 1))
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 60)
    receiver.close()
    [turns] = receiver.metrics()["agent_turns_total"].sum.data_points
    assert (code, turns.as_int or turns.as_double) == (0, 1)
    assert "temporal_request" in receiver.metrics()


async def test_a_worker_whose_port_is_taken_says_so_in_one_line_and_ends_with_nine(play, start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with play(cast(), working=False) as stage:
            process = start(stage, subprocess.PIPE, **SCRAPED | {"OTEL_EXPORTER_PROMETHEUS_PORT": str(port)})
            said = await asyncio.to_thread(process.stderr.read)
            code = await asyncio.to_thread(process.wait, 60)
    assert said.strip().splitlines()[-1] == (
        f"callsheet worker: metrics cannot be served at 127.0.0.1:{port}, because the port is taken; "
        "set OTEL_EXPORTER_PROMETHEUS_PORT to a free one, or to 0 for any"
    )
    assert code == 9
