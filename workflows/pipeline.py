"""A production run: plan, lay out, and let every item go its own way, as many at once as ordered."""

from abc import abstractmethod
from collections.abc import Sequence

from workflows.graph import Graph, uncovered
from workflows.models import (
    Cap,
    ItemOrder,
    ItemRecord,
    ItemRow,
    ItemState,
    Layout,
    PageRequest,
    RunOrder,
    RunState,
    Shoot,
    Shot,
    Status,
)
from workflows.production_calls import lay_out_items, open_shoot, page_items, record_item
from workflows.run import Run


class Pipeline(Run[Shot]):
    """The verbs of a run. Which agents work, and on what, is the subclass's."""

    graph: Graph
    outcome = ItemState
    _order: RunOrder

    @abstractmethod
    def planner_task(self, shoot: Shoot) -> str:
        """Write the planner's task."""

    def take_order(self, order: RunOrder) -> None:
        """Bind the flow to its order, or to where an earlier run of it stood."""
        self.take_run(order)
        self.graph = self.graph.on(order.model)

    @property
    def title(self) -> str:
        """Name the run for people."""
        return self.progress.shoot.title if self.progress.shoot else self._order.title

    async def read_brief(self) -> None:
        """Read what is ordered, and take its caps as the run's."""
        shoot = self.progress.shoot or await open_shoot(self._order)
        self.progress = self._with(shoot=shoot)
        cap = Cap(account=f"run:{self.scope.run}", micro_usd=self.progress.cap_micro_usd or shoot.run_micro_usd)
        self.begin(
            self.scope,
            shoot.contract,
            (cap, *self._order.caps),
            self._order.review or shoot.review,
            self._order.patience,
        )

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

    async def pieces(self, offset: int, limit: int) -> Sequence[Shot]:
        """Read some of the shots."""
        return (await page_items(PageRequest(run=self.scope.run, offset=offset, limit=limit))).shots

    def order_for(self, piece: Shot) -> ItemOrder:
        """Order one shot."""
        return ItemOrder(
            run=self.scope.run,
            shot=piece,
            contract=self.contract,
            tenant=self._order.tenant,
            micro_usd=self.item_micro_usd,
            run_micro_usd=self.cap_micro_usd,
            caps=self._order.caps,
            patience=self._order.patience,
            threshold=self._order.threshold,
            refinements=self._order.refinements,
            review=self.review,
            model=self._order.model,
        )

    async def turn_away(self, piece: Shot, error: str) -> ItemRow:
        """Keep that a shot was not begun."""
        state = ItemState(key=piece.key, title=piece.title, status="failed", error=error)
        await record_item(ItemRecord(run=self.scope.run, state=state))
        return state.row()

    @property
    def item_micro_usd(self) -> int:
        """The cap of one shot."""
        return self.progress.shoot.item_micro_usd if self.progress.shoot else 0

    def described(self, piece: Shot) -> str:
        """Describe a shot."""
        return f"{piece.profile} · {piece.view} · {piece.product.title} in {piece.colour.name}"

    def _verdict(self) -> Status:
        published = self.progress.counts.get("published", 0)
        most: Status = "complete" if published == self.progress.items else "partial"
        return most if published else "failed"
