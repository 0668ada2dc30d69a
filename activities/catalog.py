"""The catalog: briefs become items, and items end as published entries."""

import asyncio
import hashlib
import json

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.assets import Assets
from activities.briefs import BriefProblems, load_brief
from activities.catalog_rows import GuidelinesRow, ModelRow, ProductRow, ShotRow
from activities.database import Database, first, now
from activities.entries import Entries, doubt
from activities.images import Images
from activities.shoots import shoot_of, shots
from activities.studio.profiles import Profiles
from workflows.models import (
    Brief,
    Done,
    Guidelines,
    ItemRecord,
    ItemState,
    LaidOut,
    Layout,
    Page,
    PageRequest,
    Product,
    RunOrder,
    Shoot,
    Shot,
    Verified,
    VerifyRequest,
)
from workflows.ports import Catalog

LONGEST_PAGE = 200

LARGEST_BRIEF = 8_000_000
"""Bytes of a kept brief; what people hand in has a closer limit, but is kept with every default written out."""

PEOPLE = (
    ("Ama Sarpong", 178),
    ("Ines Calder", 176),
    ("Lior Venn", 186),
    ("Mateo Brandl", 188),
    ("Noor Halim", 174),
    ("Tove Lindell", 180),
    ("Yuki Arden", 175),
    ("Zola Merrin", 179),
)
"""Fashion models, all invented, whom a new house can book."""


class CatalogStore(Catalog):
    """Implements the port, the lookups of the tools, and the reading side of the command line."""

    def __init__(self, database: Database, assets: Assets, profiles: Profiles) -> None:
        """Keep rows in `database` and bytes in `assets`; read briefs by `profiles`."""
        self.images = Images(database)
        self.entries = Entries(database)
        self._database = database
        self._assets = assets
        self._profiles = profiles

    async def seed(self) -> None:
        """Give a new house its fashion models; harmless when they are there."""
        await self._database.run(_seed)

    @activity.defn(name="open_shoot")
    async def open_shoot(self, order: RunOrder) -> Shoot:
        """Read the brief."""
        return shoot_of(await self._brief(order.brief), self._profiles, now().date())

    @activity.defn(name="lay_out_items")
    async def lay_out(self, layout: Layout) -> LaidOut:
        """Enter products, guidelines and items in one transaction, once: a second plan for a run changes nothing."""
        brief = await self._brief(layout.brief)
        return LaidOut(items=await self._database.run(lambda session: _lay_out(session, layout, brief)))

    @activity.defn(name="page_items")
    async def page(self, request: PageRequest) -> Page:
        """Read some of the items."""
        limit = max(0, min(request.limit, LONGEST_PAGE))
        query = _in_order(request.run).offset(max(0, request.offset)).limit(limit)
        rows = await self._database.read(lambda session: session.scalars(query).all())
        return Page(shots=tuple(Shot.model_validate_json(row.shot) for row in rows))

    @activity.defn(name="verify_published")
    async def verify(self, request: VerifyRequest) -> Verified:
        """Re-open what was published and prove that it is this digest with its provenance mark."""
        entry = await self.entries.of_item(request.run, request.item)
        if entry is None:
            return Verified(problem="no catalog entry was recorded for this item")
        problem = await doubt(self._assets, entry, request.digest)
        return Verified(problem=problem) if problem else Verified(publication=entry)

    @activity.defn(name="record_item")
    async def record(self, state: ItemRecord) -> Done:
        """Keep an item's final outcome."""
        await self._database.run(lambda session: _record(session, state))
        return Done(at=now())

    async def shot(self, run: str, key: str) -> Shot | None:
        """Read one shot of a run."""
        row = await self._database.read(lambda session: session.get(ShotRow, (run, key)))
        return None if row is None else Shot.model_validate_json(row.shot)

    async def product(self, run: str, name: str) -> Product | None:
        """Read one product of a run by its id."""
        row = await self._database.read(lambda session: session.get(ProductRow, (run, name)))
        return None if row is None else _product(row)

    async def guidelines(self, run: str) -> Guidelines | None:
        """Read how the brand of a run wants to look."""
        row = await self._database.read(lambda session: session.get(GuidelinesRow, run))
        return None if row is None else Guidelines.model_validate_json(row.body)

    async def items(self, run: str) -> tuple[tuple[Shot, ItemState | None], ...]:
        """Read all shots of a run in their order, with what became of those that have ended."""
        rows = await self._database.read(lambda session: session.scalars(_in_order(run)).all())
        return tuple(
            (Shot.model_validate_json(row.shot), ItemState.model_validate_json(row.state) if row.state else None)
            for row in rows
        )

    async def outcome(self, run: str, key: str) -> ItemState | None:
        """Read what became of one item; None before its end."""
        row = await self._database.read(lambda session: session.get(ShotRow, (run, key)))
        return ItemState.model_validate_json(row.state) if row and row.state else None

    async def models(self) -> tuple[ModelRow, ...]:
        """Read the fashion models who can be booked, by name."""
        query = select(ModelRow).order_by(ModelRow.name)
        return await self._database.read(lambda session: tuple(session.scalars(query)))

    async def _brief(self, digest: str) -> Brief:
        try:
            data = await self._assets.get(digest)
            return await asyncio.to_thread(load_brief, data, self._profiles, most_bytes=LARGEST_BRIEF)
        except BriefProblems as error:
            raise ApplicationError(str(error)[:2_000], type="BriefProblems", non_retryable=True) from None
        except FileNotFoundError:
            raise ApplicationError(f"there is no brief {digest[:80]}", type="NoBrief", non_retryable=True) from None


def model_id(name: str) -> str:
    """Give a fashion model's id, the same in every house."""
    return f"mod_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _seed(session: Session) -> None:
    for name, height in PEOPLE:
        first(session, ModelRow(id=model_id(name), name=name, height_cm=height))


def _lay_out(session: Session, layout: Layout, brief: Brief) -> int:
    rules = brief.guidelines
    # A run has one row of guidelines: who enters it lays out the rest, and who comes at the same moment waits for that.
    if not first(session, GuidelinesRow(run=layout.run, brand=_storable(rules.brand), body=rules.model_dump_json())):
        return session.scalar(select(func.count()).select_from(ShotRow).where(ShotRow.run == layout.run)) or 0
    session.add_all(_product_row(layout.run, product) for product in brief.products)
    laid = 0
    for shot in shots(brief, layout.plan):
        session.add(ShotRow(run=layout.run, key=shot.key, position=laid, shot=shot.model_dump_json()))
        laid += 1
    return laid


def _record(session: Session, ended: ItemRecord) -> None:
    if (row := session.get(ShotRow, (ended.run, ended.state.key))) is not None:
        row.state = ended.state.model_dump_json()


def _product_row(run: str, product: Product) -> ProductRow:
    kept = product.model_dump(mode="json")
    colours = json.dumps(kept["colours"], ensure_ascii=False)
    return ProductRow(run=run, **{**kept, "title": _storable(product.title), "colours": colours})


def _product(row: ProductRow) -> Product:
    kept = {name: getattr(row, name) for name in Product.model_fields}
    return Product.model_validate({**kept, "colours": json.loads(row.colours)})


def _storable(text: str) -> str:
    """Replace NUL, which a brief can write as an escape and PostgreSQL keeps in JSON alone."""
    return text.replace("\x00", "\ufffd")


def _in_order(run: str) -> Select[ShotRow]:
    return select(ShotRow).where(ShotRow.run == run).order_by(ShotRow.position)
