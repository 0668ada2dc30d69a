"""One Temporal server for all scenarios: the real one, embedded. Where they keep things is for `--stores` to say."""

import pytest

from screentest.fixtures import temporal_server
from tests.conftest import STORES
from tests.scenarios.stage import staged

__all__ = ["play", "server", "stores", "temporal_server"]


def pytest_generate_tests(metafunc):
    """Play what is marked `every_store` on each kind of stores, unless all scenarios are played on one."""
    if metafunc.definition.get_closest_marker("every_store") and metafunc.config.getoption("--stores") == STORES[0]:
        metafunc.parametrize("stores", STORES, indirect=True)


@pytest.fixture
def server(temporal_server):
    """The address of a Temporal server that lives as long as the test run."""
    return temporal_server


@pytest.fixture
def stores(request):
    """The settings that say where a stage keeps things; none for SQLite and a folder."""
    if getattr(request, "param", request.config.getoption("--stores")) == STORES[0]:
        return {}
    return {"database": request.getfixturevalue("migrated_postgres_url"), "assets": request.getfixturevalue("s3_url")}


@pytest.fixture
def play(server, tmp_path, stores):
    """Set a stage for a player: `async with play(Script(...)) as stage`."""

    def set_stage(player, *, settings=None, **more):
        return staged(server, tmp_path / "home", player, settings={**stores, **(settings or {})}, **more)

    return set_stage
