"""How many calls a second the ledger can pay for while all of them are charged to the same day of the fleet.

Every call books twice (reserve, settle) on every account above it, and the widest row is everybody's: `fleet/day` and
`fleet/month`. Whoever books locks it until the transaction is committed, so the rate is bounded by how long it is held.
Measured with PostgreSQL: statements from the lock to the commit, milliseconds of one caller alone (the server is on
this machine), and calls a second of many callers, who do nothing else.
"""

import asyncio
import multiprocessing
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, Pool, event

from activities.database import Database
from activities.ledger import LedgerStore
from activities.ledger_bids import Bid, Bill, Held
from bench.ledger import opened
from bench.ledger_trials import open_run
from workflows.models import Usage

PLENTY = 10**12
WORST, COST = 25_000, 10_000
ALONE, CROWD, PROCESSES = 300, 32, 2
SECONDS = 12.0


class Watch:
    """Times how long a transaction of this process holds the accounts, and counts its statements meanwhile."""

    def __init__(self) -> None:
        """Have seen nothing."""
        self._here = threading.local()
        self.held: list[float] = []
        self.statements: list[int] = []

    def executed(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401
        """Begin at the lock of the accounts; count what follows."""
        if "FOR UPDATE" in statement and "accounts" in statement:
            self._here.since, self._here.count = time.perf_counter(), 0
        elif getattr(self._here, "since", None):
            self._here.count += 1

    def returned(self, *_: Any) -> None:  # noqa: ANN401
        """End where the connection goes back: the commit is done."""
        if since := getattr(self._here, "since", None):
            self.held.append(time.perf_counter() - since)
            self.statements.append(self._here.count + 1)  # and the commit
            self._here.since = None


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch every connection of this process."""
    watch = Watch()
    event.listen(Engine, "after_cursor_execute", watch.executed)
    event.listen(Pool, "checkin", watch.returned)
    yield watch
    event.remove(Engine, "after_cursor_execute", watch.executed)
    event.remove(Pool, "checkin", watch.returned)


async def pay(ledger: LedgerStore, conversation: str, turn: int) -> None:
    """Reserve and settle one call."""
    bid = Bid(uuid.uuid4().hex, conversation, 1, turn, "turn", "bench", WORST, WORST, "bench")
    held = await ledger.reserve(bid)
    if not isinstance(held, Held):
        raise TypeError(f"nothing was reserved: {held}")
    await ledger.settle(held.attempt, Bill(COST, True, Usage(input=COST)))


class Holds(NamedTuple):
    """How long both bookings of a call hold the accounts, in seconds, and how many statements that takes.

    `least` is what a tenth of them stay below: on a busy machine the others waited for a core.
    """

    least: float
    median: float
    statements: float


async def alone(database: Database) -> Holds:
    """Pay one call after the other."""
    ledger, (name,) = LedgerStore(database), open_run(database, "alone", 1, PLENTY)
    await pay(ledger, name, 0)
    with watched() as watch:
        for turn in range(1, ALONE + 1):
            await pay(ledger, name, turn)
    reserving, settling = watch.held[::2], watch.held[1::2]
    tenths = [statistics.quantiles(each, n=10) for each in (reserving, settling)]
    return Holds(
        least=sum(each[0] for each in tenths),
        median=sum(each[4] for each in tenths),
        statements=sum(statistics.median(watch.statements[place::2]) for place in (0, 1)),
    )


def _crowd(url: str, run: str, answers: Any) -> None:  # noqa: ANN401 - a queue of multiprocessing
    async def caller(ledger: LedgerStore, name: str, end: float) -> int:
        turn = 0
        while time.monotonic() < end:
            await pay(ledger, name, turn)
            turn += 1
        return turn

    async def work() -> int:
        database = Database(url)
        names, ledger = open_run(database, run, CROWD // PROCESSES, PLENTY), LedgerStore(database)
        end = time.monotonic() + SECONDS
        return sum(await asyncio.gather(*(caller(ledger, name, end) for name in names)))

    answers.put(asyncio.run(work()))


def together(url: str) -> float:
    """Let many callers of several processes pay at once; returns calls a second."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    crowd = [context.Process(target=_crowd, args=(url, f"crowd-{n}", answers)) for n in range(PROCESSES)]
    for each in crowd:
        each.start()
    paid = sum(answers.get(timeout=10 * SECONDS) for _ in crowd)
    for each in crowd:
        each.join()
    return paid / SECONDS


def measure_ledger() -> dict[str, float]:
    """Measure on an embedded PostgreSQL server."""
    with tempfile.TemporaryDirectory() as name, opened("postgresql", "", Path(name)) as database:
        held = asyncio.run(alone(database))
        rate = together(database.url)
    return {
        "hold_ms": round(held.least * 1_000, 2),
        "hold_ms_median": round(held.median * 1_000, 2),
        "held_statements": held.statements,
        "callers": CROWD,
        "calls_a_second": round(rate, 1),
    }
