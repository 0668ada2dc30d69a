"""One Temporal server for all scenarios: the real one, embedded."""

import pytest

from console.processes import free_port
from tests.scenarios.stage import staged
from tests.scenarios.temporal import serve


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a Temporal server that lives as long as the test run."""
    port = free_port()
    with serve(port, tmp_path_factory.mktemp("temporal") / "temporal.db"):
        yield f"127.0.0.1:{port}"


@pytest.fixture
def play(server, tmp_path):
    """Set a stage for a player: `async with play(Script(...)) as stage`."""
    return lambda player, **more: staged(server, tmp_path / "home", player, **more)
