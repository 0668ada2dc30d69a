"""The audit trail: everything that people were asked, saw and decided, as lines that hold each other.

Each line names the digest of the one before, so that nothing can be changed, taken out or put in unseen; the last one
is signed, so that nothing can be cut off or written anew without the key.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from activities.database import Database, now
from activities.deciding_tables import DeliveryRow
from activities.fleet_acts import acts
from activities.keys import Keyring
from activities.people import NoticeRow
from activities.signing import Signer
from workflows.models import Notice
from workflows.models.roles import serves

START = "0" * 64
PAGE = 500
_DOMAIN = b"callsheet-audit-1\n"

Entry = dict[str, Any]


class Broken(Exception):  # noqa: N818 - it says what is wrong
    """A trail does not hold; `line` is the first one that does not, counted from 1."""

    def __init__(self, line: int, why: str) -> None:
        """Say which line, and why."""
        super().__init__(f"line {line}: {why}")
        self.line, self.why = line, why


class Whole(NamedTuple):
    """A trail that holds: how many records it has, and whose key signed it."""

    records: int
    key: str


class Audit:
    """Reads the records of deciding. Nothing here changes them."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    async def entries(
        self, run: str = "", since: datetime | None = None, tenants: tuple[str, ...] = ("*",)
    ) -> AsyncIterator[Entry]:
        """Read all records of a run, or since a moment, in the order in which they were kept."""
        after = 0
        while page := await self._database.read(partial(_page, run=run, since=since, after=after)):
            for number, body, tenant, sent in page:
                after = number
                if serves(tenants, tenant):
                    yield entry_of(Notice.model_validate_json(body), sent)

    async def trail(self, signer: Signer, run: str = "", since: datetime | None = None) -> list[str]:
        """Write the records as lines that hold each other; those since a moment with what was done to the fleet."""
        entries = [entry async for entry in self.entries(run, since)]
        if not run:
            entries = sorted([*entries, *await acts(self._database, since)], key=lambda entry: str(entry["at"]))
        return list(chained(entries, signer, run, since))


def entry_of(notice: Notice, sent: Iterable[DeliveryRow] = ()) -> Entry:
    """Write one record: what, when, about what, by whom, and how it was proved."""
    question, decision = notice.question, notice.decision
    entry: Entry = {
        "kind": notice.kind,
        "at": notice.at.isoformat(),
        "question": question.id,
        "workflow": question.workflow,
        "tenant": question.scope.tenant,
        "run": question.scope.run,
        "item": question.scope.item,
        "title": question.title,
        "shown": question.digest,
        "owner": question.owner,
        "least": question.least,
        "due_at": question.due_at.isoformat() if question.due_at else None,
        "by": notice.by or (decision.by if decision else ""),
        "why": notice.why,
    }
    if decision is not None:
        entry["decision"] = decision.model_dump(mode="json")
        overrides = notice.kind == "decided" and decision.choice == "approve"
        entry["overrides"] = list(question.objections) if overrides else []
    if notice.kind == "question":
        entry["evidence"] = question.model_dump(mode="json", exclude={"scope", "workflow", "title"})
    if told := [_delivery(row) for row in sent]:
        entry["deliveries"] = told
    return entry


def chained(entries: Iterable[Entry], signer: Signer, run: str = "", since: datetime | None = None) -> Iterator[str]:
    """Write entries as lines of JSON: a head, the entries, and an end that is signed."""
    of = {"run": run} if run else {"since": since.isoformat() if since else ""}
    previous, number = START, 0
    for entry in ({"kind": "audit", "made_at": now().isoformat(), "of": of}, *entries):
        number += 1
        line, previous = _line({"line": number, "previous": previous, **entry})
        yield line
    end: Entry = {"line": number + 1, "previous": previous, "kind": "end", "records": number - 1, "key": signer.key_id}
    yield _line({**end, "signature": signer.stamp(_DOMAIN + previous.encode())})[0]


def check(lines: Iterable[str], keyring: Keyring) -> Whole:
    """Check a trail from its first line to its last.

    Raises:
        Broken: a line does not follow from the one before, the end is missing, or it is not signed by a trusted key.
    """
    previous, number, end = START, 0, None
    for number, text in enumerate((line for line in lines if line.strip()), start=1):
        if end is not None:
            raise Broken(number, "it stands behind the end")
        entry = _read(number, text)
        if entry["line"] != number or entry["previous"] != previous:
            raise Broken(number, "it does not follow from the line before: a line was taken out, put in or moved")
        before, previous = previous, str(entry["hash"])
        if entry.get("kind") == "end":
            end = entry
            _check_end(number, entry, before, keyring)
    if end is None:
        raise Broken(number + 1, "the end is missing: lines were cut off")
    return Whole(number - 2, str(end["key"]))


def _check_end(number: int, end: Entry, before: str, keyring: Keyring) -> None:
    key, signature = str(end.get("key", "")), str(end.get("signature", ""))
    if keyring.find(key) is None:
        raise Broken(number, f"it is signed with the key {key!r}, which is not trusted here: CALLSHEET_DECISION_KEYS")
    if not keyring.verifies(key, signature, _DOMAIN + before.encode()):
        raise Broken(number, "the signature of the end does not hold: the trail was written anew")


def _read(number: int, text: str) -> Entry:
    try:
        entry = json.loads(text)
        digest = entry.pop("hash")
        entry["line"], entry["previous"]
    except (ValueError, KeyError, AttributeError, TypeError):
        raise Broken(number, "it is no line of an audit trail") from None
    if _hash(entry) != digest:
        raise Broken(number, "its content is not what its hash says: it was changed")
    return {**entry, "hash": digest}


def _line(entry: Entry) -> tuple[str, str]:
    digest = _hash(entry)
    return json.dumps({**entry, "hash": digest}, ensure_ascii=False, separators=(",", ":")), digest


def _hash(entry: Entry) -> str:
    text = json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _page(
    session: Session, run: str, since: datetime | None, after: int
) -> list[tuple[int, str, str, list[DeliveryRow]]]:
    query = select(NoticeRow).where(NoticeRow.id > after).order_by(NoticeRow.id).limit(PAGE)
    if run:
        query = query.where(or_(NoticeRow.run == run, NoticeRow.question.startswith(f"{run}?", autoescape=True)))
    if since is not None:
        query = query.where(NoticeRow.told_at >= since)
    rows = session.scalars(query).all()
    sent: dict[str, list[DeliveryRow]] = {}
    for row in session.scalars(select(DeliveryRow).where(DeliveryRow.notice.in_([each.digest for each in rows]))):
        sent.setdefault(row.notice, []).append(row)
    return [(each.id, each.body, each.tenant, sent.get(each.digest, [])) for each in rows]


def _delivery(row: DeliveryRow) -> Entry:
    return {"channel": row.channel, "state": row.state, "attempts": row.attempts, "error": row.error}
