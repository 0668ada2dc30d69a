"""The fleet at a glance, against a server with runs that work, that wait, and that no worker answers for."""

import asyncio
import io
import json
import os
import pty
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from activities.connection import connect_to
from activities.database import now
from activities.settings import Settings
from console.burn import LastMinute, Pace
from console.errors import Exit
from console.fleet import Frame, Progress, RunLine
from console.fleet_view import FleetView, bar
from console.looks import PRODUCTION, OpenQuestion
from tests.console.conftest import environ
from tests.console.spending import Spending
from tests.console.test_demo import STARTER, hear_interrupts
from tests.console.test_exit_codes import DEAD
from workflows.models import ItemRow, Question, RunOrder, RunState, Scope

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def under_way(stage):
    """A run that waits, one that works, and one without a worker; what other tests left running is there too."""
    asyncio.run(begin(stage[1].address, {"waits-for-ines": "Tee", "works-on": "Busy"}, Settings().task_queue))
    asyncio.run(begin(stage[1].address, {"unheard": "Tee"}, "nobody-listens"))
    yield
    asyncio.run(end(stage[1].address, "waits-for-ines", "works-on", "unheard"))


async def begin(address: str, titles: dict[str, str], queue: str) -> None:
    client = await connect_to(address)
    for run, title in titles.items():
        await client.start_workflow(PRODUCTION, RunOrder(brief="b", title=title), id=run, task_queue=queue)


async def end(address: str, *runs: str) -> None:
    client = await connect_to(address)
    for run in runs:
        await client.get_workflow_handle(run).terminate()


@pytest.fixture
def fleet(staged, under_way):
    return staged


def runs_of(told):
    return {run["id"]: run for run in told["runs"]}


def seen(shell, *wanted: str):
    """Look until all of these are listed: the server's list may lag a moment behind."""
    for _ in range(100):
        told = shell.json("top", "--once")
        asked = {each["id"] for each in told["questions"]}
        if set(wanted) <= {*runs_of(told), *asked}:
            return told
    raise AssertionError(f"{wanted} did not all appear in {told}")


def test_a_program_gets_every_run_with_items_cost_and_questions(fleet):
    told = seen(fleet, "waits-for-ines", "works-on", "unheard", "waits-for-ines:tee")
    assert fleet.code == Exit.OK
    found = runs_of(told)
    waits = found["waits-for-ines"]
    assert waits["items"] == {"total": 1, "published": 0, "waiting": 1, "failed": 0, "running": 0, "to_come": 0}
    assert (waits["micro_usd"], waits["cap_micro_usd"]) == (12_300, 5_000_000)
    assert (waits["questions"]["open"], waits["questions"]["oldest_owner"]) == (1, "reviewers")
    works = found["works-on"]
    assert (works["items"]["running"], works["questions"]["open"], works["answered"]) == (1, 0, True)
    assert told["running"] >= 3
    assert told["waiting"] >= 1


def test_a_run_that_nobody_answers_for_is_shown_and_holds_nothing_up(fleet):
    told = seen(fleet, "waits-for-ines", "unheard")
    assert (runs_of(told)["unheard"]["answered"], runs_of(told)["unheard"]["items"]) == (False, None)
    assert runs_of(told)["waits-for-ines"]["answered"]
    fleet("top", "--once")
    line = next(line for line in fleet.out.splitlines() if "unheard" in line)
    assert "no answer" in line


def test_runs_that_wait_for_people_stand_above_those_that_work(fleet):
    order = [run["id"] for run in seen(fleet, "waits-for-ines", "works-on", "waits-for-ines:tee")["runs"]]
    assert order.index("waits-for-ines") < order.index("works-on")


def test_where_stdout_is_no_terminal_one_frame_is_printed(fleet):
    seen(fleet, "waits-for-ines", "waits-for-ines:tee")
    assert fleet("top") == Exit.OK
    assert "1 question waits, the oldest" in fleet.out
    assert "for reviewers" in fleet.out
    assert "Oldest open questions" in fleet.out
    assert "\x1b" not in fleet.out


def test_what_the_ledger_says_of_the_last_minute_is_the_burn(fleet, stage):
    Spending(stage[0]).agent("works-on/planner", cap=1_000_000, spends=70_000)
    told = seen(fleet, "works-on", "waits-for-ines")
    assert told["burn_from"] == "ledger"
    assert runs_of(told)["works-on"]["micro_usd_per_minute"] == 70_000
    assert runs_of(told)["waits-for-ines"]["micro_usd_per_minute"] == 0


def test_a_server_that_is_down_ends_it_in_one_line(shell, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", DEAD)
    assert shell("top", "--once") == Exit.UNREACHABLE
    assert shell.err.count("\n") == 1


def test_a_pause_that_is_too_short_is_wrong_usage(shell):
    assert shell("top", "--every", "0") == Exit.USAGE


def test_looking_makes_no_database(staged, tmp_path, monkeypatch, stage):
    monkeypatch.setenv("CALLSHEET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TEMPORAL_ADDRESS", stage[1].address)
    assert staged.json("top", "--once")["burn_from"] == "looks"
    assert not (tmp_path / "home" / "callsheet.db").exists()


def test_each_look_is_one_line_of_json_until_it_is_interrupted(fleet, stage, tmp_path):
    env = environ() | {"CALLSHEET_HOME": str(stage[0]), "TEMPORAL_CONFIG_FILE": os.devnull}
    command = [sys.executable, str(STARTER), "top", "--json", "--every", "0.2"]
    looking = subprocess.Popen(command, stdout=subprocess.PIPE, env=env, cwd=tmp_path, preexec_fn=hear_interrupts)  # noqa: PLW1509 - no threads here
    first, second = (json.loads(looking.stdout.readline()) for _ in range(2))
    looking.send_signal(signal.SIGINT)
    looking.communicate(timeout=60)
    assert looking.returncode == Exit.INTERRUPTED
    assert first["at"] < second["at"]


def test_on_a_terminal_it_redraws_until_ctrl_c_and_gives_the_screen_back(fleet, stage, tmp_path):
    env = environ() | {"CALLSHEET_HOME": str(stage[0]), "TEMPORAL_CONFIG_FILE": os.devnull, "TERM": "xterm"}
    ours, theirs = pty.openpty()
    command = [sys.executable, str(STARTER), "top", "--every", "0.2"]
    looking = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=env, preexec_fn=hear_interrupts)  # noqa: PLW1509 - no threads here
    os.close(theirs)
    said = b""
    while said.count(b" running ") < 3:
        said += os.read(ours, 65_536)
    looking.send_signal(signal.SIGINT)
    while True:
        try:
            said += os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert looking.wait(timeout=60) == Exit.INTERRUPTED
    assert said.count(b"\x1b[?1049h") == said.count(b"\x1b[?1049l") == 1
    assert b"interrupted" in said


