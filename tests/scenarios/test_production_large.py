"""A brief of sixty images: read page by page, with a history that grows by the item and no faster."""

from rehearsal.scripts import forever, refuse
from tests.scenarios.shoots import BRICK, INK, SILENCE, cast, large_brief

EVENTS_PER_ITEM = 25
BYTES_PER_ITEM = 8_000


async def test_sixty_items_are_paged_through_and_each_costs_the_run_the_same_bit_of_history(play):
    garments = ("dress", "tee", "shirt", "skirt", "coat")
    products = [
        {"id": f"{garment}-{number}", "title": garment, "garment": garment, "fabric": "wool", "colours": (INK, BRICK)}
        for number in (1, 2)
        for garment in garments
    ]
    async with play(cast(generator=[forever(refuse())])) as stage:
        order = large_brief(products, views=("front", "back", "side"))
        run = await stage.produce(order, review=SILENCE, concurrency=12)
        items = await stage.world.catalog.items(run.id)
        history = await stage.client.get_workflow_handle(run.id).fetch_history()
    pages = [event for event in history.events if _is_page(event)]
    size = sum(event.ByteSize() for event in history.events)
    assert (run.total, run.counts, run.status) == (60, {"rejected": 60}, "failed")
    assert len({shot.key for shot, _ in items}) == len({row.key for row in run.items}) == 60
    assert all(state.status == "rejected" for _, state in items)
    assert len(pages) == 2
    assert len(history.events) / 60 < EVENTS_PER_ITEM
    assert size / 60 < BYTES_PER_ITEM


def _is_page(event) -> bool:
    return event.activity_task_scheduled_event_attributes.activity_type.name == "page_items"
