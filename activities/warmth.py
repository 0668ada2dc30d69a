"""Warms a prefix of the prompt cache before many conversations use it.

A cached prefix can be read only once the first reply that wrote it has begun. Agents that start together would each
write it, at more than ten times the price of reading it. So one goes ahead, and the others wait until its reply has
begun, for a short time at most. Processes learn of each other through the database.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from activities.database import Base, Database, UtcDateTime, first, now

LASTS = timedelta(minutes=55)
"""How long a prefix is taken for warm after it was used: the cache keeps it for an hour."""

_NEAR_ITS_END = timedelta(minutes=15)
_POLL = 0.25


class WarmPrefixRow(Base):
    """One prefix by its digest: until when somebody is expected to have warmed it, and until when it is warm."""

    __tablename__ = "warm_prefixes"
    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    warming_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    warm_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class Warmth:
    """Tells who goes ahead with a prefix, and lets the others through when it is warm."""

    def __init__(self, database: Database, wait: timedelta = timedelta(seconds=15)) -> None:
        """Keep what is warm in `database`; nobody waits for somebody else longer than `wait`."""
        self._database = database
        self._wait = wait
        self._gates: dict[str, asyncio.Event] = {}
        self._warm: dict[str, datetime] = {}

    @asynccontextmanager
    async def behind(self, prefix: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Enter when the prefix is warm, or go ahead as the one who warms it; a warming that fails frees the others.

        The value is to be awaited when the reply has begun.
        """
        if (gate := self._gates.get(prefix)) is not None:
            await self._wait_for(gate)
            yield self.begun(prefix)
            return
        gate = self._gates[prefix] = asyncio.Event()
        ahead = False
        try:
            ahead = await self._comes_first(prefix)
            if not ahead:
                self._open(prefix, gate)
            yield self.begun(prefix)
        finally:
            self._open(prefix, gate)
            if ahead and not self._is_warm(prefix):
                await self._database.run(lambda session: _give_up(session, prefix))

    def begun(self, prefix: str) -> Callable[[], Awaitable[None]]:
        """Give what is to be awaited when a reply has begun that read or wrote this prefix: it is warm from then on."""

        async def began() -> None:
            if (gate := self._gates.get(prefix)) is not None:
                self._open(prefix, gate)
            at = now()
            if self._warm.get(prefix, at) - at > _NEAR_ITS_END:
                return
            self._remember(prefix, at + LASTS)
            await self._database.run(lambda session: _warm(session, prefix, at))

        return began

    def _is_warm(self, prefix: str) -> bool:
        return prefix in self._warm and self._warm[prefix] > now()

    def _remember(self, prefix: str, until: datetime) -> None:
        self._warm = {name: end for name, end in self._warm.items() if end > now()} | {prefix: until}

    def _open(self, prefix: str, gate: asyncio.Event) -> None:
        gate.set()
        if self._gates.get(prefix) is gate:
            del self._gates[prefix]

    async def _wait_for(self, gate: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(gate.wait(), self._wait.total_seconds())
        except TimeoutError:
            return

    async def _comes_first(self, prefix: str) -> bool:
        """Claim the warming, or wait until whoever claimed it in another process has done it, failed, or is late."""
        if self._is_warm(prefix):
            return False
        look = await self._database.read(lambda session: _look(session, prefix))
        if look.state == "cold":
            look = await self._database.run(lambda session: _claim(session, prefix, self._wait))
        late = time.monotonic() + self._wait.total_seconds()
        while look.state == "others" and time.monotonic() < late:
            await asyncio.sleep(_POLL * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the readers
            look = await self._database.read(lambda session: _look(session, prefix))
        if look.until is not None and look.state == "warm":
            self._remember(prefix, look.until)
        return look.state == "mine"


class Look(NamedTuple):
    """How a prefix stands: ours to warm, warmed by others just now, warm until a moment, or cold."""

    state: Literal["mine", "others", "warm", "cold"]
    until: datetime | None = None


def _look(session: Session, prefix: str) -> Look:
    row, at = session.get(WarmPrefixRow, prefix), now()
    if row is not None and row.warm_until is not None and row.warm_until > at:
        return Look("warm", row.warm_until)
    return Look("others" if row is not None and row.warming_until is not None and row.warming_until > at else "cold")


def _claim(session: Session, prefix: str, wait: timedelta) -> Look:
    first(session, WarmPrefixRow(prefix=prefix))
    row = session.get_one(WarmPrefixRow, prefix, with_for_update=True)
    look = _look(session, prefix)
    if look.state != "cold":
        return look
    row.warming_until = now() + wait
    return Look("mine")


def _warm(session: Session, prefix: str, at: datetime) -> None:
    first(session, WarmPrefixRow(prefix=prefix))
    row = session.get_one(WarmPrefixRow, prefix, with_for_update=True)
    row.warming_until, row.warm_until = None, at + LASTS


def _give_up(session: Session, prefix: str) -> None:
    row = session.get(WarmPrefixRow, prefix, with_for_update=True)
    if row is not None:
        row.warming_until = None
