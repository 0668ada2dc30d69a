"""Is a cap a cap? Many agents on several worker processes spend one dollar, with faults and `kill -9`.

    python -m bench.cap [--trials 100] [--parcels 64] [--workers 4] [--at-once 5] [--seed 1] [--postgres]

Each trial is a run of so many agents at once under a cap of $1.00; they work until the money ends. The model's replies
cost at random between a hundred and four thousand tokens; one in eight goes wrong on its way (overload, lost
connection, a stream that ends early). The seed of a trial says which. After some twenty calls a worker is killed, and
replaced. Afterwards the ledger is held against what the rehearsal of the model billed: spent must cover what was
billed, be what all attempts together count, and may not exceed the cap; nothing may stay reserved; and what is left
unused must be less than the most that any single call had reserved. Prints one line per trial, and ends with exit code
1 if any trial broke a rule.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import case, func, select

from activities.ledger import LedgerStore
from activities.ledger_tables import AttemptRow
from bench.cap_house import House, database_url, house
from bench.parcels import ParcelOrder
from workflows.models import AccountQuery, Spend, Standing

CAP = 1_000_000
DOLLAR = 1_000_000
PATIENCE = 3_600


@dataclass(frozen=True)
class Trial:
    """What one trial came to, in micro-dollars."""

    seed: int
    standing: Standing
    billed: int
    booked: int
    dearest: int
    calls: int
    unknown: int
    kills: int
    seconds: float

    @property
    def unused(self) -> int:
        """What the cap had left."""
        return CAP - self.standing.spent

    def broken(self) -> list[str]:
        """Name the rules that did not hold."""
        spent = self.standing.spent
        rules = {
            "spent more than the cap": spent > CAP,
            "billed more than was booked": self.billed > spent,
            "accounts and attempts differ": self.booked != spent,
            "left money reserved": self.standing.reserved != 0,
            "left more unused than one call may take": self.unused >= self.dearest,
        }
        return [name for name, broken in rules.items() if broken]


async def trial(here: House, seed: int, parcels: int) -> Trial:
    """Run one trial to its end and look into the books."""
    run = f"trial-{seed}"
    order = ParcelOrder(run=run, parcels=parcels, micro_usd=CAP)
    began, killed = time.monotonic(), here.crew.killed
    handle = await here.client.start_workflow("Parcels", order, id=run, task_queue="trials", result_type=Spend)
    await asyncio.wait_for(handle.result(), PATIENCE)
    standing = await LedgerStore(here.database).read(AccountQuery(account=f"run:{run}"))
    mine = [entry for entry in here.rehearsal.requests if f" of {run}." in str(entry.body)]
    lost = func.sum(case((AttemptRow.state == "unknown", 1), else_=0))
    sums = select(func.sum(AttemptRow.micro_usd), func.max(AttemptRow.reserved), func.count(), lost)
    of_run = sums.where(AttemptRow.conversation.like(f"{run}:%"))
    booked, dearest, calls, unknown = await here.database.read(lambda session: session.execute(of_run).one())
    return Trial(
        seed=seed,
        standing=standing,
        billed=sum(entry.micro_usd or 0 for entry in mine),
        booked=booked,
        dearest=dearest,
        calls=calls,
        unknown=unknown,
        kills=here.crew.killed - killed,
        seconds=time.monotonic() - began,
    )


async def main(options: argparse.Namespace) -> int:
    """Run all trials; returns how many broke a rule."""
    with tempfile.TemporaryDirectory(prefix="callsheet-cap-") as name:
        folder = Path(name)
        with database_url(folder, postgres=options.postgres) as url:
            async with house(folder, url, options.workers) as here:
                harassing = asyncio.create_task(_harass(here, options))
                done = await _trials(here, options)
                harassing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await harassing
                _sum_up(done, here.crew.killed, "PostgreSQL" if options.postgres else "SQLite")
    return sum(bool(each.broken()) for each in done)


async def _harass(here: House, options: argparse.Namespace) -> None:
    await here.crew.harass(random.Random(options.seed), lambda: len(here.rehearsal.requests), options.kill_every)


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
    print(
        f"{killed} workers killed, {min(each.kills for each in done)} to {max(each.kills for each in done)} in a trial"
    )
    unused, call = max(each.unused for each in done), min(each.dearest for each in done)
    print(f"spent {min(spent):.1%} to {max(spent):.1%} of the cap; most unused ${unused / DOLLAR:.6f}, ", end="")
    print(f"where one call reserved up to ${call / DOLLAR:.6f}")


def _print(result: Trial) -> None:
    print(
        f"trial {result.seed:>4}  spent ${result.standing.spent / DOLLAR:.6f}  billed ${result.billed / DOLLAR:.6f}  "
        f"reserved {result.standing.reserved}  attempts {result.calls}  unknown {result.unknown}  "
        f"kills {result.kills}  {result.seconds:.0f} s  {'; '.join(result.broken()) or 'holds'}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--parcels", type=int, default=64, help="agents at once under one cap")
    parser.add_argument("--workers", type=int, default=4, help="worker processes")
    parser.add_argument("--at-once", type=int, default=5, help="trials at the same time")
    parser.add_argument("--kill-every", type=int, default=20, help="calls of the model between two kills, on average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="on an embedded PostgreSQL instead of SQLite")
    sys.exit(1 if asyncio.run(main(parser.parse_args())) else 0)
