"""The demo against a stack that runs; the stack here has small workflows, so that every answer can be seen."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from activities.assets import Assets
from console.errors import Exit
from tests.console.conftest import environ
from tests.console.stage import PICTURE
from tests.console.test_exit_codes import BRIEF

STARTER = Path(__file__).parent.parent.parent / "starter.py"


def hear_interrupts():
    """A test run in the background of a shell ignores Ctrl-C, and so would every process that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Person:
    """Runs a command in a process of its own and types into it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        self._env = environ() | {"CALLSHEET_HOME": str(home), "TEMPORAL_CONFIG_FILE": os.devnull}

    def types(self, text: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._command(words), input=text, timeout=120, check=False, **self._how())

    def starts(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(words),
            stdin=subprocess.PIPE,
            stdout=-1,
            stderr=-1,
            preexec_fn=hear_interrupts,  # noqa: PLW1509 - this process has no threads that could hold a lock
            **self._popen(),
        )

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, str(STARTER), *words]

    def _popen(self):
        return {"cwd": self._folder, "env": self._env, "text": True}

    def _how(self):
        return self._popen() | {"capture_output": True}


@pytest.fixture
def person(stage, tmp_path) -> Person:
    (tmp_path / "brief.yaml").write_text(BRIEF.replace("Two tees", "Tee"))
    asyncio.run(Assets.at(stage[0] / "assets").put(PICTURE))
    return Person(tmp_path, stage[0])


def test_with_yes_everything_is_approved_and_said_to_be_an_override(person, tmp_path):
    ended = person.types("", "demo", "brief.yaml", "--yes", "--id", "by-yes", "--as", "ines")
    assert ended.returncode == Exit.OK, ended.stderr
    assert "approved by --yes, without a look" in ended.stdout
    assert "rule-based rehearsal, no language model" in ended.stdout
    record = json.loads((tmp_path / "out/by-yes/run.json").read_text())
    assert (record["status"], record["model"]) == ("complete", "rule-based rehearsal, no language model")
    assert (tmp_path / "out/by-yes/contact-sheet.html").exists()


def test_the_person_sees_the_reason_and_the_image_and_decides(person, tmp_path):
    ended = person.types("maybe\na\nlooks right\n", "demo", "brief.yaml", "--id", "by-hand", "--as", "ines")
    assert ended.returncode == Exit.OK, ended.stderr
    assert "After 4 takes it still does not pass: background_white" in ended.stdout
    assert "approve by ines" in ended.stdout
    assert (tmp_path / "out/by-hand/review/tee.png").read_bytes() == PICTURE


def test_a_person_who_is_asked_for_money_tops_up_by_an_amount(person, tmp_path, stage, shell, monkeypatch):
    (tmp_path / "brief.yaml").write_text(BRIEF.replace("Two tees", "Poor"))
    ended = person.types("t\n5,00\n0.25\ngo on\n", "demo", "brief.yaml", "--id", "asked-for-money", "--as", "ines")
    assert ended.returncode == Exit.OK, ended.stderr
    assert "needs at least $0.0300 more on run:asked-for-money" in ended.stdout
    assert "'5,00' is no amount" in ended.stdout
    assert "top up by ines, $0.2500 more" in ended.stdout
    monkeypatch.setenv("CALLSHEET_HOME", str(stage[0]))
    assert shell.json("status", "asked-for-money:poor")["item"]["note"] == "250000 go on"


def test_a_run_that_asks_for_itself_is_answered_too(person, tmp_path):
    (tmp_path / "brief.yaml").write_text(BRIEF.replace("Two tees", "Broke"))
    ended = person.types("top up\n0\n\n", "demo", "brief.yaml", "--id", "asked-for-itself", "--as", "ines")
    assert ended.returncode == Exit.OK, ended.stderr
    assert "needs more money on run:asked-for-itself: 9 items wait" in ended.stdout
    assert "top up by ines" in ended.stdout


def test_with_yes_no_cap_is_raised(person, tmp_path):
    (tmp_path / "brief.yaml").write_text(BRIEF.replace("Two tees", "Poor"))
    ended = person.types("", "demo", "brief.yaml", "--yes", "--id", "no-more-money")
    assert ended.returncode == Exit.RUN_FAILED
    assert "--yes approves, but raises no cap" in ended.stdout


def test_a_run_in_which_everything_is_rejected_ends_with_its_own_code(person):
    ended = person.types("r\nnot our white\n", "demo", "brief.yaml", "--id", "all-rejected")
    assert ended.returncode == Exit.RUN_FAILED


def test_where_nobody_can_be_asked_silence_means_reject(person):
    ended = person.types("", "demo", "brief.yaml", "--id", "nobody-there")
    assert ended.returncode == Exit.RUN_FAILED
    assert "nobody could be asked at this terminal" in ended.stdout


def test_for_a_program_stdout_is_one_json_document(person):
    ended = person.types("", "demo", "brief.yaml", "--yes", "--id", "for-program", "--json")
    assert ended.returncode == Exit.OK, ended.stdout
    told = json.loads(ended.stdout)
    assert (told["id"], told["status"], told["published"]) == ("for-program", "complete", 1)
    assert "for-program: complete" in ended.stderr


def test_an_interruption_leaves_the_run_and_says_how_to_end_it(person, shell, stage, monkeypatch):
    process = person.starts("demo", "brief.yaml", "--id", "left-alone")
    while "see: " not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)  # before its input is closed, which would be an answer of its own
    rest, errors = process.communicate()
    assert process.returncode == Exit.INTERRUPTED
    assert "callsheet cancel left-alone" in rest
    assert errors == "callsheet: interrupted\n"
    monkeypatch.setenv("CALLSHEET_HOME", str(stage[0]))
    assert shell.json("status", "left-alone")["running"]


def test_what_is_decided_at_the_desk_is_not_waited_for_at_the_terminal(person, shell, stage, monkeypatch):
    process = person.starts("demo", "brief.yaml", "--id", "elsewhere")
    try:
        seen = ""
        while "[a] approve" not in seen:
            seen += process.stdout.read(1)
        monkeypatch.setenv("CALLSHEET_HOME", str(stage[0]))
        assert shell("approve", "elsewhere", "--item", "tee", "--note", "at the desk") == Exit.OK
        rest = process.stdout.read()  # its input stays open: nobody types anything
        assert process.wait(timeout=60) == Exit.OK
    finally:
        process.kill()
        process.communicate()
    assert "decided elsewhere, not here" in rest
