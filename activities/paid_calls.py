"""Paid calls of the model: money is reserved before each, and what became of it is never forgotten."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal
from uuid import uuid4

import anthropic
import structlog
from temporalio import activity

from activities.claude import Began, CallFailedError, Claude
from activities.endings import to_its_end
from activities.ledger import LedgerStore
from activities.ledger_rows import Bid, Bill, Denied, Held
from activities.pricing import SOURCE, Prices
from activities.spots import Surroundings
from activities.tools.answers import small

Kind = Literal["turn", "compaction", "judge"]

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


@dataclass(frozen=True)
class Order:
    """One call to be made. `params` is the complete request without its `max_tokens`.

    `prompt` bounds the tokens that are read, `hour` how many of them may be written to the 1 h cache. Of `max_tokens`
    may be taken away what the money does not suffice for, down to `least_tokens`.
    """

    conversation: str
    position: int
    turn: int
    kind: Kind
    params: Mapping[str, Any]
    prompt: int
    hour: int
    max_tokens: int
    least_tokens: int
    betas: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model that is asked."""
        return str(self.params["model"])

    @property
    def least(self) -> int:
        """The smallest output cap that is worth a call."""
        return min(self.least_tokens, self.max_tokens)


@dataclass(frozen=True)
class Paid:
    """A reply, and what it cost. Not settled yet: that is done in the transaction that keeps what was paid for."""

    message: dict[str, Any]
    attempt: int
    bill: Bill
    seconds: float


@dataclass(frozen=True)
class Unpaid:
    """No reply, and nothing was spent: `account` of the ledger does not cover the call, or it was refused for good."""

    stop: Literal["over_budget", "rejected", "context_exceeded"]
    text: str
    account: str = ""


