"""What things cost, summed where the ledger lies."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow
from activities.database import Database, now
from activities.ledger_accounts import Account, Caps, current, read_accounts
from activities.ledger_tables import AttemptRow
from workflows.models import Identity

LATEST = 5_000
"""Attempts that are looked at for what happens now: a long ledger costs no more than a short one."""
HOURS = 24

_COUNTED = case((AttemptRow.state == "open", AttemptRow.reserved), else_=AttemptRow.micro_usd)
_UNKNOWN = case((AttemptRow.state.in_(("billed", "free")), 0), else_=1)


class Cost(NamedTuple):
    """What one agent cost on one model; `unknown` calls are counted at what was reserved for them."""

    agent: str
    model: str
    calls: int
    micro_usd: int
    unknown: int


class Burn(NamedTuple):
    """What is spent now: in the last minute, and hour by hour, the oldest first."""

    per_minute: int
    hours: tuple[int, ...]

    @property
    def highest(self) -> int:
        """The dearest hour."""
        return max(self.hours, default=0)


class Costs:
    """Reads the ledger."""

    def __init__(self, database: Database, caps: Caps) -> None:
        """Read from `database`; `caps` are those that nobody set."""
        self._database, self._caps = database, caps

    async def of_run(self, run: str, item: str | None = None) -> tuple[Cost, ...]:
        """Sum a run, or one item of it, by agent and model, the dearest first."""
        here = [ConversationRow.run == run, *([ConversationRow.item == item] if item is not None else [])]
        return await self._database.read(lambda session: _summed(session, here))

    async def cap(self, account: str) -> Account:
        """Read how an account stands."""
        return (await self._accounts([account]))[0]

    async def periods(self, who: Identity) -> list[Account]:
        """Read the accounts of today and of this month that somebody may see."""
        at = now()
        names = ["fleet/day", "fleet/month"] if who.serves("*") else [f"tenant:{name}/day" for name in who.tenants]
        return await self._accounts([current(name, at) for name in names])

    async def burn(self, who: Identity) -> Burn:
        """Sum what is spent now, for the tenants of somebody."""
        at = now()
        rows = await self._database.read(lambda session: _latest(session, at, who))
        hours = [0] * HOURS
        for ended, amount in rows:
            hours[HOURS - 1 - int((at - ended) / timedelta(hours=1))] += amount
        minute = sum(amount for ended, amount in rows if ended > at - timedelta(minutes=1))
        return Burn(minute, tuple(hours))

    async def _accounts(self, names: Sequence[str]) -> list[Account]:
        found = await self._database.read(lambda session: read_accounts(session, names, self._caps))
        return [found[name] for name in names]


def _summed(session: Session, here: Sequence[ColumnElement[bool]]) -> tuple[Cost, ...]:
    columns = (func.count(), func.coalesce(func.sum(_COUNTED), 0), func.coalesce(func.sum(_UNKNOWN), 0))
    query = (
        select(ConversationRow.agent, AttemptRow.model, *columns)
        .join(AttemptRow, AttemptRow.conversation == ConversationRow.id)
        .where(*here)
        .group_by(ConversationRow.agent, AttemptRow.model)
    )
    found = [
        Cost(agent, model, calls, int(paid), int(open_)) for agent, model, calls, paid, open_ in session.execute(query)
    ]
    return tuple(sorted(found, key=lambda cost: (-cost.micro_usd, cost.agent)))


def _latest(session: Session, at: datetime, who: Identity) -> list[tuple[datetime, int]]:
    newest = select(AttemptRow.id).order_by(AttemptRow.id.desc()).limit(LATEST).subquery()
    query = select(AttemptRow.ended_at, AttemptRow.micro_usd).where(
        AttemptRow.id.in_(select(newest.c.id)),
        AttemptRow.ended_at > at - timedelta(hours=HOURS),
        AttemptRow.ended_at <= at,
    )
    if not who.serves("*"):
        mine = select(ConversationRow.id).where(ConversationRow.tenant.in_(who.tenants))
        query = query.where(AttemptRow.conversation.in_(mine))
    return [(ended, int(amount)) for ended, amount in session.execute(query) if ended is not None]
