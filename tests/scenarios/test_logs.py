"""The logs of a worker: the story that the trace tells, live, and nothing that no log may hold."""

import contextlib
import json
from collections import defaultdict

from activities.redaction import Redactor
from rehearsal.scripts import call, calls, fail, think
from tests.chaos.processes import WORKER, environment, kill, ready, start_worker
from tests.scenarios import leaky_worker
from tests.scenarios.agents import DONE, assistant, decide, ended
from tests.scenarios.leaky_worker import PLANTED, SECRETS
from tests.scenarios.shoots import brief, cast

CONTENT = ("text", "tool_input", "tool_output", "thinking", "note", "reason", "evidence")
ACTIONS = {"llm_call", "tool_call", "tool_result", "final_output", "error", "approval"}
HIDDEN = ("Lisbon", "wall", "Go on")
"""Words of the goal, of calls, results, errors and people."""


@contextlib.asynccontextmanager
async def logging_worker(stage, server, file, program=WORKER, **settings):
    """A worker that writes its log to a file."""
    env = environment(stage, server) | settings
    with file.open("w") as log:
        process = start_worker(env, program, stderr=log)
        try:
            assert await ready(process), file.read_text()
            yield
        finally:
            kill(process)


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def told(entries):
    """What is told, by conversation and in order, without the time."""
    found = defaultdict(list)
    for entry in entries:
        data = json.loads(json.dumps(entry["data"], default=str))
        found[entry["workflow_id"], entry["run_id"], entry["agent_name"]].append((entry["turn"], entry["action"], data))
    return found


def story(file):
    return [line for line in lines(file) if "action" in line]


async def leak(stage, server, file, **settings):
    """One agent for whom everything leaks, and one activity that fails; returns what the trace reads."""
    async with logging_worker(stage, server, file, leaky_worker.__file__, **settings):
        handle = await stage.start_agent(f"Find Lisbon. {PLANTED}", tools=("look", "break_down", "escalate_to_human"))
        await stage.until_asked(handle)
        await decide(handle, "revise", f"Go on. {PLANTED}")
        assert (await ended(handle)).status == "complete"
        where = f"Lisbon {PLANTED}"
        tries = await stage.client.execute_workflow(
            "Breaks", where, id=f"leaks-{stage.queue}", task_queue=f"{stage.queue}-leaks"
        )
        assert tries == 2
        return await stage.records.entries(handle.id)


def leaks():
    place = f"Lisbon, {PLANTED}"
    return assistant(
        fail(529, "overloaded_error"),
        think(f"It hangs there. {PLANTED}", calls(call("look", place=place), call("break_down", place=place))),
        call("escalate_to_human", reason=f"Lisbon is far: {PLANTED}"),
        DONE,
    )


async def test_without_content_nothing_that_was_said_leaves_and_the_story_is_whole(play, server, tmp_path):
    file = tmp_path / "worker.log"
    async with play(leaks(), working=False) as stage:
        read = await leak(stage, server, file)
    log = file.read_text()
    assert [word for word in (*SECRETS, "hush-hush", *HIDDEN) if word in log] == []
    said, kept = told(story(file)), told(each for each in read if each["action"] != "thinking")
    assert {who: [each[:2] for each in some] for who, some in said.items()} == {
        who: [each[:2] for each in some] for who, some in kept.items()
    }
    assert {each["action"] for each in read} >= ACTIONS | {"thinking"}
    assert not any(set(line["data"]) & set(CONTENT) for line in story(file))


async def test_with_content_the_story_is_the_trace_but_for_secrets(play, server, tmp_path):
    file = tmp_path / "worker.log"
    async with play(leaks(), working=False) as stage:
        read = await leak(stage, server, file, CALLSHEET_LOG_CONTENT="1")
    log = file.read_text()
    assert [word for word in (*SECRETS, "hush-hush") if word in log] == []
    assert [word for word in HIDDEN if word not in log] == []
    assert told(story(file)) == told(Redactor()(each) for each in read)


async def test_a_failed_activity_is_told_with_its_traceback_and_whose_it_was(play, server, tmp_path):
    file = tmp_path / "worker.log"
    async with play(leaks(), working=False) as stage:
        await leak(stage, server, file)
    failed = [line for line in lines(file) if line.get("event") == "Completing activity as failed"]
    assert {line["data"]["activity_type"] for line in failed} == {"call_model", "break_once"}
    [broken] = [line for line in failed if line["data"]["activity_type"] == "break_once"]
    assert (broken["workflow_id"], broken["attempt"], broken["logger"]) == (
        f"leaks-{stage.queue}",
        1,
        "temporalio.activity",
    )
    assert broken["data"]["traceback"].endswith("RuntimeError: (what it says is content)")
    assert broken["run_id"]
    [raised] = [line for line in lines(file) if line.get("event") == "tool_raised"]
    assert (raised["agent_name"], raised["data"]["tool_name"], raised["attempt"]) == ("assistant", "break_down", 1)


async def test_a_whole_shoot_is_told_by_the_worker_as_the_trace_tells_it(play, server, tmp_path):
    file = tmp_path / "worker.log"
    async with play(cast(), working=False) as stage:
        async with logging_worker(stage, server, file, CALLSHEET_LOG_CONTENT="1"):
            run = await stage.produce(brief())
        read = await stage.records.entries(run.id)
    assert run.status == "complete"
    assert told(story(file)) == told(Redactor()(each) for each in read)
    for line in story(file):
        assert set(line) == {
            *("timestamp", "level", "logger", "trace_id", "span_id"),
            *("workflow_id", "run_id", "agent_name", "turn", "action", "data"),
        }
    assert {line["trace_id"] for line in story(file)} == {read[0]["trace_id"]}


async def test_patterns_of_ones_own_and_a_level_hold_for_the_whole_log(play, server, tmp_path):
    whole, short = tmp_path / "whole.log", tmp_path / "short.log"
    shown = {"CALLSHEET_LOG_CONTENT": "1", "CALLSHEET_LOG_REDACT": "case-[0-9]{2,4}, otherwise"}
    script = assistant(fail(529, "overloaded_error"), call("venue_rules", profile="case-123"), DONE)
    async with play(script, working=False) as stage:
        async with logging_worker(stage, server, whole, **shown):
            await stage.run_agent("One.", tools=("venue_rules",))
        async with logging_worker(stage, server, short, CALLSHEET_LOG_LEVEL="WARNING"):
            await stage.run_agent("Two.", tools=("venue_rules",))
    assert "case-123" not in whole.read_text()
    assert '"tool_input": {"profile": "[REDACTED]"}' in whole.read_text()
    assert {line["level"] for line in lines(whole)} == {"info", "warning"}
    assert {line["level"] for line in lines(short)} == {"warning"}
    assert {line["action"] for line in story(short)} == {"error"}
