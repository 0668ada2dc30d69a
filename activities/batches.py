"""The batch desk: takes calls that can wait, so that they are handed in together at half the price."""

import asyncio
import time
from datetime import timedelta

from temporalio import activity

from activities import batch_rows
from activities.batch_rows import Queued
from activities.batch_tables import BatchCallRow
from activities.database import Database, now
from activities.drafts import Draft
from activities.ledger_bids import Bid, Denied
from activities.messages import digest_of, dumps
from activities.messenger import Messenger
from activities.paid_calls import Order, PaidCalls, Unpaid
from workflows.models import Reply, TurnRequest
from workflows.tracing import queue as queue_of

PATIENCE = timedelta(seconds=20)
_PAUSE = 1.0
_ID_DIGITS = 40


class BatchDesk:
    """The counter of the desk; its back office is `BatchRounds`."""

    def __init__(
        self, database: Database, calls: PaidCalls, messenger: Messenger, patience: timedelta = PATIENCE
    ) -> None:
        """Keep calls in `database`, and hold their money with the ledger of `calls`.

        For money that other calls hold and may give back, `patience` is the longest wait.
        """
        self.database = database
        self.calls = calls
        self.messenger = messenger
        self._patience = patience.total_seconds()

    async def queue(self, request: TurnRequest, order: Order, draft: Draft) -> Reply | Unpaid | None:  # noqa: ARG002 - composed again when its reply is kept
        """Queue a call, once. None: it is not for a batch, or was in one without success, and is to be made now."""
        if not self.calls.prices.knows(order.model, batch=True):
            return None
        desk = desk_here()
        queued = await self._queue(request, order, desk)
        if isinstance(queued, Denied):
            return Unpaid("over_budget", queued.text, queued.account)
        if queued.error:
            return None
        if queued.state != "done" and queued.alone:  # otherwise whoever was there before has called the desk
            await self.messenger.call_desk(desk)
        return Reply(head=request.head, turn=request.turn, stop="queued")

    async def _queue(self, request: TurnRequest, order: Order, desk: str) -> Queued | Denied:
        bid, patient_until = self.calls.bid_for(order, batch=True), time.monotonic() + self._patience
        while True:
            answer = await self._try(request, order, bid, desk)
            if not isinstance(answer, Denied):
                return answer
            await self.calls.ledger.sweep()  # a lost call frees nothing, but nobody should wait for it
            if not answer.others or time.monotonic() >= patient_until:
                return answer
            await asyncio.sleep(_PAUSE)

    async def _try(self, request: TurnRequest, order: Order, bid: Bid, desk: str) -> Queued | Denied:
        prices, caps = self.calls.prices, self.calls.ledger.caps

        def fit(micro_usd: int) -> int:
            return prices.fit(order.model, order.prompt, micro_usd, order.max_tokens, hour=order.hour, batch=True)

        row = _row(request, order, desk)
        return await self.database.run(lambda session: batch_rows.queue(session, row, bid, caps, fit, now()))


def desk_here() -> str:
    """Name the task queue whose desk looks after what this activity queues: that of the workflows."""
    here = activity.info().task_queue if activity.in_activity() else ""
    return here.removesuffix(queue_of("", "model"))


def _row(request: TurnRequest, order: Order, desk: str) -> BatchCallRow:
    call = f"{order.conversation}:{order.position}:{order.turn}"
    return BatchCallRow(
        custom_id=digest_of(call).removeprefix("sha256:")[:_ID_DIGITS],
        conversation=request.conversation,
        head=request.head,
        turn=request.turn,
        workflow_id=(activity.info().workflow_id or "") if activity.in_activity() else "",
        queue=desk,
        request=request.model_dump_json(),
        model=order.model,
        betas=dumps(list(order.betas)),
    )