class PaidCalls:
    """Makes calls that are paid for. Every call of the model goes through here; `ledger` and `prices` are its own."""

    def __init__(
        self,
        client: anthropic.AsyncAnthropic,
        ledger: LedgerStore,
        prices: Prices,
        patience: timedelta = timedelta(seconds=20),
        around: Surroundings | None = None,
    ) -> None:
        """Call through `client`; wait up to `patience` for money that other calls hold and may give back.

        Each call is made within its span, where there are surroundings `around` it.
        """
        self.ledger = ledger
        self.prices = prices
        self._claude = Claude(client)
        self._patience = patience.total_seconds()
        self._around = around
        self._here = uuid4().hex[:8]
        self._count = itertools.count(1)
        self._log = structlog.get_logger("callsheet.calls")

    async def make(self, order: Order, began: Began | None = None) -> Paid | Unpaid:
        """Reserve the worst case, call, and hand back the reply with its bill, which the caller settles.

        `began` is awaited once when the reply has begun. What cannot be priced is not called. Raises
        `ApplicationError` where the endpoint or the way to it failed; what that may have cost is recorded.
        """
        if not self.prices.knows(order.model):
            return Unpaid("rejected", f"no price is known for the model {order.model}")
        held = await self._reserve(self.bid_for(order))
        if isinstance(held, Denied):
            return Unpaid("over_budget", held.text, held.account)
        cap = self.prices.fit(order.model, order.prompt, held.micro_usd, order.max_tokens, hour=order.hour)
        asked = time.monotonic()
        try:
            async with self._beating(held.attempt), self._span(order, held.attempt):
                message = await self._claude.ask(
                    {**order.params, "max_tokens": cap}, self._harmless(began), order.betas
                )
        except CallFailedError as failed:
            return await self._failed(held, failed)
        except asyncio.CancelledError:  # it was on its way: what it produced until now may be billed
            await self._noted(self.ledger.lose(held.attempt, "cancelled"))
            raise
        seconds = time.monotonic() - asked
        bill = replace(bill_of(self.prices, message, order.model), max_tokens=cap)
        return Paid(message, held.attempt, bill, seconds)

    def bid_for(self, order: Order, *, batch: bool = False) -> Bid:
        """Say what an order may cost; `batch` for one that is handed in with others.

        Its key is its own for every real attempt: two calls must never stand on one reservation. Raises
        `UnknownPriceError`.
        """
        info = activity.info() if activity.in_activity() else None
        tried = f"{info.workflow_run_id}:{info.activity_id}:{info.attempt}" if info else "alone"
        number = f"{self._here}-{next(self._count)}"
        wanted, least = (
            self.prices.worst_case(order.model, order.prompt, cap, hour=order.hour, batch=batch)
            for cap in (order.max_tokens, order.least)
        )
        return Bid(
            key=f"{order.conversation}:{order.position}:{order.turn}:{order.kind}:{tried}:{number}",
            conversation=order.conversation,
            position=order.position,
            turn=order.turn,
            kind=order.kind,
            model=order.model,
            wanted=wanted,
            least=least,
            source=SOURCE,
            batch=batch,
        )

    async def _reserve(self, bid: Bid) -> Held | Denied:
        """Reserve; while other calls hold what is missing, they may give some of it back."""
        patient_until, pause = time.monotonic() + self._patience, _FIRST_PAUSE
        while True:
            answer = await self._ask_ledger(bid)
            left = patient_until - time.monotonic()
            if isinstance(answer, Held) or not answer.others or left <= 0:
                return answer
            await asyncio.sleep(min(pause * random.uniform(0.5, 1.0), left))  # noqa: S311 - spreads callers
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _ask_ledger(self, bid: Bid) -> Held | Denied:
        asking = asyncio.ensure_future(self.ledger.reserve(bid))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:  # the ledger may have said yes already, to a call that is never made
            await self._noted(self._give_back(asking))
            raise

    async def _give_back(self, asking: "asyncio.Future[Held | Denied]") -> None:
        if isinstance(answer := await asking, Held):
            await self.ledger.release(answer.attempt, "cancelled before it was sent")

    async def _noted(self, work: Awaitable[None]) -> None:
        """Note in the ledger what a cancellation left; where that fails the lease ends it, and it stays cancelled."""
        try:
            await to_its_end(work)
        except Exception as error:  # noqa: BLE001 - another error would hide from the workflow that it was cancelled
            self._log.warning("cancellation_not_noted", error=type(error).__name__)

    async def _failed(self, held: Held, failed: CallFailedError) -> Unpaid:
        record = self.ledger.lose if failed.billed else self.ledger.release
        await to_its_end(record(held.attempt, failed.error.message))
        if failed.stop is None:
            raise failed.error from None
        return Unpaid(failed.stop, failed.text)

    def _harmless(self, began: Began | None) -> Began | None:
        if began is None:
            return None

        async def told() -> None:
            try:
                await began()
            except Exception as error:  # noqa: BLE001 - the call is paid for, whoever waits to hear that it began
                self._log.warning("began_failed", error=type(error).__name__)

        return told

    def _span(self, order: Order, attempt: int) -> AbstractAsyncContextManager[None]:
        return self._around.chat(order.conversation, attempt) if self._around else nullcontext()

    @asynccontextmanager
    async def _beating(self, attempt: int) -> AsyncIterator[None]:
        beat = asyncio.create_task(self._beat(attempt))
        try:
            yield
        finally:
            beat.cancel()

    async def _beat(self, attempt: int) -> None:
        while True:
            await asyncio.sleep(self.ledger.lease.total_seconds() / 4)
            try:
                await self.ledger.beat(attempt)
            except Exception as error:  # noqa: BLE001 - a busy database must not end a call that is paid for
                self._log.warning("beat_failed", attempt=attempt, error=type(error).__name__)


def bill_of(prices: Prices, message: Mapping[str, Any], requested: str, *, batch: bool = False) -> Bill:
    """Write the bill of a reply; one that cannot be priced is not known, and counts at what was reserved.

    Nor is one known that does not say why it stopped: its last count came before it was written.
    """
    cost = prices.cost_of(message, requested, batch=batch)
    return Bill(
        micro_usd=cost.micro_usd,
        known=cost.known and message.get("stop_reason") is not None,
        usage=cost.usage,
        write_1h=cost.write_1h,
        served=small(cost.served, 100, 200),  # an endpoint may send what no database takes
        request_id=small(str(message.get("request_id") or ""), 100, 200),
        stop=small(str(message.get("stop_reason") or ""), 60, 120),
        response=small(str(message.get("id") or ""), 100, 200),
    )
