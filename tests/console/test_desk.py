"""The review desk from the command line: served alone, beside the stack, and who is let in."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time

import pytest
from httpx2 import Client

from activities.settings import Settings
from console.errors import Exit
from console.launch import Parts
from console.stack import Stack
from desk.reviewers import Reviewers
from tests.console.conftest import ANSWERING, environ
from tests.console.test_demo import STARTER, hear_interrupts

WORKING = (sys.executable, "-m", "tests.console.stage")


def wait_for(read, seconds=60):
    end = time.monotonic() + seconds
    while not (found := read()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


@pytest.fixture
def desk(stage, tmp_path):
    """The command in a process of its own, beside the stack of the stage; a home of its own, so it is a first visit."""
    home = tmp_path / "home"
    env = environ() | {"TEMPORAL_ADDRESS": stage[1].address, "CALLSHEET_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(STARTER), "desk", "--port", "0", "--json"]
    process = subprocess.Popen(command, env=env, stdout=-1, stderr=-1, text=True, preexec_fn=hear_interrupts)  # noqa: PLW1509
    said = "".join(iter(process.stdout.readline, "}\n")) + "}"
    yield json.loads(said), process, home
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_served_alone_it_says_where_it_is_and_lets_its_first_visitor_in(desk):
    said, process, home = desk
    with Client(trust_env=False, timeout=30) as client:
        page = client.get(said["first_visit"])
        assert "Choose a password" in page.text
        assert client.get(f"{said['url']}/healthz").json() == {"alive": True}
    (reviewer,) = Reviewers(home / "reviewers.json").read().reviewers
    assert reviewer.person.role == "operator"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert "Traceback" not in out + err
    assert process.returncode in {0, Exit.INTERRUPTED}


def test_a_port_that_is_taken_is_said_in_one_line(staged, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert staged("desk", "--port", str(port)) == Exit.MISSING
    assert f"127.0.0.1:{port}" in staged.err
    assert "CALLSHEET_DESK_PORT" in staged.err


def test_a_person_is_invited_by_a_link_and_taken_out_again(shell, tmp_path):
    said = shell.json("desk", "--invite", "Rosa Quist", "--role", "lead", "--tenant", "acme", "--group", "night")
    reviewers = Reviewers(tmp_path / "home" / "reviewers.json")
    person, choose = reviewers.holder(said["link"].rpartition("/in/")[2])
    assert (person.name, person.role, person.tenants, person.groups) == ("Rosa Quist", "lead", ("acme",), ("night",))
    assert choose
    assert shell("desk", "--remove", "rosa quist") == Exit.OK
    assert shell("desk", "--remove", "rosa quist") == Exit.UNKNOWN_ID
    assert "Rosa" not in reviewers.path.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--invite", "Rosa", "--role", "king"), "--role"),
        (("--invite", "Ro\nsa"), "--invite"),
        (("--invite", "gate"), "--invite"),
        (("--port", "99999"), "--port"),
    ],
)
def test_what_cannot_be_is_said_by_its_name(shell, words, said):
    assert shell("desk", *words) == Exit.USAGE
    assert said in shell.err


def test_a_reviewers_file_that_is_wrong_says_where(shell, tmp_path):
    path = tmp_path / "home" / "reviewers.json"
    path.parent.mkdir()
    path.write_text('{"reviewers": [{"person": {"name": "A", "role": "king"}}]}')
    assert shell("desk", "--invite", "Rosa") == Exit.MISSING
    assert "reviewers.0.person.role" in shell.err


def test_a_setting_of_the_desk_that_is_wrong_is_named(shell, monkeypatch):
    monkeypatch.setenv("CALLSHEET_DESK_HOST", "0.0.0.0")
    assert shell("desk") == Exit.MISSING
    assert "CALLSHEET_DESK_URL" in shell.err


def test_a_stack_starts_the_desk_as_its_last_part_and_ends_it_first(tmp_path):
    parts = Parts(
        temporal=Parts.installed().temporal, rehearsal=(sys.executable, "-c", ANSWERING, "{port}"), worker=WORKING
    )
    stack = Stack(Settings(home=tmp_path), environ(), parts)
    running, _ = asyncio.run(stack.up("demo", keep=True, say=lambda _: None))
    try:
        assert [child.name for child in running.children][-1] == "desk"
        with Client(trust_env=False, timeout=30) as client:
            assert client.get(f"{running.desk}/readyz").status_code == 200
    finally:
        ended = stack.down()
    assert ended[0] == "desk"
    assert not any(child.alive for child in running.children)
