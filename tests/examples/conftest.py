"""The same stage as the scenarios."""

from tests.scenarios.conftest import play, server

__all__ = ["play", "server"]
