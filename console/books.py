"""Reads the ledger for people: where accounts stand, how they hang together, and who spent today."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow
from activities.database import Database
from activities.ledger_accounts import current, read_accounts
from activities.ledger_rows import Caps
from activities.ledger_tables import AccountRow, AttemptRow
from workflows.models import Standing

MOST_RUNS = 20
AT_ONCE = 500
"""Names in one query; a run of ten thousand items has tens of thousands of accounts."""


class Line(BaseModel):
    """One account as it is shown: `depth` is how far below the first one it lies, `today` what a run spent today."""

    model_config = ConfigDict(frozen=True)

    standing: Standing
    depth: int = 0
    today: int | None = None

    @property
    def used(self) -> float | None:
        """Say which part of the cap is spent or held; None without a cap."""
        cap, gone = self.standing.cap, self.standing.spent + self.standing.reserved
        return None if cap is None else gone / cap if cap else 1.0

    def data(self) -> dict[str, Any]:
        """Say it for a program."""
        standing = self.standing
        amounts = {"cap": standing.cap, "spent": standing.spent, "reserved": standing.reserved, "left": standing.left}
        today = {} if self.today is None else {"today_micro_usd": self.today}
        named = {f"{name}_micro_usd": value for name, value in amounts.items()}
        return {"account": standing.account, "depth": self.depth, **named, "used": self.used, **today}


class Books:
    """The ledger's accounts, and the conversations that are charged to them."""

    def __init__(self, database: Database, caps: Caps) -> None:
        """Read from `database`; `caps` are the standard caps of periods."""
        self._database = database
        self._caps = caps

    async def standing(self, account: str) -> Standing:
        """Tell where one account stands; one that nobody charged yet has spent nothing."""
        return next(iter(await self._database.read(lambda session: self._read(session, [account]))))

    async def known(self, account: str) -> bool:
        """Tell whether there is such an account."""
        query = select(AccountRow.name).where(AccountRow.name == account)
        return await self._database.read(lambda session: session.scalar(query)) is not None

    async def periods(self, at: datetime) -> list[Line]:
        """Tell where the fleet and its tenants stand at the moment `at`."""

        def work(session: Session) -> list[Line]:
            names = [current(rule, at) for rule in ("fleet/day", "fleet/month")]
            return [Line(standing=each) for each in self._read(session, [*names, *_tenants(session, at)])]

        return await self._database.read(work)

    async def spenders(self, at: datetime, limit: int = MOST_RUNS) -> list[Line]:
        """Tell which runs spent on the UTC day of `at`, the dearest first."""

        def work(session: Session) -> list[Line]:
            today = {f"run:{run}": int(spent) for run, spent in session.execute(_spent_on(at, limit))}
            return [Line(standing=each, today=today[each.account]) for each in self._read(session, list(today))]

        return await self._database.read(work)

    async def below(self, account: str, run: str) -> list[Line]:
        """Tell where an account of a run stands and all those below it, each under its own, the dearest first."""

        def work(session: Session) -> list[Line]:
            below = _below(session, run)
            known = {each.account: each for each in self._read(session, [name for name, _ in _walk(below, account)])}
            for names in below.values():
                names.sort(key=lambda name: -known[name].spent if name in known else 0)
            return [Line(standing=known[name], depth=depth) for name, depth in _walk(below, account)]

        return await self._database.read(work)

    def _read(self, session: Session, names: Sequence[str]) -> Iterator[Standing]:
        for start in range(0, len(names), AT_ONCE):
            for each in read_accounts(session, names[start : start + AT_ONCE], self._caps).values():
                yield Standing(account=each.name, cap=each.cap, spent=each.spent, reserved=each.reserved)


def _tenants(session: Session, at: datetime) -> list[str]:
    """Name the accounts of all tenants that were charged on the day of `at`, or have a cap of their own."""
    found = session.scalars(select(AccountRow.name).where(AccountRow.name.startswith("tenant:")))
    return sorted({name for each in found if (name := current(each, at)).endswith(f"/day/{at:%Y-%m-%d}")})


def _spent_on(at: datetime, limit: int) -> Select[str, Any]:
    midnight = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    counted = case((AttemptRow.state == "open", AttemptRow.reserved), else_=AttemptRow.micro_usd)
    spent = func.sum(counted)
    query = select(ConversationRow.run, spent).join(AttemptRow, AttemptRow.conversation == ConversationRow.id)
    query = query.where(AttemptRow.started_at >= midnight, AttemptRow.started_at < midnight + timedelta(days=1))
    return (
        query.group_by(ConversationRow.run).having(spent > 0).order_by(spent.desc(), ConversationRow.run).limit(limit)
    )


def _below(session: Session, run: str) -> dict[str, list[str]]:
    """Say which accounts lie directly below each: every conversation knows its chain, the nearest first."""
    below: dict[str, dict[str, None]] = {}
    for chain in session.scalars(select(ConversationRow.accounts).where(ConversationRow.run == run)):
        for name, above in pairwise(json.loads(chain)):
            below.setdefault(above, {})[name] = None
    return {above: list(names) for above, names in below.items()}


def _walk(below: Mapping[str, Sequence[str]], account: str, depth: int = 0) -> Iterator[tuple[str, int]]:
    yield account, depth
    for name in below.get(account, ()):
        yield from _walk(below, name, depth + 1)
