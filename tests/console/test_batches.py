"""Batches: each input is checked before the first runs, so many run at once, and nothing is started twice."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from activities.connection import connect_to
from console.errors import Exit
from tests.console.conftest import environ
from tests.console.test_demo import STARTER, hear_interrupts
from tests.console.test_exit_codes import BRIEF, DEAD


def lines(*goals, path="orders.jsonl", **more):
    Path(path).write_text("".join(json.dumps({"goal": goal, **more}) + "\n" for goal in goals))
    return path


def agents(name, *more, path="orders.jsonl"):
    return ("batch", path, "--kind", "agent", "--name", name, *more)


def running(stage, query):
    """Count what the server lists, which may lag."""

    async def count():
        return (await (await connect_to(stage[1].address)).count_workflows(query)).count

    return asyncio.run(count())


def until(stage, query, number=1):
    end = time.monotonic() + 60
    while (found := running(stage, query)) < number:
        assert time.monotonic() < end, (query, found)
        time.sleep(0.2)


def test_a_batch_with_mistakes_starts_nothing_and_names_each_by_file_line_and_field(shell, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    path = Path(lines("One.", "Two.", "One."))
    path.write_text(path.read_text() + '{"goal": 7, "tool": []}\n\nno JSON\n')
    problems = shell.json(*agents("bad"))["error"]["problems"]
    assert shell.code == Exit.BAD_FILE
    named = [(each["file"], each["line"], each["path"]) for each in problems]
    assert named == [(str(path), 3, ""), (str(path), 4, "tool"), (str(path), 4, "goal"), (str(path), 6, "brief")]
    assert "the same as orders.jsonl:1" in problems[0]["message"]
    assert shell(*agents("bad")) == Exit.BAD_FILE
    assert "3 of 5 inputs cannot be used, and nothing was started; --skip-bad runs the others" in shell.err
    assert "orders.jsonl:4: goal: Input should be a valid string" in shell.err


def test_a_folder_of_briefs_is_checked_whole_and_ten_thousand_lines_show_a_hundred_mistakes(shell, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    Path("briefs").mkdir()
    Path("briefs/a.yaml").write_text(BRIEF)
    Path("briefs/b.yaml").write_text(BRIEF.replace("cotton", "coton"))
    assert shell("batch", "briefs") == Exit.BAD_FILE
    assert "briefs/b.yaml:6: products[0].fabric" in shell.err
    Path("many.jsonl").write_text('{"goal": 1}\n' + "".join(f'{{"goal": {n}}}\n' for n in range(2, 10_001)))
    assert shell(*agents("many", path="many.jsonl")) == Exit.BAD_FILE
    assert "and 9900 more; --json lists them all" in shell.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("batch", "nowhere.jsonl"), "there is no file nowhere.jsonl"),
        (("batch", "a.txt"), "neither a folder nor a file of JSON lines"),
        (("batch", "empty"), "there is no input in empty"),
        (("batch", "o.jsonl", "--cap", "much"), "'much' is no amount"),
        (("batch", "o.jsonl", "--name", "n" * 31), "30 characters at most"),
        (("batch", "o.jsonl", "--kind", "evaluation"), "name a folder of folders"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused_in_one_line(shell, words, said):
    Path("a.txt").write_text("x")
    Path("empty").mkdir()
    assert shell(*words) in {Exit.USAGE, Exit.BAD_FILE}
    assert said in shell.err
    assert shell.err.count("\n") == 1


def test_the_sound_inputs_run_and_the_same_command_again_starts_nothing_twice(staged, stage):
    path = Path(lines("One.", "lose.", "Two."))
    path.write_text(path.read_text() + '{"goal": 7}\n')
    first = staged.json(*agents("again", "--skip-bad", "--tenant", "acme", "--summary", "sum.json"))
    assert (staged.code, first["counts"]) == (Exit.RUN_FAILED, {"complete": 2, "failed": 1})
    assert (first["skipped"], first["micro_usd"]) == (["orders.jsonl:4"], 4_500)
    assert json.loads(Path("sum.json").read_text()) == first
    lines("One.", "lose.", "Two.", "Three.")
    more = staged.json(*agents("again", "--tenant", "acme"))
    assert [run["id"] for run in more["runs"][:3]] == [run["id"] for run in first["runs"]]
    assert more["runs"][:3] == first["runs"]
    retried = staged.json(*agents("again", "--tenant", "acme", "--retry-failed"))
    bad = retried["runs"][1]
    assert (bad["id"], bad["attempt"], bad["micro_usd"]) == (f"{first['runs'][1]['id']}.2", 2, 3_000)
    assert staged(*agents("again")) == Exit.CONFLICT
    assert "the batch again is for tenant acme, not default; give this one another --name" in staged.err
    staged("status", first["runs"][0]["id"], "--json")
    assert "done: One." in staged.out


def test_ctrl_c_and_kill_leave_a_batch_running_and_cancel_keeps_what_waits(staged, stage):
    lines("wait 1", "wait 2", "wait 3", "Four.")
    env = {**environ(), "CALLSHEET_HOME": str(stage[0]), "TEMPORAL_CONFIG_FILE": os.devnull}
    command = [sys.executable, str(STARTER), *agents("held", "--at-once", "2")]
    first = subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - this process has no threads that could hold a lock
    )
    until(stage, "WorkflowId STARTS_WITH 'held.' and ExecutionStatus = 'Running'", 2)
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=60)
    assert first.returncode == Exit.INTERRUPTED
    assert "The batch goes on without this command" in said
    assert "callsheet cancel --batch held --yes" in said
    looked = staged.json("cancel", "--batch", "held")
    assert (looked["running"], looked["cancelled"]) == ({"Slate, working": 1}, 0)
    assert running(stage, "WorkflowId STARTS_WITH 'held.' and ExecutionStatus = 'Running'") == 2
    assert staged.json("cancel", "--batch", "held", "--yes", "--reason", "wrong list")["cancelled"] == 1
    until(stage, "WorkflowId = 'batch:held' and ExecutionStatus = 'Canceled'")
    lines("wait 1", "wait 2")
    detached = staged.json(*agents("held", "--at-once", "2", "--detach"))
    assert detached["counts"]["cancelled"] == 2
    until(stage, "WorkflowId STARTS_WITH 'held.wait-3' and ExecutionStatus = 'Running'")
    staged("resume", "--pipeline", "single_agent")  # paused is nothing; what waits is told by nobody
    assert (staged.code, "nothing is paused" in staged.err) == (Exit.CONFLICT, True)
    staged("cancel", "--batch", "held", "--yes")
    until(stage, "WorkflowId STARTS_WITH 'held.wait-3' and ExecutionStatus = 'Canceled'")
