"""Directories: everything that a tool's argument can refer to, by kind."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from activities.catalog_rows import AssetRow, ModelRow, ProductRow, RecentRow, ShotRow
from activities.database import Database, first, now
from activities.hiring_tables import DocumentRow
from activities.likeness import Named
from activities.studio.profiles import Profiles
from activities.tools.references import Directory, References


def catalog_references(
    database: Database, profiles: Profiles, others: Mapping[str, Directory] | None = None
) -> References:
    """Check references to what the catalog, the profiles and the hiring desk know, and to what `others` list."""
    return References(
        {
            "model": Rows(database, "model", select(ModelRow.id, ModelRow.name, ModelRow.height_cm), owned=False),
            "product": Rows(
                database, "product", select(ProductRow.id, ProductRow.title, ProductRow.run).order_by(ProductRow.id)
            ),
            "item": Rows(database, "item", select(ShotRow.key, ShotRow.key, ShotRow.run).order_by(ShotRow.position)),
            "asset": Rows(database, "asset", select(AssetRow.id, AssetRow.item, AssetRow.run)),
            "document": Rows(database, "document", select(DocumentRow.id, DocumentRow.kind, DocumentRow.candidate)),
            "profile": ProfileDirectory(profiles),
            **(others or {}),
        }
    )


class Rows(Directory):
    """A directory over a query of three columns: id, name, owner."""

    def __init__(self, database: Database, kind: str, query: Select[Any, Any, Any], *, owned: bool = True) -> None:
        """Read `query` in `database`; without `owned` the third column means nothing."""
        self._database = database
        self._kind = kind
        self._query = query
        self._owned = owned
        self._id, self._name, self._owner = query.selected_columns

    async def owners(self, name: str) -> tuple[str, ...] | None:
        """Give the owners of an id, or `None` when there is no such id."""
        # All of them: a house shoots the same product in any number of runs, and the last one owns it too.
        owners = self._query.with_only_columns(self._owner).where(self._id == name).order_by(None).distinct()
        rows = await self._read(owners)
        if not rows:
            return None
        return tuple(str(row[0]) for row in rows) if self._owned else ()

    async def candidates(self, owner: str | None, limit: int) -> Sequence[Named]:
        """List what could have been meant."""
        return _named(await self._read(self._of(owner).limit(limit)))

    async def recent(self, owner: str | None, limit: int) -> Sequence[Named]:
        """List what was used last, latest first."""
        used = self._of(owner).join(RecentRow, (RecentRow.id == self._id) & (RecentRow.kind == self._kind))
        return _named(await self._read(used.order_by(None).order_by(RecentRow.at.desc(), self._id).limit(limit)))

    async def touch(self, name: str) -> None:
        """Remember that an id was used now."""
        await self._database.run(lambda session: _touch(session, self._kind, name))

    def _of(self, owner: str | None) -> Select[Any, Any, Any]:
        return self._query if owner is None or not self._owned else self._query.where(self._owner == owner)

    async def _read(self, query: Select[Any, Any, Any]) -> Sequence[Any]:
        return await self._database.read(lambda session: session.execute(query).all())


class ProfileDirectory(Directory):
    """The venue profiles; they are few, and none is more recent than another."""

    def __init__(self, profiles: Profiles) -> None:
        """Look things up in `profiles`."""
        self._profiles = profiles

    async def owners(self, name: str) -> tuple[str, ...] | None:
        """Say whether there is such a profile."""
        return () if name in self._profiles.ids() else None

    async def candidates(self, owner: str | None, limit: int) -> Sequence[Named]:  # noqa: ARG002 - they are everybody's
        """List all profiles."""
        return [Named(each, each) for each in sorted(self._profiles.ids())[:limit]]

    async def recent(self, owner: str | None, limit: int) -> Sequence[Named]:  # noqa: ARG002 - none is recent
        """List none."""
        return ()

    async def touch(self, name: str) -> None:
        """Forget it."""


def _named(rows: Sequence[Any]) -> list[Named]:
    return list(dict.fromkeys(Named(str(row[0]), str(row[1])) for row in rows))


def _touch(session: Session, kind: str, name: str) -> None:
    moment = now()
    if not first(session, RecentRow(kind=kind, id=name, at=moment)):
        same = (RecentRow.kind == kind, RecentRow.id == name)
        session.execute(update(RecentRow).where(*same).values(at=moment))
