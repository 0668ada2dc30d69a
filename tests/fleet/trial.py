"""One trial of a fleet: a load, workers that are killed and rolled to new versions while it runs, and the oracle."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from activities.database import now
from activities.ledger import LedgerStore
from tests.fleet.evidence import Evidence
from tests.fleet.finding import Finding
from tests.fleet.house import CAPS, QUEUE, House
from tests.fleet.load import KINDS, PATIENT, TIGHT, Start, load
from tests.fleet.oracle import gather, judge
from tests.fleet.reviewers import deciding
from tests.fleet.versions import drained, make_current

BEAT = 0.05
PATIENCE = 3_600

Say = Callable[[str], None]


class Plan(NamedTuple):
    """What a trial is to be: so many runs for each tenant, and what happens to the workers meanwhile."""

    tenants: int
    runs: int
    workers: int
    rolls: int
    kills: int
    at_once: int
    seed: int = 1
    kinds: Sequence[str] = KINDS
    replace: bool = True

    @property
    def events(self) -> list[str]:
        """What happens to the workers, in order: kills spread over the time before, between and after the rolls."""
        rooms = self.rolls + 1
        return [
            event
            for room in range(rooms)
            for event in (*["kill"] * (self.kills * (room + 1) // rooms - self.kills * room // rooms), "roll")
        ][:-1]


@dataclass
class Trial:
    """A trial under way, and what it came to."""

    house: House
    plan: Plan
    say: Say
    version: int = 0
    ended: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    exits: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.plan.seed)
        self._coming: set[asyncio.Task[None]] = set()
        self._calm = asyncio.Event()

    @property
    def build(self) -> str:
        """The version that is current."""
        return f"build-{self.version}"

    async def run(self) -> tuple[Evidence, list[Finding]]:
        """Run it to its end, and have the oracle look."""
        started = await load(self.house.assets, self.plan.tenants, self.plan.runs, self.plan.kinds)
        greedy = started[-1].ordered.tenant
        await LedgerStore(self.house.database).set_cap(f"tenant:{greedy}/day", TIGHT, "operator")
        await self.house.crew.start(self.build, self.plan.workers)
        await make_current(self.house.client, self.build)
        async with (
            deciding(self.house.client, self.house.signer, QUEUE),
            self._trouble(sum(not (each.patient or each.late) for each in started)),
        ):
            gate = asyncio.Semaphore(self.plan.at_once)
            await asyncio.gather(*(self._one(each, gate) for each in started))
        told = await gather(
            [each.ordered for each in started],
            self.house.database,
            self.house.place,
            self.house.client,
            QUEUE,
            self.house.rehearsal.requests,
            CAPS,
        )
        return told, judge(told)

    async def _one(self, start: Start, gate: asyncio.Semaphore) -> None:
        if start.late:
            await self._calm.wait()
        async with gate:
            handle = await start.begin(self.house.client, QUEUE)
            await asyncio.wait_for(handle.result(), PATIENCE)
        self.ended += 1

    @asynccontextmanager
    async def _trouble(self, runs: int) -> AsyncIterator[None]:
        """Kill and roll while the runs are on their way; all of it has happened when the block ends."""
        trouble = asyncio.create_task(self._trouble_all(runs))
        try:
            yield
            await trouble
            await asyncio.gather(*self._coming)
        finally:
            for task in (trouble, *self._coming):
                task.cancel()

    async def _trouble_all(self, runs: int) -> None:
        events = self.plan.events
        try:
            for number, event in enumerate(events, 1):
                await self._until_ended(runs * number // (len(events) + 1))
                await (self._roll() if event == "roll" else self._kill())
        finally:
            self.house.player.calm = True
            self._calm.set()

    async def _until_ended(self, runs: int) -> None:
        while self.ended < runs or not self._replies_on_their_way():  # noqa: ASYNC110 - they are on their way elsewhere
            await asyncio.sleep(BEAT)

    def _replies_on_their_way(self) -> bool:
        young = now() - timedelta(seconds=PATIENT)  # an older one without an answer was dropped
        return any(not entry.status and entry.at > young for entry in self.house.rehearsal.requests[-50:])

    async def _kill(self) -> None:
        self.house.crew.kill(self.build, self._dice)
        self.kills[self.build] += 1
        self.say(f"killed one of {self.build}, {self.ended} runs have ended")
        if self.plan.replace:
            self._coming.add(asyncio.create_task(self.house.crew.start(self.build, 1)))

    async def _roll(self) -> None:
        """Start the new version beside the old, make it current, and end the old once nobody needs it."""
        old = self.build
        self.version += 1
        await self.house.crew.start(self.build, self.plan.workers)
        await make_current(self.house.client, self.build)
        self.say(f"rolled to {self.build}, {self.ended} runs have ended")
        self._coming.add(asyncio.create_task(self._leave(old)))

    async def _leave(self, old: str) -> None:
        await drained(self.house.client, old)
        self.exits.update(await self.house.crew.drain(old))
        self.say(f"{old} is gone, {self.ended} runs have ended")
