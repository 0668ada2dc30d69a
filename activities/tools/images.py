"""Tools that make and publish catalog images."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator

from activities.assets import Assets, PlaceTaken
from activities.catalog import CatalogStore
from activities.database import now
from activities.entries import Entry
from activities.images import Image
from activities.likeness import Named, nearest
from activities.studio.picture import open_picture
from activities.studio.profiles import Profiles
from activities.studio.render import render
from activities.studio.settings import Settings, Subject
from activities.tools.definition import Arguments, Artefact, Context, Declined, NotDone, tool
from activities.tools.references import Ref
from workflows.models import Publication, Shot

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png"}


class WhoToFind(Arguments):
    """Whom to look for."""

    name: str = Field(min_length=1, max_length=120, description="the name, or a part of it")


class Booking(BaseModel):
    """A fashion model who can be booked."""

    id: str
    name: str
    height_cm: int


class Bookings(BaseModel):
    """The fashion models whose names are nearest to what was asked, nearest first."""

    models: list[Booking]


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def find_model(who: WhoToFind, catalog: CatalogStore) -> Bookings:
    """Find the id of a fashion model by name. Gives the nearest three, nearest first."""
    booked = {row.id: row for row in await catalog.models()}
    found = nearest(who.name, [Named(row.id, row.name) for row in booked.values()])
    rows = [booked[named.id] for named in found]
    return Bookings(models=[Booking(id=row.id, name=row.name, height_cm=row.height_cm) for row in rows])


class WhichVenue(Arguments):
    """Whose rules to read."""

    profile: Annotated[str, Ref("profile")] = Field(description="the venue's profile, e.g. amazon.main")


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def venue_rules(venue: WhichVenue, profiles: Profiles) -> dict[str, Any]:
    """Read the rules by which a venue's images are measured, and the settings that are advised for it."""
    return profiles.get(venue.profile, on=now().date()).model_dump(mode="json", exclude_none=True)


class Render(Arguments):
    """How one shot is to be taken."""

    shot: Annotated[str, Ref("item", owned_by="scope.run")] = Field(description="the key of the shot")
    model_id: Annotated[str, Ref("model")] = Field(description="the id that find_model gave")
    profile: Annotated[str, Ref("profile")] = Field(description="the venue's profile, as the shot names it")
    settings: Settings = Field(default=Settings(), description="studio settings; leave out what may stay as it is")
    seed: int | None = Field(default=None, ge=0, le=2**53, description="another seed gives other folds")


class Taken(Artefact):
    """A rendered image, with the settings as they were used."""

    asset: str
    width: int
    height: int
    format: str
    bytes: int
    seed: int
    settings: Settings


@tool(
    effect="write",
    timeout=timedelta(seconds=120),
    queue="studio",
    summary=lambda taken: f"{taken.asset} {taken.width}x{taken.height} {taken.format}, {taken.bytes:,} bytes",
)
async def render_shot(order: Render, catalog: CatalogStore, assets: Assets, context: Context) -> Taken | Declined:
    """Take one shot in the studio and keep it. Gives the asset id of the image. The same order gives the same image."""
    shot = await catalog.shot(context.scope.run, order.shot)
    if shot is None or (context.scope.item and shot.key != context.scope.item):
        return Declined("shot: this is not your shot", f"your shot is {context.scope.item}", "owner")
    if order.profile != shot.profile:
        return Declined(f"profile: the shot is for {shot.profile}", f"set profile to {shot.profile}")
    seed = order.seed if order.seed is not None else number_of(shot.key)
    finished = await asyncio.to_thread(render, subject_of(shot, seed), order.settings)
    image = Image(
        run=context.scope.run,
        item=shot.key,
        digest=await assets.put(finished.bytes),
        media_type=f"image/{finished.format}",
        width=finished.width,
        height=finished.height,
        bytes=len(finished.bytes),
        settings={"model_id": order.model_id, "seed": seed, "settings": order.settings.model_dump(mode="json")},
        profile=shot.profile,
    )
    await catalog.images.keep(image)
    return Taken(
        digest=image.digest,
        asset=image.id,
        width=image.width,
        height=image.height,
        format=finished.format,
        bytes=image.bytes,
        seed=seed,
        settings=order.settings,
    )


