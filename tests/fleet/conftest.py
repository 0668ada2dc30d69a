"""One Temporal server for the tests of a fleet, and what stands before it in production: TLS and keys."""

import pytest

from screentest.fixtures import temporal_server
from tests.scenarios.stage import staged

__all__ = ["play", "server", "temporal_server"]


@pytest.fixture
def server(temporal_server):
    """The address of a Temporal server that lives as long as the test run."""
    return temporal_server


@pytest.fixture
def play(server, tmp_path):
    """Set a stage for a player: `async with play(Script(...)) as stage`."""
    return lambda player, **more: staged(server, tmp_path / "home", player, **more)
