"""Images: which ones were made for an item, and how."""

import json
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, update

from activities.catalog_rows import AssetRow
from activities.database import Database, first, now
from workflows.models import asset_id


class Image(NamedTuple):
    """One image that was made for an item. `print` is its perceptual print, once it was measured."""

    run: str
    item: str
    digest: str
    media_type: str
    width: int
    height: int
    bytes: int
    settings: dict[str, object]
    profile: str
    print: str | None = None

    @property
    def id(self) -> str:
        """The asset id, as models and tools see it."""
        return asset_id(self.digest)


class Images:
    """The record of images; their bytes are in the asset store."""

    def __init__(self, database: Database) -> None:
        """Keep the record in `database`."""
        self._database = database

    async def keep(self, image: Image) -> None:
        """Record an image; harmless when it is recorded already."""
        row = AssetRow(**{**image._asdict(), "settings": json.dumps(image.settings)}, id=image.id, created_at=now())
        await self._database.run(lambda session: first(session, row))

    async def keep_print(self, run: str, item: str, asset: str, text: str) -> None:
        """Record the perceptual print of an item's image."""
        same = (AssetRow.run == run, AssetRow.item == item, AssetRow.id == asset)
        change = update(AssetRow).where(*same).values(print=text)
        await self._database.run(lambda session: session.execute(change))

    async def find(self, run: str, asset: str, item: str = "") -> Image | None:
        """Find an image of a run by its asset id; of the same bytes in several items, this item's comes first."""
        found = await self._read(AssetRow.run == run, AssetRow.id == asset)
        return next((image for image in found if image.item == item), found[0] if found else None)

    async def of_run(self, run: str) -> tuple[Image, ...]:
        """Read all images of a run, oldest first."""
        return await self._read(AssetRow.run == run)

    async def beside(self, run: str, item: str, profile: str) -> tuple[Image, ...]:
        """Read the latest measured image of every other item of the same venue: the set that must not repeat itself."""
        found = await self._read(
            AssetRow.run == run, AssetRow.profile == profile, AssetRow.item != item, AssetRow.print.is_not(None)
        )
        return tuple({image.item: image for image in found}.values())

    async def _read(self, *where: ColumnElement[bool]) -> tuple[Image, ...]:
        query = select(AssetRow).where(*where).order_by(AssetRow.created_at, AssetRow.digest)
        rows = await self._database.read(lambda session: session.scalars(query).all())
        return tuple(_image(row) for row in rows)


def _image(row: AssetRow) -> Image:
    kept = {name: getattr(row, name) for name in Image._fields}
    return Image(**{**kept, "settings": json.loads(row.settings)})
