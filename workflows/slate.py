"""A slate: the runs of a batch, so many at once, until each has ended. What it knows is in the store, not in here."""

import asyncio
import contextlib
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import cause, heed_cancellation, store
from workflows.history import history_is_full
from workflows.models import RunState, Spend, Status, preview
from workflows.models.slates import SlateOrder, SlateRound, SlateState
from workflows.ports import Slates
from workflows.tracing import COST_USD, PIPELINE, RUN, STATUS, TENANT

FIRST_LOOK, LAST_LOOK = timedelta(seconds=1), timedelta(seconds=30)
"""How long it waits between two rounds; while nothing changes, each wait is twice the one before, up to the last."""
ROUND, BEAT = timedelta(minutes=10), timedelta(seconds=60)


@workflow.defn(name="Slate")
class Slate:
    """Started when a batch is handed in; ends when none of its runs is waiting or running."""

    @workflow.init
    def __init__(self, order: SlateOrder) -> None:
        """Begin where an earlier run of this slate stood."""
        self._order, self._state = order, order.state
        self._called = False
        self._cancelled = False
        self._trouble = ""
        self._shown: tuple[str, int] | None = None

    @workflow.signal(name="more", description="More was handed in, or another number is to run at once")
    def more(self, order: SlateOrder) -> None:
        """Look again at once."""
        self._order, self._called = self._order.model_copy(update={"at_once": order.at_once}), True

    @workflow.query(name="state", description="Where this batch stands")
    def state(self) -> RunState:
        """Tell where the batch stands; its items are whole runs."""
        state, info = self._state, workflow.info()
        return RunState(
            id=info.workflow_id,
            pipeline=self._order.pipeline,
            status=self._status(),
            title=f"batch {self._order.name}",
            total=sum(state.counts.values()),
            counts=state.counts,
            items=state.rows,
            errors=(*state.errors, self._trouble) if self._trouble else state.errors,
            started_at=info.workflow_start_time,
            spend=Spend(micro_usd=state.micro_usd),
            cap_micro_usd=self._order.micro_usd,
        )

    @workflow.run
    async def run(self, order: SlateOrder) -> RunState:
        """Have round after round done; when called off, call off what runs. What waits is kept for another time."""
        names = [PIPELINE.value_set(order.pipeline), RUN.value_set(workflow.info().workflow_id)]
        workflow.upsert_search_attributes([*names, TENANT.value_set(order.tenant)])
        try:
            await self._to_the_end()
        except (ActivityError, asyncio.CancelledError) as error:
            if not is_cancelled_exception(error):
                raise
            self._cancelled = True
            self._state = await asyncio.shield(self._store(call_off=True))
            self._show()
            raise
        self._show()
        return self.state()

    async def _to_the_end(self) -> None:
        wait = FIRST_LOOK
        while True:
            self._called, before = False, self._state
            await self._round()
            if not (self._state.open or self._trouble or self._called):
                return
            wait = FIRST_LOOK if self._state != before else min(wait * 2, LAST_LOOK)
            await self._pause(wait)
            if history_is_full():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self._order.model_copy(update={"state": self._state}))

    async def _round(self) -> None:
        """Have a round done; a store or a server that is away for hours only makes the next one late."""
        try:
            self._state, self._trouble = await self._store(), ""
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._trouble = preview(cause(error))
        heed_cancellation()
        self._show()

    async def _store(self, *, call_off: bool = False) -> SlateState:
        order = SlateRound(name=self._order.name, at_once=self._order.at_once)
        method, summary = (
            (Slates.call_off, "calls off what runs") if call_off else (Slates.tend, "looks after its runs")
        )
        return await store(method, order, summary, limit=ROUND, beat=BEAT)

    async def _pause(self, wait: timedelta) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await workflow.wait_condition(lambda: self._called, timeout=wait, timeout_summary="until the next look")

    def _show(self) -> None:
        if (shown := (self._status(), self._state.micro_usd)) != self._shown:
            self._shown = shown
            cost = COST_USD.value_set(self._state.micro_usd / 1_000_000)
            workflow.upsert_search_attributes([STATUS.value_set(shown[0]), cost])

    def _status(self) -> Status:
        counts = self._state.counts
        if self._cancelled:
            return "cancelled"
        if self._state.open or not counts:
            return self._state.standing
        done = counts.get("complete", 0)
        most: Status = "complete" if done == sum(counts.values()) else "partial"
        return most if done or counts.get("partial") else "failed"
