"""What operators do to the whole fleet or a part of it: pause, resume, cancel. Each act is signed and kept."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from activities.database import Database, now
from activities.fleet_tables import FleetActRow, PauseRow
from activities.keys import Keyring
from activities.signing import Signer

Kind = Literal["pause", "resume", "cancel"]
DOMAIN = b"callsheet-fleet-act-1\n"
"""Stands before every signed act, so that a signature made for something else is never one of an act."""


class Part(NamedTuple):
    """A part of the fleet: a pipeline, a tenant, or one of the other; empty means every one."""

    pipeline: str = ""
    tenant: str = ""
    batch: str = ""

    def __str__(self) -> str:
        """Name it for people."""
        parts = [f"{name} {value}" for name, value in zip(self._fields, self, strict=True) if value]
        return ", ".join(parts) or "everything"


class Act(NamedTuple):
    """Something that an operator does: to what, in whose name, why, and to how many workflows."""

    kind: Kind
    part: Part
    by: str
    reason: str = ""
    found: int = 0


class FleetActs:
    """Keeps acts, and what is paused by them."""

    def __init__(self, database: Database, signer: Signer) -> None:
        """Keep them in `database`, signed by `signer`."""
        self._database, self._signer = database, signer

    async def pause(self, act: Act) -> bool:
        """Pause a part of the fleet from now on; False when it is paused already, which then stays as it is."""
        return await self._database.run(lambda session: self._pause(session, act))

    async def resume(self, act: Act) -> bool:
        """End the pause of just this part; False when there is none."""
        return await self._database.run(lambda session: self._resume(session, act))

    async def keep(self, act: Act) -> None:
        """Keep an act that changes nothing here."""
        await self._database.run(lambda session: self._sign(session, act))

    def _pause(self, session: Session, act: Act) -> bool:
        if session.get(PauseRow, (act.part.pipeline, act.part.tenant)) is not None:
            return False
        kept = self._sign(session, act)
        part = {"pipeline": act.part.pipeline, "tenant": act.part.tenant}
        session.add(PauseRow(**part, act=kept.id, by=act.by, reason=act.reason, at=kept.at))
        return True

    def _resume(self, session: Session, act: Act) -> bool:
        mine = (PauseRow.pipeline == act.part.pipeline, PauseRow.tenant == act.part.tenant)
        if session.scalar(delete(PauseRow).where(*mine).returning(PauseRow.act)) is None:
            return False
        self._sign(session, act)
        return True

    def _sign(self, session: Session, act: Act) -> FleetActRow:
        at = now()
        body = {"kind": act.kind, **act.part._asdict(), "by": act.by, "reason": act.reason, "found": act.found}
        text = json.dumps({**body, "at": at.isoformat()}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        row = FleetActRow(
            kind=act.kind,
            by=act.by,
            body=text,
            key=self._signer.key_id,
            signature=self._signer.stamp(_message(text)),
            at=at,
        )
        session.add(row)
        session.flush()
        return row


async def acts(database: Database, since: datetime | None = None) -> list[dict[str, Any]]:
    """Read all acts, or those since a moment, as entries of the audit trail, in the order in which they were kept."""
    return await database.read(partial(_acts, since=since))


def holds(entry: dict[str, Any], keyring: Keyring) -> bool:
    """Tell whether an act that was read is what was signed, by a key that is trusted."""
    return keyring.verifies(entry["key"], entry["signature"], _message(entry["body"]))


def _acts(session: Session, since: datetime | None) -> list[dict[str, Any]]:
    query = select(FleetActRow).order_by(FleetActRow.id)
    return list(_entries(session, query if since is None else query.where(FleetActRow.at >= since)))


def _entries(session: Session, query: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a select of rows
    for row in session.scalars(query):
        said = {**json.loads(row.body), "of": "fleet"}
        yield {**said, "id": row.id, "key": row.key, "signature": row.signature, "body": row.body}


def _message(body: str) -> bytes:
    return DOMAIN + body.encode("utf-8", "surrogatepass")
