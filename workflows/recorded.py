"""A workflow whose beginning and end are kept: its invocation, one for all its runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from workflows.calls import begin_invocation, finish_invocation
from workflows.models import Begun, Finished, Scope, Spend
from workflows.tracing import invocation_id, invocation_name


class Recorded:
    """Says for whom it works, how it stands and what it spent; the end of the work is kept with that."""

    pipeline = ""

    def __init__(self) -> None:
        """Begin with nothing spent."""
        super().__init__()
        self.status = ""
        self.spend = Spend()
        self.scope = Scope(run="")

    @contextlib.asynccontextmanager
    async def recorded(self, traceparent: str = "") -> AsyncIterator[None]:
        """Keep when the work began and what became of it; one that continues as new goes on, and has not ended."""
        begun = self._begun(traceparent)
        await begin_invocation(begun)
        try:
            yield
        except (FailureError, asyncio.CancelledError) as error:  # a bug of ours is retried, and is no end
            await asyncio.shield(self._finish(begun.id, "cancelled" if is_cancelled_exception(error) else "failed"))
            raise
        await self._finish(begun.id, self.status)

    def _begun(self, traceparent: str) -> Begun:
        info = workflow.info()
        return Begun(
            id=invocation_id(info.workflow_id, info.first_execution_run_id),
            name=invocation_name(info.workflow_type),
            pipeline=self.pipeline,
            scope=self.scope,
            workflow_id=info.workflow_id,
            workflow_run_id=info.run_id,
            parent=info.parent.workflow_id if info.parent else "",
            traceparent=traceparent,
            at=workflow.now(),
        )

    async def _finish(self, invocation: str, status: str) -> None:
        info = workflow.info()
        await finish_invocation(
            Finished(
                id=invocation,
                status=status,
                spend=self.spend,
                events=info.get_current_history_length(),
                bytes=info.get_current_history_size(),
                at=workflow.now(),
            )
        )
