"""An item of a run, whatever it is: it lets the run know when it waits for people, and leaves its outcome behind."""

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import AsyncIterator

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows.calls import cause, heed_cancellation
from workflows.flow import Flow
from workflows.models import Decision, ItemRow, ItemStatus, Question


class Child(Flow):
    """The verbs that every item shares."""

    def __init__(self) -> None:
        """Begin with nobody being asked."""
        super().__init__()
        self._hearing = asyncio.Lock()  # what is shown before a question is shown again after it

    @abstractmethod
    def row(self) -> ItemRow:
        """Make the small record of where the item stands."""

    @abstractmethod
    def show(self, status: ItemStatus, agent: str = "", *, error: str | None = None) -> None:
        """Show where the item stands."""

    @abstractmethod
    async def record(self) -> None:
        """Keep the item's outcome."""

    @contextlib.asynccontextmanager
    async def settled(self) -> AsyncIterator[None]:
        """Keep the item's outcome, whatever becomes of it."""
        try:
            yield
        except (ActivityError, asyncio.CancelledError) as error:
            cancelled = is_cancelled_exception(error)
            self.show("cancelled" if cancelled else "failed", error="" if cancelled else cause(error))
            await asyncio.shield(self._leave())
            if cancelled:
                raise
        else:
            await self._leave()

    async def hear(self, question: Question) -> tuple[Decision, ...]:
        """Ask, and let the run know: an item that waits takes up no place, unless all others would ask the same."""
        async with self._hearing:
            before, agent = self.row().status, self.agent
            self.show("awaiting_review")
            await self._tell_run("awaiting_review", keeps_place=question.concerns_all)
            decisions = await super().hear(question)
            await self._tell_run("reviewing")
            self.show(before, agent)
            return decisions

    async def hold(self, why: str) -> None:
        """Wait out a pause, and let the run know: a paused item keeps its place."""
        if bool(why) != (self.standing == "paused"):
            await self._tell_run("paused" if why else self.row().status, keeps_place=True)
        await super().hold(why)

    async def _leave(self) -> None:
        await self.record()
        await workflow.wait_condition(workflow.all_handlers_finished)  # a late answer leaves its notice first

    async def _tell_run(self, status: ItemStatus, *, keeps_place: bool = False) -> None:
        """Let the run know that this item waits for a person, or goes on; a run that is gone need not know."""
        if workflow.info().parent is None:
            return
        row = self.row().model_copy(update={"status": status, "keeps_place": keeps_place})
        with contextlib.suppress(ApplicationError):
            await workflow.get_external_workflow_handle(self.scope.run).signal("item_waits", row)
        heed_cancellation()
