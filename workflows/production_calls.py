"""How the ports of a production are called."""

from datetime import timedelta

from workflows.calls import store
from workflows.models import (
    FactSheet,
    ItemRecord,
    LaidOut,
    Layout,
    MeasureRequest,
    Page,
    PageRequest,
    RunOrder,
    Shoot,
    Verified,
    VerifyRequest,
)
from workflows.ports import Catalog, Studio

LONG = timedelta(minutes=5)


async def open_shoot(order: RunOrder) -> Shoot:
    """Read the brief."""
    return await store(Catalog.open_shoot, order, "reads the brief")


async def lay_out_items(layout: Layout) -> LaidOut:
    """Turn the plan into items."""
    return await store(Catalog.lay_out, layout, "lays the items out", limit=LONG)


async def page_items(request: PageRequest) -> Page:
    """Read some of the items."""
    return await store(Catalog.page, request, f"reads items from {request.offset + 1}")


async def measure_image(request: MeasureRequest) -> FactSheet:
    """Measure a take."""
    return await store(Studio.measure, request, f"measures against {request.shot.profile}", limit=LONG, part="studio")


async def verify_published(request: VerifyRequest) -> Verified:
    """Prove a publication on the published bytes."""
    return await store(Catalog.verify, request, "re-opens what was published")


async def record_item(record: ItemRecord) -> None:
    """Keep an item's outcome."""
    await store(Catalog.record, record, f"records: {record.state.status}")
