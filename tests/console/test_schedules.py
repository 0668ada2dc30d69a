"""Schedules: checked when they are created, run by the clock or by hand, each run under an id that people can read."""

import re
import time
from pathlib import Path

import pytest

from console.errors import Exit
from tests.console.test_exit_codes import BRIEF, DEAD
from workflows.scheduled import run_id

ORDER = "goal: count to three\ntenant: acme\n"


@pytest.fixture
def create(staged):
    Path("order.yaml").write_text(ORDER)
    names = []

    def run(name, *more, file="order.yaml"):
        names.append(name)
        return staged("schedule", "create", name, file, "--kind", "agent", *more)

    yield run
    for name in names:
        staged("schedule", "delete", name)


def started_by(shell, name):
    """Wait until a schedule has started something, and name its last run."""
    end = time.monotonic() + 60
    while not (runs := shell.json("schedule", "show", name)["runs"]):
        assert time.monotonic() < end
        time.sleep(0.2)
    return runs[0]


def until_paused(shell, name):
    end = time.monotonic() + 60
    while not (seen := shell.json("schedule", "show", name))["paused"]:
        assert time.monotonic() < end
        time.sleep(0.2)
    return seen


def test_a_run_of_a_schedule_has_an_id_of_its_own_and_is_found_like_any_other(staged, create):
    when = ("--cron", "0 6 * * 1-5", "--cron", "30 9 * * 6", "--timezone", "Europe/Berlin", "--jitter", "5m")
    assert create("weekdays", *when, "--overlap", "buffer-one", "--note", "for the buyers") == Exit.OK
    assert staged("schedule", "trigger", "weekdays") == Exit.OK
    run = started_by(staged, "weekdays")
    assert re.fullmatch(r"weekdays-\d{8}-\d{6}", run)
    seen = staged.json("watch", run)
    assert (seen["type"], seen["agent"]["answer"]) == ("SingleAgent", "done: count to three")
    shown = staged.json("schedule", "show", "weekdays")
    assert (shown["kind"], shown["tenant"], shown["overlap"]) == ("SingleAgent", "acme", "buffer-one")
    assert (shown["catchup_seconds"], shown["note"], len(shown["next"])) == (3600, "for the buyers", 5)
    [listed] = [each for each in staged.json("schedule", "list") if each["id"] == "weekdays"]
    assert listed["when"] == "0 6 * * 1-5 · 30 9 * * 6 in Europe/Berlin"


def test_a_paused_schedule_starts_nothing_and_one_that_may_not_fail_pauses_itself(staged, create):
    assert create("resting", "--every", "1s") == Exit.OK
    assert staged("schedule", "pause", "resting", "--note", "moving house") == Exit.OK
    seen = staged.json("schedule", "show", "resting")
    assert (seen["paused"], seen["note"], seen["next"]) == (True, "moving house", [])
    assert staged("schedule", "resume", "resting") == Exit.OK
    Path("lost.yaml").write_text("goal: lose\n")
    assert create("fragile", "--every", "1s", "--pause-on-failure", file="lost.yaml") == Exit.OK
    assert "fragile-" in until_paused(staged, "fragile")["note"]
    before = started_by(staged, "resting")
    filled = staged("schedule", "backfill", "resting", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T00:00:02Z")
    assert (filled, before.startswith("resting-")) == (Exit.OK, True)


def test_a_bad_file_is_refused_when_the_schedule_is_created(shell, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    Path("bad.yaml").write_text(BRIEF.replace("cotton", "coton"))
    assert shell("schedule", "create", "nightly", "bad.yaml", "--every", "1d") == Exit.BAD_FILE
    assert "line 6: products[0].fabric" in shell.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "say when"),
        (("--every", "often"), "--every 'often': write a time like 90s, 15m, 6h or 1d"),
        (("--every", "1h", "--jitter", "0s"), "--jitter '0s'"),
        (("--cron", "at noon"), "--cron 'at noon': "),
        (("--cron", "0 6 * * *", "--timezone", "Europe/Atlantis"), "--timezone 'Europe/Atlantis': "),
    ],
)
def test_a_time_that_nobody_understands_is_named_with_what_would_be_right(staged, create, more, said):
    assert create("nonsense", *more) == Exit.USAGE
    assert said in staged.err
    assert staged.err.count("\n") == 1


def test_a_name_that_is_taken_and_one_that_nobody_knows_are_said_in_one_line(staged, create):
    assert create("taken", "--every", "1d") == Exit.OK
    assert create("taken", "--every", "1d") == Exit.ID_EXISTS
    assert "there is a schedule taken already" in staged.err
    for words in (("show",), ("pause",), ("resume",), ("trigger",), ("delete",)):
        assert staged("schedule", *words, "unheard-of") == Exit.UNKNOWN_ID
        assert staged.err == "callsheet: there is no schedule unheard-of; callsheet schedule list names them\n"


def test_a_run_is_named_after_the_moment_it_was_due_and_without_one_after_its_own_run():
    assert run_id("nightly", "schedule:nightly-2026-11-26T18:00:00Z", "r") == "nightly-20261126-180000"
    assert run_id("nightly", "schedule:nightly", "019f0000-1234-abcd") == "nightly-234-abcd"
