"""The scenarios' stage, without workers: a chaos test starts and kills its own."""

import pytest

from screentest.fixtures import temporal_server
from tests.scenarios.conftest import server
from tests.scenarios.stage import staged

__all__ = ["server", "temporal_server"]


@pytest.fixture
def empty_stage(server, tmp_path):
    """`async with empty_stage(player) as stage`: nobody works on it yet."""
    return lambda player, address=server, **more: staged(address, tmp_path / "home", player, working=False, **more)
