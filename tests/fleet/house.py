"""A fleet on this machine: PostgreSQL, S3, a Temporal server on a file, the rehearsal, and workers of two versions."""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.assets import Assets
from activities.database import Database
from activities.signing import Signer
from console.processes import free_port
from rehearsal.server import Rehearsal
from screentest.servers import serve
from tests.chaos.processes import ROOT, WORKER, kill, ready
from tests.fleet.load import Cast
from tests.fleet.s3 import S3
from tests.fleet.versions import DEPLOYMENT

QUEUE = "fleet"
TENANT_DAY_USD = "5"
CAPS = {"tenant/day": 5_000_000, "fleet/day": 50_000_000}
REMEMBERED = 1_000_000


@dataclass
class Crew:
    """The workers, by version. Each may be killed; a version is asked to end once nobody needs it."""

    env: dict[str, str]
    folder: Path
    workers: dict[str, list["subprocess.Popen[str]"]] = field(default_factory=dict)
    coming: list["subprocess.Popen[str]"] = field(default_factory=list)

    async def start(self, version: str, count: int) -> None:
        """Start workers of a version, and wait until they serve."""
        own = self.env | {"TEMPORAL_DEPLOYMENT_NAME": DEPLOYMENT, "TEMPORAL_WORKER_BUILD_ID": version}
        new = [self._start(own, version) for _ in range(count)]
        self.coming += new
        for worker in new:
            if not await ready(worker):
                raise RuntimeError(f"a worker of {version} ended with {worker.wait()}; see {self.folder}")
            self.coming.remove(worker)
            self.workers.setdefault(version, []).append(worker)

    def _start(self, env: dict[str, str], version: str) -> "subprocess.Popen[str]":
        log = self.folder / f"worker-{version}-{len(list(self.folder.glob('worker-*')))}.log"
        with log.open("w") as errors:
            return subprocess.Popen(
                [sys.executable, str(WORKER)], env=env, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def kill(self, version: str, dice: random.Random) -> None:
        """`kill -9` one worker of a version."""
        worker = self.workers[version].pop(dice.randrange(len(self.workers[version])))
        kill(worker)

    async def drain(self, version: str) -> list[int]:
        """SIGTERM to all workers of a version; gives their exit codes."""
        leaving = self.workers.pop(version, [])
        for worker in leaving:
            worker.terminate()
        codes = [await asyncio.to_thread(worker.wait) for worker in leaving]
        for worker in leaving:
            kill(worker)
        return codes

    def end(self) -> None:
        """Kill all that are left."""
        for worker in (*self.coming, *(each for version in self.workers.values() for each in version)):
            kill(worker)


@dataclass(frozen=True)
class House:
    """Where the load runs. `place` is where the assets lie."""

    client: Client
    player: Cast
    rehearsal: Rehearsal
    database: Database
    place: str
    crew: Crew
    signer: Signer

    @property
    def assets(self) -> Assets:
        """The asset store."""
        return Assets.at(self.place)


@contextlib.asynccontextmanager
async def house(folder: Path, url: str, s3: S3, odds: float, seed: int) -> AsyncIterator[House]:
    """Start all but the workers."""
    port, signer, place = free_port(), Signer(Ed25519PrivateKey.generate(), "desk"), s3.url
    player = Cast(odds, seed)
    with serve(port, folder / "temporal.db"), reaching(s3):
        async with Rehearsal(player, remembered=REMEMBERED) as rehearsal:
            database = Database(url)
            database.prepare()
            crew = Crew(environment(folder, f"127.0.0.1:{port}", rehearsal.url, url, place, signer) | s3.env, folder)
            client = await Client.connect(f"127.0.0.1:{port}", data_converter=pydantic_data_converter)
            try:
                yield House(client, player, rehearsal, database, place, crew, signer)
            finally:
                crew.end()
                database.close()


@contextlib.contextmanager
def reaching(s3: S3) -> Iterator[None]:
    """Lead this process to the S3 server, and nobody who comes after."""
    before = dict(os.environ)
    os.environ.update(s3.env)
    try:
        yield
    finally:
        for name in s3.env:
            os.environ.pop(name)
        os.environ.update({name: before[name] for name in s3.env.keys() & before.keys()})


def environment(folder: Path, temporal: str, model: str, database: str, place: str, signer: Signer) -> dict[str, str]:
    """What every worker of the fleet has to know."""
    foreign = ("TEMPORAL_", "CALLSHEET_", "ANTHROPIC_", "AWS_", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {
        "TEMPORAL_ADDRESS": temporal,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "ANTHROPIC_BASE_URL": model,
        "ANTHROPIC_API_KEY": "rehearsal",
        "CALLSHEET_HOME": str(folder / "home"),
        "CALLSHEET_DATABASE": database,
        "CALLSHEET_ASSETS": place,
        "CALLSHEET_TASK_QUEUE": QUEUE,
        "CALLSHEET_DECISION_KEYS": signer.public_key,
        "CALLSHEET_TENANT_DAY_USD": TENANT_DAY_USD,
        "CALLSHEET_FLEET_DAY_USD": "50",
        "CALLSHEET_LOG_LEVEL": "warning",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
