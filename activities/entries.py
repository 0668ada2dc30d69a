"""Entries: what was published in the catalog, once for each item."""

import asyncio
import hashlib
from typing import NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from activities.assets import Assets, digest_of
from activities.catalog_rows import EntryRow
from activities.database import Database, now
from activities.studio.picture import UnreadableError, open_picture
from workflows.models import Publication, asset_id


class Entry(NamedTuple):
    """What is to be recorded of a publishing. `key` is its idempotency key."""

    key: str
    run: str
    item: str
    digest: str
    uri: str
    title: str
    alt_text: str
    source_type: str
    decided_by: str


class Entries:
    """The record of what was published; the bytes are in the asset store."""

    def __init__(self, database: Database) -> None:
        """Keep the record in `database`."""
        self._database = database

    async def enter(self, entry: Entry) -> Publication:
        """Record a publishing; of two for one item the first one stands, and is returned."""
        row = EntryRow(id=_entry_id(entry.key), created_at=now(), **entry._asdict())
        try:
            return await self._database.run(lambda session: _add(session, row))
        except IntegrityError:
            found = await self.of_item(entry.run, entry.item) or await self.under(entry.key)
            if found is None:
                raise
            return found

    async def of_item(self, run: str, item: str) -> Publication | None:
        """Find the entry of an item."""
        return next(iter(await self._read(EntryRow.run == run, EntryRow.item == item)), None)

    async def under(self, key: str) -> Publication | None:
        """Find the entry that was published under an idempotency key."""
        return next(iter(await self._read(EntryRow.key == key)), None)

    async def of_run(self, run: str) -> tuple[Publication, ...]:
        """Read all entries of a run, oldest first."""
        return await self._read(EntryRow.run == run)

    async def _read(self, *where: ColumnElement[bool]) -> tuple[Publication, ...]:
        query = select(EntryRow).where(*where).order_by(EntryRow.created_at, EntryRow.id)
        rows = await self._database.read(lambda session: session.scalars(query).all())
        return tuple(_publication(row) for row in rows)


async def doubt(assets: Assets, entry: Publication, digest: str) -> str:
    """Re-open what an entry points to and say what is wrong with it; empty when it is `digest` with its mark."""
    if entry.digest != digest:
        return f"the entry {entry.entry} is of {asset_id(entry.digest)}, not of {asset_id(digest)}"
    try:
        data = await assets.read_published(entry.uri)
    except FileNotFoundError:
        return f"nothing is published at {entry.uri}"
    if digest_of(data) != digest:
        return f"the bytes at {entry.uri} are not those that were cleared"
    return await asyncio.to_thread(_doubt_mark, data, entry)


def _doubt_mark(data: bytes, entry: Publication) -> str:
    try:
        found = open_picture(data).source_type
    except UnreadableError as error:
        return f"the bytes at {entry.uri} are no image: {error}"
    if not found:
        return f"the bytes at {entry.uri} carry no DigitalSourceType"
    return "" if found == entry.source_type else f"they say {found}, the entry says {entry.source_type}"


def _add(session: Session, row: EntryRow) -> Publication:
    session.add(row)
    session.flush()
    return _publication(row)


def _entry_id(key: str) -> str:
    return f"ent_{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _publication(row: EntryRow) -> Publication:
    return Publication(
        entry=row.id,
        item=row.item,
        digest=row.digest,
        asset=asset_id(row.digest),
        uri=row.uri,
        title=row.title,
        alt_text=row.alt_text,
        source_type=row.source_type,
        decided_by=row.decided_by,
        published_at=row.created_at,
    )
