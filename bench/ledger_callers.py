"""One caller of the ledger's benchmarks: it reserves, spends a random part of what it got, and settles."""

import asyncio
import os
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from activities.ledger import LedgerStore
from activities.ledger_bids import Bid, Bill, Denied, Held
from workflows.models import Usage

T = TypeVar("T")

WORST = 25_000
"""What a call wants, in micro-dollars: its worst case."""

LEAST = 8_000
"""What a call cannot be made below."""

SOON = (0.1, 0.4)
ENDINGS = {
    "settled": 66,
    "settled twice": 4,
    "refused": 8,
    "of unknown price": 4,
    "lost": 4,
    "lost, and found": 4,
    "silent": 5,
    "late": 5,
}
"""How calls end when there are faults, by their weight."""

_REPEATED = 0.05


@dataclass
class Tally:
    """What a caller has seen."""

    calls: int = 0
    waits: int = 0
    denials: int = 0
    retries: int = 0


@dataclass(frozen=True)
class Truth:
    """An append-only file of what calls really cost, written before anybody can settle them."""

    path: Path

    def bill(self, attempt: int, micro_usd: int) -> None:
        """Write one cost; a line this short is written whole or not at all."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{attempt} {micro_usd}\n".encode())
        os.close(file)

    def costs(self) -> dict[int, int]:
        """Read the cost of every attempt that cost anything."""
        if not self.path.exists():
            return {}
        return {int(attempt): int(cost) for attempt, cost in (line.split() for line in self.path.open())}


class Caller:
    """Calls until the money ends; with `faults`, some of its calls go wrong in every way that calls do."""

    def __init__(self, ledger: LedgerStore, truth: Truth, conversation: str, seed: int, *, faults: bool) -> None:
        self._ledger = ledger
        self._truth = truth
        self._conversation = conversation
        self._dice = random.Random(seed)
        self._faults = faults
        self.tally = Tally()

    async def work(self, seconds: float) -> Tally:
        """Call until the ledger says that waiting helps no more; each call takes about `seconds`."""
        turn = 1
        while (answer := await self._reserve(turn)) is not None:
            await asyncio.sleep(self._dice.uniform(0.2, 1.8) * seconds)
            await self._end(answer)
            self.tally.calls += 1
            turn += 1
        return self.tally

    async def _reserve(self, turn: int) -> Held | None:
        bid = Bid(uuid.uuid4().hex, self._conversation, 1, turn, "turn", "bench", WORST, LEAST, "bench")
        while isinstance(answer := await self._surely(lambda: self._ledger.reserve(bid)), Denied):
            if not answer.others:  # no wait helps
                self.tally.denials += 1
                return None
            self.tally.waits += 1
            await asyncio.sleep(self._dice.uniform(*SOON))
        if self._faults and self._dice.random() < _REPEATED:  # an activity that is repeated asks with the same key
            assert await self._surely(lambda: self._ledger.reserve(bid)) == answer
        return answer

    async def _end(self, held: Held) -> None:
        ending = self._dice.choices(tuple(ENDINGS), tuple(ENDINGS.values()))[0] if self._faults else "settled"
        if ending == "refused":
            await self._surely(lambda: self._ledger.release(held.attempt, "overloaded"))
            return
        cost = min(int(self._dice.uniform(0.2, 0.6) * WORST), held.micro_usd)
        self._truth.bill(held.attempt, cost)
        if ending in {"lost", "lost, and found"}:
            await self._surely(lambda: self._ledger.lose(held.attempt, "the stream broke"))
        if ending == "late":
            await asyncio.sleep(self._ledger.lease.total_seconds() * 1.3)
        if ending not in {"lost", "silent"}:
            bill = Bill(cost, ending != "of unknown price", Usage(input=cost))
            for _ in range(2 if ending == "settled twice" else 1):
                await self._surely(lambda: self._ledger.settle(held.attempt, bill))

    async def _surely(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the database answers, as a retried activity does; all that is asked is harmless when repeated."""
        while True:
            try:
                return await ask()
            except OperationalError:
                self.tally.retries += 1
