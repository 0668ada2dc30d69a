"""Operators pause, resume and cancel parts of the fleet: named, shown before it is done, signed, and on the record."""

import asyncio
import json
import secrets
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from activities.connection import connect_to
from activities.database import Database
from activities.settings import Settings
from console.errors import Exit


@pytest.fixture
def waiting(staged, stage):
    """Two runs of one tenant that wait as if they were paused, and one of another."""
    ours = secrets.token_hex(2)
    runs = {f"fern-{ours}-1": "fern", f"fern-{ours}-2": "fern", f"moss-{ours}": "moss"}
    for run, tenant in runs.items():
        Path("order.yaml").write_text(f"goal: wait\ntenant: {tenant}\n")
        assert staged("start", "agent", "order.yaml", "--id", run) == Exit.OK
    staged.runs = list(runs)
    until(stage, f"WorkflowId in {tuple(runs)} and CallsheetStatus = 'paused'", 3)
    yield staged
    asyncio.run(end(stage[1].address, *runs))


async def end(address, *runs):
    client = await connect_to(address)
    for run in runs:
        handle = client.get_workflow_handle(run)
        if (await handle.describe()).close_time is None:
            await handle.terminate()


def until(stage, query, number):
    async def count():
        return (await (await connect_to(stage[1].address)).count_workflows(query)).count

    limit = time.monotonic() + 60
    while asyncio.run(count()) < number:
        assert time.monotonic() < limit, query
        time.sleep(0.2)


def test_a_pause_is_signed_listed_and_ended_by_name_and_tells_what_waits(waiting, stage):
    part = ("--pipeline", "single_agent", "--tenant", "fern")
    paused = waiting.json("pause", *part, "--reason", "new prices", "--as", "Ines")
    assert (waiting.code, paused["running"]) == (Exit.OK, 2)
    assert waiting("pause", *part) == Exit.CONFLICT
    [line] = waiting.json("pauses")
    assert (line["tenant"], line["by"], line["reason"], line["signature"]) == ("fern", "Ines", "new prices", "holds")
    assert waiting("resume", "--tenant", "fern") == Exit.CONFLICT
    assert "paused is: --pipeline single_agent --tenant fern" in waiting.err
    assert waiting.json("resume", *part, "--as", "Vera")["told"] == 2
    until(stage, f"WorkflowId in {tuple(waiting.runs[:2])} and ExecutionStatus = 'Completed'", 2)
    assert waiting.json("status", waiting.runs[2])["running"]
    assert waiting.json("pauses") == []


def test_an_act_that_somebody_changed_in_the_database_is_no_longer_proved(waiting):
    waiting("pause", "--tenant", "moss", "--reason", "asked by legal")
    database = Database(Settings().database_url)
    change = text("UPDATE fleet_acts SET body = replace(body, 'asked by legal', 'a whim')")
    asyncio.run(database.run(lambda session: session.execute(change)))
    database.close()
    [line] = waiting.json("pauses")
    waiting("resume", "--tenant", "moss")
    assert line["signature"] == "does not hold"


def test_a_part_of_the_fleet_is_shown_before_it_is_cancelled_and_the_act_is_on_the_trail(waiting, stage):
    shown = waiting.json("cancel", "--tenant", "fern")
    assert (shown["running"], shown["cancelled"]) == ({"SingleAgent, paused": 2}, 0)
    done = waiting.json("cancel", "--tenant", "fern", "--yes", "--reason", "wrong tenant", "--as", "Ines")
    assert (waiting.code, done["cancelled"]) == (Exit.OK, 2)
    until(stage, f"WorkflowId in {tuple(waiting.runs[:2])} and ExecutionStatus = 'Canceled'", 2)
    assert waiting.json("status", waiting.runs[2])["running"]
    assert waiting("audit", "--since", "1h", "--out", "trail.jsonl") == Exit.OK
    acts = [json.loads(line) for line in Path("trail.jsonl").read_text().splitlines()]
    last = [act for act in acts if act.get("of") == "fleet"][-1]
    assert (last["kind"], last["by"], last["reason"], last["found"]) == ("cancel", "Ines", "wrong tenant", 2)
    assert waiting("audit", "--verify", "trail.jsonl") == Exit.OK


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause",), "name a part of the fleet, or say --all"),
        (("pause", "--all", "--tenant", "x"), "--all names everything"),
        (("pause", "--pipeline", "Image Production"), "a pipeline is named like image_production"),
        (("resume", "--all", "--reason", "r" * 201), "201 characters; at most 200"),
        (("cancel",), "name a part of the fleet"),
        (("cancel", "some-run", "--all"), "but not both"),
        (("cancel", "--batch", "b", "--tenant", "x"), "--batch names its runs by itself"),
    ],
)
def test_what_names_no_part_of_the_fleet_is_wrong_usage(shell, words, said):
    assert shell(*words) == Exit.USAGE
    assert said in shell.err
