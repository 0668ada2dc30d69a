"""Real backends as processes of the test's own. `make test-backends` installs them apart and says where they are."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from console.processes import free_port
from screentest.servers import serve
from tests.scenarios.stage import staged

PATIENCE = 600
"""Seconds: the first start compiles 150 packages, on a machine that may have other things to do."""


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a Temporal server."""
    port = free_port()
    with serve(port, tmp_path_factory.mktemp("temporal") / "temporal.db"):
        yield f"127.0.0.1:{port}"


@pytest.fixture
def play(server, tmp_path):
    """Set a stage for a player."""
    return lambda player, **more: staged(server, tmp_path / "home", player, **more)


@pytest.fixture(scope="session")
def phoenix(tmp_path_factory):
    """The address of a Phoenix that keeps what it gets in a folder of this test run."""
    program = Path(os.environ.get("PHOENIX", ".venv-backends/bin/phoenix"))
    assert program.exists(), f"there is no {program}: run `make test-backends`, or name it in PHOENIX"
    home, port = tmp_path_factory.mktemp("phoenix"), free_port()
    env = {
        **os.environ,
        "PHOENIX_WORKING_DIR": str(home),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with (home / "phoenix.log").open("w") as log:
        process = subprocess.Popen([str(program), "serve"], env=env, stdout=log, stderr=log)
    try:
        _until_it_serves(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _until_it_serves(url, process):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, "Phoenix ended while it started"
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    raise AssertionError("Phoenix does not serve")
