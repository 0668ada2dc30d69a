"""A run: plan, lay out, and let every item go its own way, as many at once as ordered."""

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from typing import cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError, is_cancelled_exception

from workflows.calls import cause, heed_cancellation
from workflows.flow import Flow, history_is_full
from workflows.graph import Graph, uncovered
from workflows.models import (
    ItemOrder,
    ItemRecord,
    ItemRow,
    ItemState,
    ItemStatus,
    Layout,
    PageRequest,
    Progress,
    RunOrder,
    RunState,
    Scope,
    Shoot,
    Shot,
    Status,
    preview,
)
from workflows.production_calls import lay_out_items, open_shoot, page_items, record_item

PAGE = 50
ROWS = 500
"""Items that the run's state shows; the rest is in the catalog."""
LEAST_SHARE = 4
"""An item is started when a quarter of its cap is left."""


class Pipeline(Flow):
    """The verbs of a run. Which agents work, and on what, is the subclass's."""

    graph: Graph
    item_workflow = ""

    def __init__(self) -> None:
        """Begin with nothing planned."""
        super().__init__()
        self.progress = Progress(started_at=workflow.now())
        self._order: RunOrder
        self._waiting: dict[str, ItemRow] = {}
        self._allowances: dict[str, int] = {}
        self._page: list[Shot] = []

    @workflow.query(name="state", description="Where this run stands")
    def state(self) -> RunState:
        """Tell where the run stands."""
        progress = self.progress
        running = [self._waiting.get(key) or ItemRow(key=key, status="generating") for key in self._allowances]
        return RunState(
            id=workflow.info().workflow_id,
            pipeline=self.pipeline,
            status=self._status(),
            title=progress.shoot.title if progress.shoot else self._order.title,
            plan=progress.plan,
            total=progress.items,
            counts=progress.counts,
            items=(*progress.rows, *running),
            published=tuple(row.entry for row in progress.rows if row.entry),
            errors=progress.errors,
            started_at=progress.started_at,
            agent=self.agent,
            spend=self.spent,
            cap_micro_usd=self.cap_micro_usd,
        )

    @workflow.signal(name="item_waits", description="An item asks a person")
    def item_waits(self, row: ItemRow) -> None:
        """Remember that an item waits, or no longer does; one that waits takes up no place."""
        if row.status == "awaiting_review" and row.key in self._allowances:
            self._waiting[row.key] = row
        else:
            self._waiting.pop(row.key, None)

    @abstractmethod
    def planner_task(self, shoot: Shoot) -> str:
        """Write the planner's task."""

    def take_order(self, order: RunOrder) -> None:
        """Bind the flow to its order, or to where an earlier run of it stood."""
        self._order, self.graph = order, self.graph.on(order.model)
        self.scope = Scope(run=workflow.info().workflow_id, tenant=order.tenant)
        if order.progress is not None:
            self.progress, self.spend = order.progress, order.progress.spend

    @contextlib.contextmanager
    def shown_to_the_end(self) -> Iterator[None]:
        """Show also that the run was called off, or that an activity failed for good."""
        try:
            yield
        except (ActivityError, asyncio.CancelledError) as error:
            cancelled = is_cancelled_exception(error)
            if not cancelled:
                self._note(cause(error))
            self.stage("cancelled" if cancelled else "failed")
            raise

    async def read_brief(self) -> None:
        """Read what is ordered, and take its caps as the run's."""
        shoot = self.progress.shoot or await open_shoot(self._order)
        self.progress = self._with(shoot=shoot)
        self.begin(self.scope, shoot.contract, shoot.run_micro_usd)

    async def plan(self) -> None:
        """Have the planner say how each view is to be shot, and lay the items out."""
        shoot = self.progress.shoot
        if self.progress.plan is not None or shoot is None:
            return None
        self.stage("planning", self.graph.planner.name)
        terms = self.terms(accept=lambda plan: uncovered(plan, shoot.wanted))
        ended = await self.consult(self.graph.planner, self.planner_task(shoot), terms)
        if (plan := ended.output) is None:
            return self._note(f"There is no plan: {ended.reason}")
        laid_out = await lay_out_items(Layout(run=self.scope.run, brief=self._order.brief, plan=plan))
        self.progress = self._with(plan=plan, items=laid_out.items)
        return None

    async def produce_items(self) -> None:
        """Start items as places and money allow, and settle each as it ends; nobody waits for the slowest."""
        running: dict[asyncio.Task[ItemState], Shot] = {}
        self.stage("generating")
        try:
            while await self._fill(running):
                await workflow.wait_condition(lambda: any(task.done() for task in running) or self._has_room(running))
                for task in [task for task in running if task.done()]:
                    self._settle(running.pop(task), task)
        except asyncio.CancelledError:
            await asyncio.shield(self._call_off(running))
            raise
        if self.progress.cursor < self.progress.items:
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(self._order.model_copy(update={"progress": self._with(spend=self.spend)}))

    def wrap_up(self) -> RunState:
        """Say what became of the run: one failed item never sinks it."""
        self.stage(self._verdict())
        return self.state()

    async def _fill(self, running: dict[asyncio.Task[ItemState], Shot]) -> int:
        """Start items while there is room; returns how many run."""
        while self._has_room(running):
            allowance, shot = self._allot(), await self._next_shot()
            if allowance:
                running[await self._start(shot, allowance)] = shot
            else:
                await self._turn_away(shot)
            heed_cancellation()
        return len(running)

    def _has_room(self, running: dict[asyncio.Task[ItemState], Shot]) -> bool:
        """Tell whether one more item may start; money that is short comes back when a running item ends."""
        more = self.progress.cursor < self.progress.items and not history_is_full()
        at_work = len(running) - len(self._waiting)
        return more and at_work < self._order.concurrency and (self._allot() > 0 or not running)

    async def _call_off(self, running: dict[asyncio.Task[ItemState], Shot]) -> None:
        """Cancel what runs, and wait for each to clean up."""
        for task in running:
            task.cancel()
        if running:
            await workflow.wait(running)
        for task, shot in running.items():
            self._settle(shot, task)

    def _allot(self) -> int:
        """Reserve money for one more item: its cap, or what is left when that is still enough to try."""
        cap = self.progress.shoot.item_micro_usd if self.progress.shoot else 0
        left = self.purse() - sum(self._allowances.values())
        return min(cap, left) if left * LEAST_SHARE >= cap else 0

    async def _next_shot(self) -> Shot:
        if not self._page:
            request = PageRequest(run=self.scope.run, offset=self.progress.cursor, limit=PAGE)
            self._page = list((await page_items(request)).shots)
        self.progress = self._with(cursor=self.progress.cursor + 1)
        return self._page.pop(0)

    async def _turn_away(self, shot: Shot) -> None:
        error = "the run's budget does not cover this item"
        state = ItemState(key=shot.key, title=shot.title, status="failed", error=error)
        await record_item(ItemRecord(run=self.scope.run, state=state))
        self._book(state.row())

    async def _start(self, shot: Shot, allowance: int) -> "asyncio.Task[ItemState]":
        order = ItemOrder(
            run=self.scope.run,
            shot=shot,
            contract=self.contract,
            tenant=self._order.tenant,
            micro_usd=allowance,
            threshold=self._order.threshold,
            refinements=self._order.refinements,
            review=self._order.review,
            model=self._order.model,
        )
        self._allowances[shot.key] = allowance
        return await workflow.start_child_workflow(
            self.item_workflow,
            order,
            id=f"{self.scope.run}:{shot.key}",
            result_type=ItemState,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            static_summary=shot.title,
            static_details=f"{shot.profile} · {shot.view} · {shot.product.title} in {shot.colour.name}",
        )

    def _settle(self, shot: Shot, task: asyncio.Task[ItemState]) -> None:
        """Book what became of an item, and give back what it did not spend."""
        self._allowances.pop(shot.key, None)
        self._waiting.pop(shot.key, None)
        try:
            state = task.result()
        except (ChildWorkflowError, asyncio.CancelledError) as error:
            status: ItemStatus = "cancelled" if is_cancelled_exception(error) else "failed"
            return self._book(ItemRow(key=shot.key, status=status, error=cause(error)))
        self.spend += state.spend
        return self._book(state.row())

    def _book(self, row: ItemRow) -> None:
        counts = {**self.progress.counts, row.status: self.progress.counts.get(row.status, 0) + 1}
        self.progress = self._with(counts=counts, rows=(*self.progress.rows, row)[-ROWS:])
        if row.error:
            self._note(f"{row.key}: {row.error}")
        self.stage("generating")

    def _note(self, error: str) -> None:
        self.progress = self._with(errors=(*self.progress.errors, preview(error))[-50:])

    def _with(self, **changes: object) -> Progress:
        return self.progress.model_copy(update=changes)

    def _status(self) -> Status:
        return "awaiting_review" if self._waiting else cast("Status", self.status or "planning")

    def _verdict(self) -> Status:
        published = self.progress.counts.get("published", 0)
        most: Status = "complete" if published == self.progress.items else "partial"
        return most if published else "failed"
