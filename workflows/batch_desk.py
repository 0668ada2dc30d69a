"""The batch desk: one workflow that hands in the calls which can wait, and sees that their replies arrive."""

from datetime import timedelta

from pydantic import Field
from temporalio import workflow

from workflows.calls import store
from workflows.history import go_on, history_is_full
from workflows.models import Tended, TendRequest, Value
from workflows.ports import Batches

DESK_ID = "callsheet-batch-desk"
"""One desk per task queue; its id has the queue's name behind this."""


class DeskOrder(Value):
    """How long calls are gathered, and how often the provider is asked, both in seconds."""

    gather: float = Field(default=60.0, ge=0)
    look: float = Field(default=30.0, gt=0)


@workflow.defn(name="BatchDesk")
class BatchDesk:
    """Started by whoever queues a call; ends when nothing waits and nothing is out."""

    def __init__(self) -> None:
        """Begin with the call that started it."""
        self._called = True

    @workflow.signal(name="call_queued", description="A call waits to be handed in")
    def call_queued(self) -> None:
        """Remember that there is something to hand in."""
        self._called = True

    @workflow.run
    async def run(self, order: DeskOrder) -> None:
        """Gather, hand in, look after what is out, deliver; until nothing is left."""
        await workflow.sleep(order.gather, summary="gathers calls")
        while await self._tend() or self._called:
            await workflow.sleep(order.look, summary="waits for the provider")
            if history_is_full():
                go_on(order)

    async def _tend(self) -> bool:
        self._called = False
        limit, beat = timedelta(minutes=10), timedelta(seconds=60)
        tended: Tended = await store(Batches.tend, TendRequest(), "tends batches", limit=limit, part="model", beat=beat)
        return bool(tended.waiting or tended.out)
