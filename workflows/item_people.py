"""How an item asks people: what it shows them, and how its run hears that it waits."""

import contextlib

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.calls import heed_cancellation
from workflows.flow import Flow
from workflows.graph import Judged
from workflows.models import Choice, Decision, ItemOrder, ItemState, ItemStatus, Question, Tried


class ItemPeople(Flow):
    """Keeps what an item has to show, and asks for it."""

    order: ItemOrder

    def __init__(self) -> None:
        """Begin with no take."""
        super().__init__()
        self.item = ItemState(key="", title="")
        self._tries: tuple[Tried, ...] = ()
        self._best: Judged | None = None
        self._trouble = ""

    async def hear(self, question: Question) -> tuple[Decision, ...]:
        """Ask, and let the run know: an item that waits takes up no place, unless all others would ask the same."""
        before, agent = self.item.status, self.agent
        self._show("awaiting_review")
        await self._tell_run("awaiting_review", keeps_place=question.concerns_all)
        decisions = await super().hear(question)
        await self._tell_run("reviewing")
        self._show(before, agent)
        return decisions

    def question_now(self, direction: str) -> Question:
        """Show the best take with its facts, every attempt with its reasons, and the direction to be edited."""
        best = self._best
        left = "; ".join(best.objections(self.order.threshold)) if best else "there is nothing to show"
        takes = len(self.item.attempts)
        reason = self._trouble or f"After {takes} take{'s' * (takes != 1)} it still does not pass: {left}"
        options: tuple[Choice, ...] = ("revise", "edit", "reject")
        shown: dict[str, object] = {"instruction": direction, "tries": self._tries}
        if best:
            shown |= {"digest": best.digest, "facts": best.facts, "verdict": best.verdict}
            shown |= {"objections": best.objections(self.order.threshold)}
        return self.question(self.item.title, reason, ("approve", *options) if best else options, **shown)

    async def _tell_run(self, status: ItemStatus, *, keeps_place: bool = False) -> None:
        """Let the run know that this item waits for a person, or goes on; a run that is gone need not know."""
        if workflow.info().parent is None:
            return
        row = self._with(status=status, spend=self.spend).row().model_copy(update={"keeps_place": keeps_place})
        with contextlib.suppress(ApplicationError):
            await workflow.get_external_workflow_handle(self.order.run).signal("item_waits", row)
        heed_cancellation()

    def _with(self, **changes: object) -> ItemState:
        return self.item.model_copy(update=changes)

    def _show(self, status: ItemStatus, agent: str = "") -> None:
        self.item = self._with(status=status)
        self.stage(status, agent)