def line(number: int = 0, **more) -> RunLine:
    known = {"id": f"a-run-with-a-long-name-{number:02}", "kind": "production", "stage": "generating"}
    known |= {"started_at": AT - timedelta(hours=3), "answered": True, "cap_micro_usd": 5_000_000}
    return RunLine.model_validate(known | more)


def shown(frame: Frame, width: int = 80, height: int | None = None) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, emoji=False).print(FleetView(frame, height))
    return out.getvalue().splitlines()


def question(number: int = 0, reason: str = "too dark", owner: str = "reviewers") -> OpenQuestion:
    scope = Scope(run="a-run", item="tee")
    asked_at = AT - timedelta(minutes=number + 1)
    asked = Question(id=f"q{number}", scope=scope, title="Tee", reason=reason, owner=owner, asked_at=asked_at)
    return OpenQuestion(id=f"a-run:tee-{number}", question=asked)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    progress = Progress(total=10_000, published=9_000, waiting=10, failed=7, running=4)
    more = {"progress": progress, "micro_usd": 4_900_000, "per_minute": 12_345, "questions": 10, "errors": 3}
    more |= {"last_error": "the studio did not answer " * 9, "oldest_asked_at": AT, "oldest_owner": "x" * 90}
    frame = Frame(at=AT, running=1, waiting=10, runs=(line(**more),), questions=(question(reason="dark " * 50),))
    assert max(len(each) for each in shown(frame, width)) <= width


def test_at_eighty_columns_name_stage_age_items_cost_and_burn_stand_in_one_line():
    progress = Progress(total=12, published=6, failed=1, running=2)
    frame = Frame(at=AT, running=1, waiting=0, runs=(line(progress=progress, micro_usd=250_000, per_minute=12_300),))
    row = next(each for each in shown(frame) if "a-run" in each)
    assert row.startswith("▸ a-run-with-a-lo")
    assert [word in row for word in ("generating", "3h", "7/12", "$0.2500 5%", "$0.0123")] == [True] * 5


def test_only_as_many_runs_are_drawn_as_there_is_room_for_and_the_rest_is_counted():
    frame = Frame(at=AT, running=31, waiting=0, runs=tuple(line(number) for number in range(20)))
    drawn = shown(frame, height=14)
    assert len(drawn) <= 14
    assert f"and {31 - sum('a-run' in each for each in drawn)} more" in drawn


def test_a_bar_is_always_full_and_shows_even_one_failure_among_thousands():
    drawn = bar(Progress(total=10_000, published=9_998, failed=1, running=1), 10).plain
    assert (len(drawn), drawn.count("✗"), drawn.count("▒")) == (10, 1, 1)
    assert bar(Progress(total=3, published=1), 10).plain == "███·······"
    assert bar(None, 4).plain == "    "


def test_what_people_and_models_write_cannot_steer_the_terminal():
    frame = Frame(
        at=AT, running=1, waiting=1, runs=(line(id="\x1b[2Jrun"),), questions=(question(reason="\x1b]0;x\x07 [red]y"),)
    )
    text = "\n".join(shown(frame))
    assert "\x1b" not in text
    assert "[red]y" in text


def test_a_long_run_is_counted_by_its_counts_not_by_the_rows_it_still_holds():
    rows = (
        ItemRow(key="a", status="published"),
        ItemRow(key="b", status="generating"),
        ItemRow(key="c", status="awaiting_review"),
    )
    counts = {"published": 900, "rejected": 2, "failed": 3, "cancelled": 1}
    state = RunState(id="x", pipeline="p", status="generating", total=1_000, counts=counts, items=rows, started_at=AT)
    progress = Progress.of(state)
    assert progress == Progress(total=1_000, published=900, waiting=1, failed=6, running=1)
    assert progress.to_come == 92


def test_without_a_ledger_the_difference_between_looks_is_the_burn():
    pace = Pace()
    pace.add(AT, {"x": 1_000})
    assert pace.per_minute("x") is None
    pace.add(AT + timedelta(seconds=30), {"x": 6_000, "y": 1})
    assert (pace.per_minute("x"), pace.per_minute("y"), pace.per_minute("z")) == (10_000, None, None)
    pace.add(AT + timedelta(seconds=80), {"x": 6_000})
    assert pace.per_minute("x") == 0


async def test_a_database_that_is_none_gives_no_burn(tmp_path):
    (tmp_path / "broken.db").write_text("no database")
    ledger = LastMinute(f"sqlite:///{tmp_path}/broken.db")
    assert [await ledger.read(now()), await ledger.read(now())] == [None, None]
    ledger.close()
