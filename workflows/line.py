"""The line of a run: items start as places and money allow, go their own way, and are settled as they end."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError, is_cancelled_exception

from workflows.calls import cause, heed_cancellation, read_budget
from workflows.flow import Flow
from workflows.history import go_on, history_is_full
from workflows.lanes import lane
from workflows.models import ItemRow, ItemStatus, LineOrder, Progress, Purse, Spend, Value, preview
from workflows.tracing import dollars

PAGE = 50
ROWS = 500
"""Items that the run's state shows; the rest is in the catalog."""
NO_MONEY = "the run's budget does not cover this item"
LEAST_SHARE = 4
"""Before any item has ended, one is expected to cost a quarter of its cap."""
WAITS = {"awaiting_review", "paused"}
"""What an item lets its run know."""


class Piece(Protocol):
    """Something that goes its own way on the line."""

    @property
    def key(self) -> str:
        """Its name, unique in the run."""
        ...

    @property
    def title(self) -> str:
        """Its name for people."""
        ...


class Outcome(Protocol):
    """What an item's workflow returns."""

    @property
    def spend(self) -> Spend:
        """What it cost."""
        ...

    def row(self) -> ItemRow:
        """Make the small record."""
        ...


P = TypeVar("P", bound=Piece)


class Line(Flow, Generic[P]):
    """Sends items to work, as many at once as ordered; nobody waits for the slowest.

    What an item is, where it comes from and what its workflow is told is the subclass's.
    """

    item_workflow = ""
    outcome: type[Any]
    working: ItemStatus = "generating"

    def __init__(self) -> None:
        """Begin with nothing on the line."""
        super().__init__()
        self.progress = Progress(started_at=workflow.now())
        self._order: LineOrder
        self._waiting: dict[str, ItemRow] = {}
        self._at_work: dict[str, P] = {}
        self._page: list[P] = []

    @abstractmethod
    async def pieces(self, offset: int, limit: int) -> Sequence[P]:
        """Read some of the items, in their order."""

    @abstractmethod
    def order_for(self, piece: P) -> Value:
        """Say what an item's workflow is told."""

    @abstractmethod
    async def turn_away(self, piece: P, error: str) -> ItemRow:
        """Keep that an item was not begun, and why."""

    @property
    @abstractmethod
    def item_micro_usd(self) -> int:
        """The cap of one item."""

    def described(self, piece: P) -> str:
        """Describe an item for its page in the Temporal UI."""
        return piece.title

    @workflow.signal(name="item_waits", description="An item asks a person, or is paused")
    def item_waits(self, row: ItemRow) -> None:
        """Remember that an item waits, or no longer does."""
        if row.status in WAITS and row.key in self._at_work:
            self._waiting[row.key] = row
        else:
            self._waiting.pop(row.key, None)

    async def produce_items(self) -> None:
        """Start items as places and money allow, and settle each as it ends; nobody waits for the slowest."""
        running: dict[asyncio.Task[Any], P] = {}
        self.stage(self.working)
        try:
            while await self._fill(running):
                await workflow.wait_condition(lambda: any(task.done() for task in running) or self._has_room(running))
                for task in [task for task in running if task.done()]:
                    self._settle(running.pop(task), task)
        except (ActivityError, asyncio.CancelledError):  # an activity that was called off is one of the former
            await asyncio.shield(self._call_off(running))
            raise
        if self.progress.cursor < self.progress.items:
            await workflow.wait_condition(workflow.all_handlers_finished)
            go_on(self._order.model_copy(update={"progress": self._progress_now()}))

    async def _fill(self, running: dict[asyncio.Task[Any], P]) -> int:
        """Start items while there is room; returns how many run."""
        while self._has_room(running):
            if not await self._has_money():
                self._book(await self.turn_away(await self._next_piece(), NO_MONEY))
            else:
                piece = await self._next_piece()
                running[await self._start(piece)] = piece
            heed_cancellation()
        return len(running)

    def _has_room(self, running: dict[asyncio.Task[Any], P]) -> bool:
        """Tell whether one more item may start; money that is short comes back when a running item ends."""
        more = self.progress.cursor < self.progress.items and not history_is_full()
        at_work = len(running) - sum(not row.keeps_place for row in self._waiting.values())
        return more and at_work < self._order.concurrency and (self._covers_one_more() or not at_work)

    async def _call_off(self, running: dict[asyncio.Task[Any], P]) -> None:
        """Cancel what runs, and wait for each to clean up."""
        for task in running:
            task.cancel()
        if running:
            await workflow.wait(running)
        for task, piece in running.items():
            self._settle(piece, task)

    def _covers_one_more(self) -> bool:
        """Tell whether what is left covers what the running items, and one more, are expected to cost.

        This only spares items that could not be finished; the cap itself is the ledger's.
        """
        left = self.cap_micro_usd - self.spent.micro_usd
        return self.uncapped or left >= self._expected() * (len(self._at_work) + 1)

    def _expected(self) -> int:
        """Expect of an item what those before it cost; of the first ones, a share of their cap."""
        ended = self.progress.cursor - len(self._at_work)
        return self.progress.items_micro_usd // ended if ended > 0 else self.item_micro_usd // LEAST_SHARE

    async def _has_money(self) -> bool:
        """Look again at what the ledger says, and ask a person once nothing runs that could give money back."""
        if self._covers_one_more() or self.progress.turned_away:
            return not self.progress.turned_away
        self.take_cap(await read_budget(self.caps[0].account))
        while not self._covers_one_more() and not self.progress.turned_away:
            missing = self.progress.items - self.progress.cursor
            reason = f"{dollars(self.spent.micro_usd)} of {dollars(self.cap_micro_usd)} are spent, {missing} items wait"
            purse = Purse(account=self.caps[0].account, needs=self._expected())
            self.progress = self._with(turned_away=not await self.funded(reason, purse))
        return not self.progress.turned_away

    async def _next_piece(self) -> P:
        if not self._page:
            self._page = list(await self.pieces(self.progress.cursor, PAGE))
        self.progress = self._with(cursor=self.progress.cursor + 1)
        return self._page.pop(0)

    async def _start(self, piece: P) -> "asyncio.Task[Any]":
        self._at_work[piece.key] = piece
        return await workflow.start_child_workflow(
            self.item_workflow,
            self.order_for(piece),
            id=f"{self.scope.run}:{piece.key}",
            result_type=self.outcome,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            priority=lane(self.scope.tenant),
            static_summary=piece.title,
            static_details=self.described(piece),
        )

    def _settle(self, piece: P, task: "asyncio.Task[Any]") -> None:
        """Book what became of an item."""
        self._at_work.pop(piece.key, None)
        self._waiting.pop(piece.key, None)
        try:
            state: Outcome = task.result()
        except (ChildWorkflowError, asyncio.CancelledError) as error:
            status: ItemStatus = "cancelled" if is_cancelled_exception(error) else "failed"
            return self._book(ItemRow(key=piece.key, status=status, error=cause(error)))
        self.spend += state.spend
        self.progress = self._with(items_micro_usd=self.progress.items_micro_usd + state.spend.micro_usd)
        return self._book(state.row())

    def _book(self, row: ItemRow) -> None:
        counts = {**self.progress.counts, row.status: self.progress.counts.get(row.status, 0) + 1}
        self.progress = self._with(counts=counts, rows=(*self.progress.rows, row)[-ROWS:])
        if row.error:
            self._note(f"{row.key}: {row.error}")
        self.stage(self.working)

    def _note(self, error: str) -> None:
        self.progress = self._with(errors=(*self.progress.errors, preview(error))[-50:])

    def _progress_now(self) -> Progress:
        return self._with(spend=self.spend, cap_micro_usd=self.cap_micro_usd, docket=self._docket)

    def _with(self, **changes: object) -> Progress:
        return self.progress.model_copy(update=changes)