def subject_of(shot: Shot, seed: int) -> Subject:
    """Say what stands before the camera: a product has one cut, in every colour and view."""
    product = shot.product
    return Subject(
        garment=product.garment,
        fabric=product.fabric,
        colour=shot.colour.hex,
        view=shot.view,
        style=number_of(product.id),
        seed=seed,
    )


def number_of(name: str) -> int:
    """Make a name into a number that is always the same: the seed of what was given none."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])


class WhichAsset(Arguments):
    """Which image to look up."""

    asset: Annotated[str, Ref("asset", owned_by="scope.run")] = Field(description="the asset id of the image")


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def describe_asset(which: WhichAsset, catalog: CatalogStore, context: Context) -> dict[str, Any] | Declined:
    """Read how an image was made: its shot, its file, and the studio settings that were used."""
    image = await catalog.images.find(context.scope.run, which.asset, context.scope.item)
    if image is None:
        return Declined("asset: it is no longer recorded")
    return {
        "asset": image.id,
        "shot": image.item,
        "profile": image.profile,
        "width": image.width,
        "height": image.height,
        "format": image.media_type.removeprefix("image/"),
        "bytes": image.bytes,
        **image.settings,
    }


class Publish(Arguments):
    """What is published, and its words."""

    asset: Annotated[str, Ref("asset", owned_by="scope.run")] = Field(description="the asset id that was cleared")
    title: str = Field(min_length=1, max_length=150, description="product and colour, then the view")
    alt_text: str = Field(min_length=1, max_length=125, description="product type first; never 'image of'")

    @field_validator("alt_text")
    @classmethod
    def says_what_is_seen(cls, text: str) -> str:
        """Refuse the openings that screen readers say anyway."""
        if text.casefold().lstrip().startswith(("image of", "picture of", "photo of", "photograph of")):
            raise ValueError("starts with 'image of' or the like; start with the product type")
        return text


class Published(BaseModel):
    """The catalog entry that was made."""

    entry: str
    asset: str
    uri: str
    title: str
    alt_text: str


async def find_published(
    order: Publish,  # noqa: ARG001 - a reconciliation has the parameters of its tool
    catalog: CatalogStore,
    assets: Assets,  # noqa: ARG001
    context: Context,
) -> Published | NotDone:
    """Look up whether a publishing happened: its entry is written last, so without one nothing is published."""
    entry = await catalog.entries.under(context.key)
    return NotDone() if entry is None else _published(entry)


@tool(
    effect="once",
    timeout=timedelta(seconds=15),
    permit="asset",
    reconcile=find_published,
    summary=lambda done: f"{done.entry}: {done.asset} as {done.title!r}",
)
async def publish_to_catalog(
    order: Publish, catalog: CatalogStore, assets: Assets, context: Context
) -> Published | Declined:
    """Publish the cleared image as a catalog entry. This happens once; the entry cannot be taken back."""
    image = await catalog.images.find(context.scope.run, order.asset, context.scope.item)
    if image is None or (context.scope.item and image.item != context.scope.item):
        return Declined("asset: this image was made for another shot", f"your shot is {context.scope.item}", "owner")
    before = await catalog.entries.of_item(image.run, image.item)
    if before is not None:
        return _published(before) if before.digest == image.digest else _taken(before)
    data = await assets.get(image.digest)
    try:
        uri = await assets.publish(image.run, f"{image.item}.{EXTENSIONS[image.media_type]}", data)
    except PlaceTaken as error:
        return Declined(f"asset: {error}", "ask a person")
    entry = Entry(
        key=context.key,
        run=image.run,
        item=image.item,
        digest=image.digest,
        uri=uri,
        title=order.title,
        alt_text=order.alt_text,
        source_type=(await asyncio.to_thread(open_picture, data)).source_type,
        decided_by=context.cleared_by(order.asset) or "",
    )
    stands = await catalog.entries.enter(entry)
    return _published(stands) if stands.digest == image.digest else _taken(stands)


def _published(entry: Publication) -> Published:
    return Published(entry=entry.entry, asset=entry.asset, uri=entry.uri, title=entry.title, alt_text=entry.alt_text)


def _taken(entry: Publication) -> Declined:
    return Declined(f"asset: this shot is published already, as {entry.entry} with {entry.asset}", "ask a person")
