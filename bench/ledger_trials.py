"""Trials of the guarantee: processes with many callers under one cap, killed at random moments and replaced."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import signal
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import Text, select

from activities.conversation_tables import ConversationRow
from activities.database import Database
from activities.ledger import LedgerStore
from activities.ledger_rows import open_accounts
from activities.ledger_tables import AttemptRow
from bench.ledger_callers import LEAST, Caller, Truth
from workflows.models import AccountQuery, Cap, Standing

CAP = 1_000_000
PROCESSES = 4
CALLERS = 16
LEASE = timedelta(seconds=0.4)
PATIENCE = 60.0
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["bench.ledger_trials"])

NOTHING = Standing(account="")


@dataclass(frozen=True)
class Trial:
    """What one trial came to, in micro-dollars."""

    number: int
    kills: int
    seconds: float
    stuck: bool
    standing: Standing = NOTHING
    true: int = 0
    booked: int = 0
    hidden: int = 0
    calls: int = 0

    @property
    def unused(self) -> int:
        """What the cap had left."""
        return CAP - self.standing.spent

    def broken(self) -> list[str]:
        """Name the rules that did not hold."""
        rules = {
            "really cost more than the cap": self.true > CAP,
            "booked more than the cap": self.standing.spent > CAP,
            "booked less than it really cost": self.standing.spent < self.true,
            "a call that cost more than is booked for it": self.hidden > 0,
            "left money reserved": self.standing.reserved != 0,
            "left more unused than a call needs": self.unused >= LEAST,
            "accounts and attempts differ": self.booked != self.standing.spent,
            "did not end": self.stuck,
        }
        return [name for name, broken in rules.items() if broken]

    def line(self) -> str:
        """Say it in one line."""
        verdict = "; ".join(self.broken()) or "held"
        spent, true, unused = (micro / CAP for micro in (self.standing.spent, self.true, self.unused))
        return (
            f"trial {self.number}: {verdict}; true ${true:.4f}, spent ${spent:.4f}, unused ${unused:.4f}; "
            f"{self.calls} attempts, {self.kills} kills, {self.seconds:.1f} s"
        )


def open_run(database: Database, run: str, callers: int, cap: int) -> list[str]:
    """Open so many conversations under one run with a cap."""
    names = [f"{run}-{number}" for number in range(callers)]
    columns = ConversationRow.__table__.columns
    texts = {column.name: "bench" for column in columns if isinstance(column.type, Text) and not column.server_default}
    with database.transaction() as session:
        open_accounts(session, [Cap(account=f"run:{run}", micro_usd=cap)])
        for name in names:
            accounts = json.dumps([f"agent:{name}", f"run:{run}"])
            session.add(ConversationRow(**texts | {"id": name, "run": run, "accounts": accounts}))
    return names


def run_trial(database: Database, folder: Path, number: int, seed: int) -> Trial:
    """Run one trial: start processes, kill some of them, wait for the end, look into the books."""
    dice, began, run = random.Random(seed), time.monotonic(), f"trial-{number}-{seed}"
    names = open_run(database, run, PROCESSES * CALLERS, CAP)
    truth = Truth(folder / f"{run}.truth")
    shares = [names[place::PROCESSES] for place in range(PROCESSES)]
    running = {place: _start(database.url, truth, share, dice) for place, share in enumerate(shares)}
    kills, wanted = 0, dice.randrange(5)
    while any(process.is_alive() for process in running.values()) and time.monotonic() - began < PATIENCE:
        time.sleep(dice.uniform(0.02, 0.35))
        alive = [place for place, process in running.items() if process.is_alive()]
        if alive and kills < wanted:
            place, kills = dice.choice(alive), kills + 1
            _kill(running[place])
            running[place] = _start(database.url, truth, shares[place], dice)
    stuck = any(process.exitcode != 0 for process in running.values())
    for process in running.values():
        _kill(process)
    return _audit(database, truth, run, Trial(number, kills, time.monotonic() - began, stuck))


def _audit(database: Database, truth: Truth, run: str, trial: Trial) -> Trial:
    time.sleep(LEASE.total_seconds())
    ledger, costs = LedgerStore(database, lease=LEASE), truth.costs()
    asyncio.run(ledger.sweep())
    attempts = select(AttemptRow.id, AttemptRow.micro_usd).where(AttemptRow.conversation.startswith(f"{run}-"))
    with database.transaction() as session:
        booked = {row.id: row.micro_usd for row in session.execute(attempts)}
    return replace(
        trial,
        standing=asyncio.run(ledger.read(AccountQuery(account=f"run:{run}"))),
        true=sum(costs.values()),
        booked=sum(booked.values()),
        hidden=sum(cost > booked.get(attempt, -1) for attempt, cost in costs.items()),
        calls=len(booked),
    )


def _start(url: str, truth: Truth, names: list[str], dice: random.Random) -> BaseProcess:
    process = _PROCESSES.Process(target=_serve, args=(url, truth, names, dice.randrange(2**32)), daemon=True)
    process.start()
    return process


def _kill(process: BaseProcess) -> None:
    if process.pid is not None and process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.join()


def _serve(url: str, truth: Truth, names: list[str], seed: int) -> None:
    asyncio.run(_call(url, truth, names, seed))


async def _call(url: str, truth: Truth, names: list[str], seed: int) -> None:
    ledger = LedgerStore(Database(url), lease=LEASE)
    callers = [Caller(ledger, truth, name, seed + n, faults=True) for n, name in enumerate(names)]
    await asyncio.gather(*(caller.work(0.01) for caller in callers))
