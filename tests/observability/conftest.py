"""A stage whose worker is a process of its own, scraped by a Prometheus of the test's own."""

import contextlib
import json
from urllib.parse import urlsplit

import pytest

from screentest.fixtures import temporal_server
from tests.chaos.processes import environment, kill, ready, start_worker
from tests.observability.watch import watching
from tests.scenarios.conftest import server
from tests.scenarios.stage import staged

__all__ = ["server", "temporal_server"]


@pytest.fixture
def watched(server, tmp_path):
    """`async with watched(player) as (stage, watch)`: a worker serves, and is watched. Ends both."""

    @contextlib.asynccontextmanager
    async def set_up(player, **settings):
        async with staged(server, tmp_path / "home", player, working=False) as stage:
            env = environment(stage, server) | settings
            env |= {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"}
            with (tmp_path / "worker.log").open("w") as log:
                process = start_worker(env, stderr=log)
            try:
                told = json.loads(await ready(process))
                (tmp_path / "watch").mkdir()
                with watching(tmp_path / "watch", urlsplit(told["metrics"]).netloc) as watch:
                    watch.worker = process
                    yield stage, watch
            finally:
                kill(process)

    return set_up
