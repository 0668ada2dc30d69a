"""Deciding at the terminal: signed with the key of the home folder, bound to what was seen, and on the record."""

import asyncio
import json
import os
import sys
from typing import NamedTuple

import pytest

from console.errors import Exit
from rehearsal.scripts import call
from tests.scenarios.agents import DONE, assistant, bodies, ended, last_words
from workflows.models import Question

HELP = call("escalate_to_human", reason="The door is locked.", question="Is there a key?")
OWN_KEYS = {"decision_keys": ()}


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def data(self):
        return json.loads(self.out)


@pytest.fixture
def starter(server, tmp_path, stores):
    """Run a command of the starter in the home of the stage."""

    async def run(*words: str) -> Said:
        settings = {"home": tmp_path / "home", **stores}
        own = {f"CALLSHEET_{name.upper()}": str(value) for name, value in settings.items()}
        env = {**os.environ, "TEMPORAL_ADDRESS": server, **own}
        command = (sys.executable, "starter.py", *words)
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(*command, env=env, **pipes)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return Said(process.returncode, out.decode(), err.decode())

    return run


async def test_an_operator_claims_releases_and_answers_and_the_trail_of_it_holds(play, starter, tmp_path):
    async with play(assistant(HELP, DONE), settings=OWN_KEYS) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        claimed = await starter("claim", handle.id, "--as", "Vera", "--json")
        held = await handle.query("question", result_type=Question)
        released = await starter("release", handle.id, "--as", "Vera")
        stale = await starter("answer", handle.id, "--note", "Climb.", "--digest", "0123456789abcdef")
        short = held.digest.removeprefix("sha256:")[:12]
        answered = await starter("answer", handle.id, "--note", "Climb.", "--as", "Vera", "--digest", short)
        outcome = await ended(handle)
        late = await starter("answer", handle.id, "--note", "Too late.")
        told = last_words(bodies(stage)[1])
        trail = tmp_path / "trail.jsonl"
        written = await starter("audit", handle.id, "--out", str(trail), "--json")
        whole = await starter("audit", "--verify", str(trail))
        trail.write_text(trail.read_text().replace("Climb.", "Jump.", 1))
        broken = await starter("audit", "--verify", str(trail))
    assert (claimed.code, claimed.data["choice"], held.claimed_by) == (Exit.OK, "claim", "Vera")
    assert released.out.startswith(f"Released: {handle.id}, by Vera.")
    assert (stale.code, "look again" in stale.err) == (Exit.CONFLICT, True)
    assert (answered.code, outcome.status, told) == (Exit.OK, "complete", ["Vera answers: Climb."])
    assert (late.code, "has ended" in late.err) == (Exit.CONFLICT, True)
    kinds = ["question", "claimed", "released", "conflict", "decided"]
    assert (written.code, written.data["records"], whole.code) == (Exit.OK, len(kinds), Exit.OK)
    assert (broken.code, "does not hold: line 5: its content is not what its hash says" in broken.err) == (
        Exit.BAD_FILE,
        True,
    )
