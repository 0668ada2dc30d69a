"""Fixtures for pytest: in your `conftest.py`, `from screentest.fixtures import play, temporal_server`.

Tests are async functions, so you also need `pytest-asyncio` with `asyncio_mode = "auto"`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from console.processes import free_port
from rehearsal.player import Player
from screentest.servers import serve
from screentest.stage import Stage, staged

Play = Callable[..., AbstractAsyncContextManager[Stage]]
"""`async with play(player, tools=..., pipelines=..., dependencies=...) as stage:`, with the words of `staged`."""


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a Temporal server that lives as long as the test run."""
    port = free_port()
    with serve(port, tmp_path_factory.mktemp("temporal") / "temporal.db"):
        yield f"127.0.0.1:{port}"


@pytest.fixture
def play(temporal_server: str, tmp_path: Path) -> Play:
    """Give the function that sets a stage for a player; each stage has stores and queues of its own."""

    def set_stage(player: Player, **more: Any) -> AbstractAsyncContextManager[Stage]:  # noqa: ANN401 - as `staged`
        return staged(temporal_server, tmp_path / "home", player, **more)

    return set_stage
