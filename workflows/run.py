"""A run of many items: what it tells of itself, whatever its items are."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import cause
from workflows.line import Line, P
from workflows.models import ItemRow, LineOrder, RunState, Scope, Status


class Run(Line[P]):
    """Tells where a run stands, and shows how it ended."""

    @workflow.query(name="state", description="Where this run stands")
    def state(self) -> RunState:
        """Tell where the run stands."""
        progress = self.progress
        running = [self._waiting.get(key) or ItemRow(key=key, status=self.working) for key in self._at_work]
        return RunState(
            id=workflow.info().workflow_id,
            pipeline=self.pipeline,
            status=self._status(),
            title=self.title,
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

    @property
    def title(self) -> str:
        """Name the run for people."""
        return self._order.title

    def take_run(self, order: LineOrder) -> None:
        """Bind the run to its order, or to where an earlier run of it stood."""
        self._order = order
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

    def _status(self) -> Status:
        waits = {row.status for row in self._waiting.values()}
        if "awaiting_review" in waits:
            return "awaiting_review"
        return "paused" if waits else cast("Status", self.standing or "planning")
