"""How the ports of a production are called."""

from datetime import timedelta

from temporalio import workflow

from workflows.calls import PATIENCE, STORE_LIMIT, STORE_RETRY
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
from workflows.tracing import queue


async def open_shoot(order: RunOrder) -> Shoot:
    """Read the brief."""
    return await workflow.execute_activity_method(
        Catalog.open_shoot,
        order,
        start_to_close_timeout=STORE_LIMIT,
        schedule_to_close_timeout=PATIENCE,
        retry_policy=STORE_RETRY,
        summary="reads the brief",
    )


async def lay_out_items(layout: Layout) -> LaidOut:
    """Turn the plan into items."""
    return await workflow.execute_activity_method(
        Catalog.lay_out,
        layout,
        start_to_close_timeout=timedelta(minutes=5),
        schedule_to_close_timeout=PATIENCE,
        retry_policy=STORE_RETRY,
        summary="lays the items out",
    )


async def page_items(request: PageRequest) -> Page:
    """Read some of the items."""
    return await workflow.execute_activity_method(
        Catalog.page,
        request,
        start_to_close_timeout=STORE_LIMIT,
        schedule_to_close_timeout=PATIENCE,
        retry_policy=STORE_RETRY,
        summary=f"reads items from {request.offset + 1}",
    )


async def measure_image(request: MeasureRequest) -> FactSheet:
    """Measure a take."""
    return await workflow.execute_activity_method(
        Studio.measure,
        request,
        task_queue=queue(workflow.info().task_queue, "studio"),
        start_to_close_timeout=timedelta(minutes=5),
        schedule_to_close_timeout=PATIENCE,
        retry_policy=STORE_RETRY,
        summary=f"measures against {request.shot.profile}",
    )


async def verify_published(request: VerifyRequest) -> Verified:
    """Prove a publication on the published bytes."""
    return await workflow.execute_activity_method(
        Catalog.verify,
        request,
        start_to_close_timeout=STORE_LIMIT,
        schedule_to_close_timeout=PATIENCE,
        retry_policy=STORE_RETRY,
        summary="re-opens what was published",
    )


async def record_item(record: ItemRecord) -> None:
    """Keep an item's outcome."""
    await workflow.execute_activity_method(
        Catalog.record,
        record,
        start_to_close_timeout=STORE_LIMIT,
        schedule_to_close_timeout=PATIENCE,
        retry_policy=STORE_RETRY,
        summary=f"records: {record.state.status}",
    )
