"""How an item asks people: what it shows them of its takes."""

from workflows.child import Child
from workflows.graph import Judged
from workflows.models import Choice, ItemOrder, ItemRecord, ItemRow, ItemState, ItemStatus, Question, Tried
from workflows.production_calls import record_item


class ItemPeople(Child):
    """Keeps what an item has to show, and asks for it."""

    order: ItemOrder

    def __init__(self) -> None:
        """Begin with no take."""
        super().__init__()
        self.item = ItemState(key="", title="")
        self._tries: tuple[Tried, ...] = ()
        self._best: Judged | None = None
        self._trouble = ""

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

    def row(self) -> ItemRow:
        """Make the small record."""
        return self._with(spend=self.spend).row()

    def show(self, status: ItemStatus, agent: str = "", *, error: str | None = None) -> None:
        """Show where the item stands."""
        self.item = self._with(status=status, **({} if error is None else {"error": error}))
        self.stage(status, agent)

    async def record(self) -> None:
        """Keep the item's outcome."""
        self.item = self._with(spend=self.spend)
        await record_item(ItemRecord(run=self.order.run, state=self.item))

    def _with(self, **changes: object) -> ItemState:
        return self.item.model_copy(update=changes)
