"""The same stage as the scenarios."""

from screentest.fixtures import temporal_server
from tests.scenarios.conftest import play, server, stores

__all__ = ["play", "server", "stores", "temporal_server"]
