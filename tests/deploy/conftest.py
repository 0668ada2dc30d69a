"""The chart, rendered with the three value sets, each once."""

import pytest

from tests.deploy.cluster import SETS, Fleet


@pytest.fixture(params=SETS)
def fleet(request):
    """Each value set in turn."""
    return Fleet.of(request.param)


@pytest.fixture
def small():
    """Plain Deployments, a pool for each queue."""
    return Fleet.of("small")


@pytest.fixture
def large():
    """Versions by the Temporal Worker Controller."""
    return Fleet.of("large")
