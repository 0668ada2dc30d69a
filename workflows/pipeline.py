"""A run: plan, lay out, and let every item go its own way, as many at once as ordered."""

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from typing import cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import cause
from workflows.graph import Graph, uncovered
from workflows.line import Line
from workflows.models import (
    Cap,
    ItemRow,
    Layout,
    RunOrder,
    RunState,
    Scope,
    Shoot,
    Status,
)
from workflows.production_calls import lay_out_items, open_shoot


class Pipeline(Line):
    """The verbs of a run. Which agents work, and on what, is the subclass's."""

    graph: Graph

    @workflow.query(name="state", description="Where this run stands")
    def state(self) -> RunState:
        """Tell where the run stands."""
        progress = self.progress
        running = [self._waiting.get(key) or ItemRow(key=key, status="generating") for key in self._at_work]
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
        cap = Cap(account=f"run:{self.scope.run}", micro_usd=self.progress.cap_micro_usd or shoot.run_micro_usd)
        self.begin(self.scope, shoot.contract, (cap,), self._order.review or shoot.review, self._order.patience)

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

    def wrap_up(self) -> RunState:
        """Say what became of the run: one failed item never sinks it."""
        self.stage(self._verdict())
        return self.state()

    def _status(self) -> Status:
        return "awaiting_review" if self._waiting else cast("Status", self.status or "planning")

    def _verdict(self) -> Status:
        published = self.progress.counts.get("published", 0)
        most: Status = "complete" if published == self.progress.items else "partial"
        return most if published else "failed"
