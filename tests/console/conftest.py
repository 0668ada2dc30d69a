import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.settings import Settings
from console.app import run
from console.launch import Parts
from console.stack import Running, Stack

ANSWERING = (
    "import http.server, sys\n"
    "class Handler(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200)\n"
    "        self.end_headers()\n"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n"
)


def staged_parts(worker: tuple[str, ...] = (sys.executable, "-m", "tests.console.stage")) -> Parts:
    return Parts(
        temporal=Parts.installed().temporal,
        rehearsal=(sys.executable, "-c", ANSWERING, "{port}"),
        worker=worker,
        desk=(),
    )


def environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "TEMPORAL_"))}


@pytest.fixture(scope="session")
def stage(tmp_path_factory) -> Iterator[tuple[Path, Running]]:
    """A whole stack that runs: a real server, and a worker with small workflows."""
    home = tmp_path_factory.mktemp("stage")
    stack = Stack(Settings(home=home), environ(), staged_parts())
    running, _ = asyncio.run(stack.up("demo", keep=True, say=lambda _: None))
    yield home, running
    stack.down()


class Shell:
    """Runs commands as a person does, and reads what they print."""

    def __init__(self, capsys) -> None:
        self._capsys = capsys
        self.code = 0
        self.out = ""
        self.err = ""

    def __call__(self, *words: str) -> int:
        self._capsys.readouterr()
        self.code = run(words)
        self.out, self.err = self._capsys.readouterr()
        return self.code

    def json(self, *words: str):
        self(*words, "--json")
        return json.loads(self.out)


@pytest.fixture
def shell(capsys, monkeypatch, tmp_path) -> Shell:
    """A shell in an empty folder with a home of its own and no server."""
    for name in list(os.environ):
        if name.startswith(("TEMPORAL_", "CALLSHEET_", "ANTHROPIC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CALLSHEET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)
    monkeypatch.chdir(tmp_path)
    return Shell(capsys)


@pytest.fixture
def staged(shell, stage, monkeypatch) -> Shell:
    """A shell whose home has a running stack."""
    monkeypatch.setenv("CALLSHEET_HOME", str(stage[0]))
    return shell
