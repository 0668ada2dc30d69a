"""The back office of the batch desk: one round hands in, looks after, brings home, and tells."""

import asyncio
from collections.abc import Sequence
from functools import partial

import anthropic
import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import batch_rows
from activities.batch_api import BatchApi
from activities.batch_deliveries import Deliveries
from activities.batch_parcels import Limits, Parcels, Turns
from activities.batch_tables import BatchCallRow
from activities.batches import BatchDesk, desk_here
from activities.conversations import ConversationStore
from activities.heartbeats import beating
from workflows.models import Arrival, Tended, TendRequest
from workflows.ports import Batches

_AT_ONCE = 50


class BatchRounds(Batches):
    """Implements the port. Every step is written down before the next, so that a round can end anywhere."""

    def __init__(
        self,
        desk: BatchDesk,
        client: anthropic.AsyncAnthropic,
        store: ConversationStore,
        turns: Turns,
        limits: Limits | None = None,
    ) -> None:
        """Tend what `desk` has taken, through the Message Batches API of `client`; `turns` is the model port."""
        api = BatchApi(client)
        self._database = desk.database
        self._messenger = desk.messenger
        self._parcels = Parcels(desk.database, store, turns, api, limits)
        self._deliveries = Deliveries(desk.database, store, turns, api, desk.calls)
        self._log = structlog.get_logger("callsheet.batches")

    @activity.defn(name="tend_batches")
    async def tend(self, request: TendRequest) -> Tended:
        """Hand in what waits, deliver what came back, and tell the workflows that wait for it.

        Raises `ApplicationError` when the endpoint failed somewhere, after everything else was done.
        """
        desk = desk_here()
        async with beating():
            troubles = await self._parcels.recover(desk)
            if request.submit:
                troubles += await self._parcels.hand_in(desk)
            troubles += await self._deliveries.bring_home(desk)
            await self._tell(desk)
            _raise_one_of(troubles)
            return await self._database.read(lambda session: batch_rows.tended(session, desk))

    async def _tell(self, desk: str) -> None:
        rows = await self._database.read(lambda session: batch_rows.to_be_told(session, desk))
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            heard = await asyncio.gather(*(self._heard(row) for row in some))
            ids = [row.custom_id for row, knows in zip(some, heard, strict=True) if knows]
            await self._database.run(partial(batch_rows.told, ids=ids))

    async def _heard(self, row: BatchCallRow) -> bool:
        try:
            await self._messenger.tell(row.workflow_id, Arrival(conversation=row.conversation, head=row.head))
        except Exception as error:  # noqa: BLE001 - it is told in the next round, and the others now
            self._log.warning("workflow_not_told", workflow=row.workflow_id, error=type(error).__name__)
            return False
        return True


def _raise_one_of(troubles: Sequence[ApplicationError]) -> None:
    """Raise an error that Temporal retries, if there is one: it brings the delay that the endpoint asked for."""
    for error in sorted(troubles, key=lambda error: error.non_retryable)[:1]:
        raise error from None
