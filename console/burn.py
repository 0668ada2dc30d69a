"""How fast runs spend: from the ledger's attempts of the last minute, else from the difference between looks."""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow
from activities.database import Database
from activities.ledger_tables import AttemptRow

MINUTE = timedelta(minutes=1)
LATEST = 5_000
"""Attempts that are looked at: the latest, so that a long ledger costs no more than a short one."""
PATIENCE = 2.0
"""Seconds after which a silent database is asked no more."""


class LastMinute:
    """The ledger's view. It makes nothing: a house without a ledger has no figures."""

    def __init__(self, url: str) -> None:
        """Read from the database at `url`, when there is one."""
        self._database = Database(url) if _exists(url) else None

    async def read(self, at: datetime) -> Mapping[str, int] | None:
        """Sum what each run spent in the minute before `at`; None when the ledger cannot be read."""
        if self._database is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._database.read(lambda session: _spent(session, at))
        except (SQLAlchemyError, OSError, TimeoutError):
            self._database = None
            return None

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()


class Pace:
    """What looks at the same runs show: who spent how much since the first look of the last minute."""

    def __init__(self) -> None:
        """Begin without a look."""
        self._seen: dict[str, deque[tuple[datetime, int]]] = {}

    def add(self, at: datetime, spent: Mapping[str, int]) -> None:
        """Remember what runs had spent at that moment; those that are gone are forgotten."""
        self._seen = {run: self._seen.get(run, deque()) for run in spent}
        for run, amount in spent.items():
            looks = self._seen[run]
            looks.append((at, amount))
            while at - looks[0][0] > MINUTE:
                looks.popleft()

    def per_minute(self, run: str) -> int | None:
        """Say what a run spends in a minute; None until there are two looks at it."""
        looks = self._seen.get(run)
        if not looks or looks[-1][0] <= looks[0][0]:
            return None
        (began, before), (ended, after) = looks[0], looks[-1]
        return round((after - before) * (MINUTE / (ended - began)))


def _exists(url: str) -> bool:
    # SQLite would make an empty file where there is none.
    known = make_url(url)
    return known.get_backend_name() != "sqlite" or Path(known.database or "").is_file()


def _spent(session: Session, at: datetime) -> dict[str, int]:
    latest = select(AttemptRow.id).order_by(AttemptRow.id.desc()).limit(LATEST).subquery()
    query = (
        select(ConversationRow.run, func.sum(AttemptRow.micro_usd))
        .join(AttemptRow, AttemptRow.conversation == ConversationRow.id)
        .where(AttemptRow.id.in_(select(latest.c.id)), AttemptRow.ended_at > at - MINUTE)
        .group_by(ConversationRow.run)
    )
    return {run: int(spent) for run, spent in session.execute(query)}
