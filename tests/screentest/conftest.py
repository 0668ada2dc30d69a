"""The kit's own fixtures, as a user imports them."""

from screentest.fixtures import play, temporal_server

__all__ = ["play", "temporal_server"]
