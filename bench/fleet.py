"""Does a fleet lose or double anything, or pass a cap, while it is rolled to new versions and its workers are killed?

    python -m bench.fleet [--runs 240] [--tenants 6] [--rolls 2] [--kills 4] [--workers 4] [--at-once 16] [--seed 1]

Starts PostgreSQL, an S3 server, a Temporal server on a file, the rehearsal of the model with faults, and worker
processes of a versioned deployment. Of the runs, spread over the tenants, some are shoots that pass at once, are
refined, or go to people, whom two reviewers answer at the same moment; some are agents; those of the last tenant want
more than its cap of the day. Rolls and kills are spread over the load. Afterwards the oracle (tests/fleet/oracle.py)
reads the database, the ledger, the asset store, the endpoint's bills and every history. Prints what it looked at and
what it found, and ends with exit code 1 if it found anything.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from activities.ledger_tables import AccountRow
from bench.ledger import embedded
from tests.fleet.evidence import Evidence
from tests.fleet.finding import Finding
from tests.fleet.house import house
from tests.fleet.load import TIGHT
from tests.fleet.oracle import figures, tally
from tests.fleet.s3 import serving_s3
from tests.fleet.trial import Plan, Trial

DOLLAR = 1_000_000


async def main(options: argparse.Namespace) -> int:
    """Run one trial, and tell what came of it; returns how much the oracle found."""
    tenants, runs = options.tenants, -(-options.runs // options.tenants)
    plan = Plan(tenants, runs, options.workers, options.rolls, options.kills, options.at_once, options.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callsheet-fleet-") as name:
        folder = Path(name)
        with embedded() as url, serving_s3(folder / "s3") as s3:
            async with house(folder, url, s3, options.odds, options.seed) as here:
                trial = Trial(
                    here, plan, say=lambda text: print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)
                )
                told, found = await trial.run()
                _tell(trial, told, found)
    used = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    print(f"{cpu:.0f} s of CPU in all, servers included; {time.monotonic() - began:.0f} s")
    return len(found)


def _tell(trial: Trial, told: Evidence, found: list[Finding]) -> None:
    chains: dict[str, set[str]] = {}
    for each in told.chronicles:
        chains.setdefault(each.workflow, set()).update(each.versions)
    moved = sum(len(versions) > 1 for versions in chains.values())
    print("looked at " + ", ".join(f"{count} {what}" for what, count in figures(told).items()))
    print(
        f"{trial.kills.total()} workers killed, {trial.version} rolls, {moved} runs went on with a new version, "
        f"{trial.house.player.faults} replies went wrong, drained workers ended with {dict(trial.exits)}"
    )
    greedy = told.orders[-1].tenant
    spent = [row.spent for row in told.of(AccountRow) if row.name.startswith(f"tenant:{greedy}/day/")]
    print(f"of ${TIGHT / DOLLAR:.2f} a day, the tenant that wanted more has spent ${sum(spent) / DOLLAR:.6f}")
    print("found " + ", ".join(f"{count} {kind}" for kind, count in tally(found).items()))
    for finding in found:
        print(f"  {finding.kind}: {finding.what}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=240, help="runs of all tenants together")
    parser.add_argument("--tenants", type=int, default=6)
    parser.add_argument("--rolls", type=int, default=2, help="how often all workers are replaced by a new version")
    parser.add_argument("--kills", type=int, default=4, help="workers killed, and replaced")
    parser.add_argument("--workers", type=int, default=4, help="worker processes of a version")
    parser.add_argument("--at-once", type=int, default=16, help="runs at the same time")
    parser.add_argument("--odds", type=float, default=0.1, help="part of the model's replies that go wrong")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(1 if asyncio.run(main(parser.parse_args())) else 0)
