"""Sessions: kept in the house, known to a browser by a secret alone, changed at every sign-in."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete
from sqlalchemy.orm import Session as Transaction

from activities.database import Database, now
from activities.desk_tables import SessionRow
from workflows.models import Identity

KNOCKING = timedelta(minutes=15)
"""How long somebody may take to sign in."""
SEEN_AGAIN = timedelta(seconds=30)
"""A click is written down when the last one is longer ago: not every picture of a page is a write."""


class Session(BaseModel):
    """What a browser's secret stands for. `person` is None until the sign-in."""

    model_config = ConfigDict(frozen=True)

    digest: str
    person: Identity | None
    csrf: str
    data: Mapping[str, Any] = {}
    began_at: datetime
    seen_at: datetime
    ends_at: datetime

    def vouches(self, token: str) -> bool:
        """Tell whether a form was written for whoever is signed in here."""
        return hmac.compare_digest(self.csrf.encode(), token.encode())


class Sessions:
    """The store of sessions."""

    def __init__(self, database: Database, lifetime: timedelta, idle: timedelta) -> None:
        """Keep sessions in `database`, each for `lifetime` at most and for `idle` without a click."""
        self._database = database
        self._lifetime = lifetime
        self._idle = idle

    async def open(self, person: Identity | None = None) -> tuple[str, Session]:
        """Begin a session; returns the secret for the browser. Sessions that have ended are forgotten on the way."""
        secret, at = secrets.token_urlsafe(32), now()
        ends = at + (self._lifetime if person else KNOCKING)
        row = SessionRow(
            digest=_digest(secret),
            person=person.model_dump_json() if person else "",
            csrf=secrets.token_urlsafe(32),
            data="{}",
            began_at=at,
            seen_at=at,
            ends_at=ends,
        )
        await self._database.run(lambda transaction: _begin(transaction, row))
        return secret, _session(row)

    async def find(self, secret: str) -> Session | None:
        """Find the session of a secret, unless it has ended."""
        if not secret:
            return None
        digest, at = _digest(secret), now()
        row = await self._database.read(lambda transaction: transaction.get(SessionRow, digest))
        if row is None or row.ends_at <= at or row.seen_at + self._idle <= at:
            return None
        if row.seen_at + SEEN_AGAIN <= at:
            await self._change(digest, seen_at=at)
        return _session(row)

    async def alive(self, session: Session) -> bool:
        """Tell whether a session still stands, without counting as a click."""
        row = await self._database.read(lambda transaction: transaction.get(SessionRow, session.digest))
        at = now()
        return row is not None and row.ends_at > at and row.seen_at + self._idle > at

    async def leave(self, session: Session, **data: object) -> None:
        """Leave something for the next page that is shown in it; None takes it away."""
        kept = {name: each for name, each in {**session.data, **data}.items() if each is not None}
        await self._change(session.digest, data=json.dumps(kept))

    async def end(self, session: Session) -> None:
        """End a session at once."""
        gone = delete(SessionRow).where(SessionRow.digest == session.digest)
        await self._database.run(lambda transaction: transaction.execute(gone))

    async def _change(self, digest: str, **changes: object) -> None:
        def work(transaction: Transaction) -> None:
            if row := transaction.get(SessionRow, digest):
                for name, value in changes.items():
                    setattr(row, name, value)

        await self._database.run(work)


def _begin(transaction: Transaction, row: SessionRow) -> None:
    transaction.execute(delete(SessionRow).where(SessionRow.ends_at <= row.began_at))
    transaction.add(row)


def _session(row: SessionRow) -> Session:
    return Session(
        digest=row.digest,
        person=Identity.model_validate_json(row.person) if row.person else None,
        csrf=row.csrf,
        data=json.loads(row.data),
        began_at=row.began_at,
        seen_at=row.seen_at,
        ends_at=row.ends_at,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
