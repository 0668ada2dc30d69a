import asyncio
import json
import sys

import pytest

from activities.settings import Settings
from console.errors import Exit, Stopped
from console.launch import REHEARSAL
from console.processes import Child, birth, start
from console.stack import Running, Stack
from tests.console.conftest import environ, staged_parts

SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")


def up(stack: Stack, **how) -> tuple[Running, bool]:
    return asyncio.run(stack.up("demo", say=lambda _: None, **how))


def test_a_running_stack_is_used_not_started_again(stage):
    home, running = stage
    found, ours = up(Stack(Settings(home=home), environ(), staged_parts()))
    assert (found, ours) == (running, False)
    assert running.model == REHEARSAL


def test_a_stack_starts_with_its_parts_and_ends_without_leftovers(tmp_path):
    stack = Stack(Settings(home=tmp_path / "home"), environ(), staged_parts())
    running, ours = up(stack)
    assert ours
    assert [child.name for child in running.children] == ["temporal", "rehearsal", "worker"]
    assert stack.down() == ("worker", "rehearsal", "temporal")
    assert not any(child.alive for child in running.children)
    assert stack.find() is None
    assert not (tmp_path / "home" / "stack.json").exists()


def test_a_key_in_the_environment_means_claude_and_no_rehearsal(tmp_path):
    stack = Stack(Settings(home=tmp_path, model="claude-test"), environ() | {"ANTHROPIC_API_KEY": "k"}, staged_parts())
    running, _ = up(stack)
    stack.down()
    assert running.model == "claude-test"
    assert [child.name for child in running.children] == ["temporal", "worker"]


def test_a_worker_that_ends_at_once_is_named_with_its_last_words_and_nothing_stays(tmp_path):
    dies = (sys.executable, "-c", "raise SystemExit('no such queue')")
    stack = Stack(Settings(home=tmp_path), environ(), staged_parts(worker=dies))
    with pytest.raises(Stopped, match="the worker ended while starting: no such queue") as stopped:
        up(stack)
    assert stopped.value.code == Exit.MISSING
    assert not (tmp_path / "stack.json").exists()


def test_while_another_command_runs_its_own_stack_a_second_is_refused(tmp_path):
    first = Stack(Settings(home=tmp_path), environ(), staged_parts())
    up(first)
    with pytest.raises(Stopped) as stopped:
        up(Stack(Settings(home=tmp_path), environ(), staged_parts()))
    first.down()
    assert stopped.value.code == Exit.CONFLICT


def test_what_a_killed_command_left_behind_is_ended_by_the_next(tmp_path):
    orphan = start("worker", SLEEPS, environ(), tmp_path / "logs")
    left = Running(mode="demo", address="127.0.0.1:1", ui="", model="x", children=(orphan,))
    (tmp_path / "stack.json").write_text(left.model_dump_json())
    assert Stack(Settings(home=tmp_path)).down() == ("worker",)
    assert not orphan.alive


def test_a_process_that_got_the_pid_of_a_dead_one_is_left_alone(tmp_path):
    other = start("other", SLEEPS, environ(), tmp_path / "logs")
    recorded = other.model_copy(update={"born": "long ago"})
    (tmp_path / "stack.json").write_text(
        Running(mode="demo", address="a", ui="", model="x", children=(recorded,)).model_dump_json()
    )
    assert Stack(Settings(home=tmp_path)).down() == ()
    assert other.alive
    other.end(grace=5)


def test_a_process_that_will_not_end_is_made_to(tmp_path):
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    deaf = start("deaf", (sys.executable, "-c", code), environ(), tmp_path)
    while "deaf" not in (tmp_path / "deaf.out").read_text():
        pass
    deaf.end(grace=0.2)
    assert not deaf.alive


def test_an_unreadable_record_counts_as_no_stack(tmp_path):
    (tmp_path / "stack.json").write_text("{")
    assert Stack(Settings(home=tmp_path)).find() is None


def test_a_pid_that_runs_nothing_was_never_born():
    assert birth(2**22 + 5) == ""
    assert not Child(name="x", pid=2**22 + 5, born="").alive


def test_dev_stop_says_what_it_ended(shell):
    assert shell.json("dev", "--stop") == {"ended": []}
    assert json.loads(shell.out) == {"ended": []}
