"""Hands in the calls that wait, and finds out what became of a parcel when nobody noted whether it arrived."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Literal, Protocol
from uuid import uuid4

import structlog
from temporalio.exceptions import ApplicationError

from activities import batch_rows
from activities.batch_api import Batch, BatchApi, is_refused
from activities.batch_rows import Kind, Parcel
from activities.batch_tables import BatchCallRow
from activities.claude import CallFailedError
from activities.conversations import ConversationStore
from activities.database import Database, now
from activities.drafts import Draft
from activities.endings import to_its_end
from activities.messages import dumps
from activities.paid_calls import Order, Paid
from workflows.models import Reply, TurnRequest

GRACE = timedelta(minutes=15)
"""A parcel that the provider does not list after this time never arrived: no hand-in takes so long."""

_CLOCKS = timedelta(minutes=5)
"""How far the provider's clock may be from ours."""


class Turns(Protocol):
    """Writes requests and keeps replies: the model port's other side."""

    async def order(self, request: TurnRequest, draft: Draft) -> Order:
        """Write the request of a draft."""

    async def keep(self, request: TurnRequest, draft: Draft, paid: Paid) -> Reply:
        """Store a reply that was paid for, and settle its bill."""


@dataclass(frozen=True)
class Limits:
    """The most that one batch holds. The provider takes 256 MB, but a parcel stands in memory while it is written."""

    calls: int = batch_rows.MOST_CALLS
    characters: int = 64_000_000


@dataclass
class _Load:
    """What is written of a parcel so far."""

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    characters: int = 0

    def add(self, custom_id: str, request: dict[str, Any], characters: int) -> None:
        self.requests[custom_id] = request
        self.characters += characters


class Parcels:
    """What goes out. Errors of the endpoint are returned, so that one parcel does not stop the others."""

    def __init__(
        self, database: Database, store: ConversationStore, turns: Turns, api: BatchApi, limits: Limits | None = None
    ) -> None:
        """Rebuild requests from `store` through `turns`, and hand them in to `api`."""
        self._database = database
        self._store = store
        self._turns = turns
        self._api = api
        self._limits = limits or Limits()
        self._log = structlog.get_logger("callsheet.batches")

    async def hand_in(self, desk: str) -> list[ApplicationError]:
        """Hand in what waits, one batch for each model, or several where it is too much for one."""
        kinds = await self._database.read(lambda session: batch_rows.waiting(session, desk))
        return [
            trouble
            for kind, rows in kinds.items()
            async for load in self._loads(rows)
            for trouble in await self._submit(kind, load)
        ]

    async def recover(self, desk: str) -> list[ApplicationError]:
        """Find the parcels whose hand-in nobody saw the end of, or let their calls wait again.

        A batch has no name that we could give it, and tells which calls are in it only when it has ended. So a batch
        that is not known to be ours, is as large, and as young, may be the one: its results will tell. Only when there
        is none can the calls be handed in again, without the risk of paying twice.
        """
        lost = await self._database.read(lambda session: batch_rows.parcels(session, desk))
        return [trouble for parcel in lost for trouble in await self._recover(parcel)]

    async def _loads(self, rows: Sequence[BatchCallRow]) -> AsyncIterator[_Load]:
        load = _Load()
        for row in rows:
            request = await self._written(row)
            if request is None:
                continue
            size = len(dumps(request))
            full = len(load.requests) == self._limits.calls or load.characters + size > self._limits.characters
            if load.requests and full:
                yield load
                load = _Load()
            load.add(row.custom_id, request, size)
        if load.requests:
            yield load

    async def _written(self, row: BatchCallRow) -> dict[str, Any] | None:
        """Write the request again; where that fails the call is made without a batch, and shows why by itself."""
        try:
            request = TurnRequest.model_validate_json(row.request)
            order = await self._turns.order(request, await self._store.draft(request))
        except Exception as error:  # noqa: BLE001 - one call that cannot be written must not stop the others
            self._log.warning("call_not_written", conversation=row.conversation, error=type(error).__name__)
            await self._give_up([row.custom_id], f"not written: {type(error).__name__}", "free")
            return None
        return {"custom_id": row.custom_id, "params": {**order.params, "max_tokens": row.max_tokens}}

    async def _submit(self, kind: Kind, load: _Load) -> list[ApplicationError]:
        name = uuid4().hex
        ids = await self._database.run(lambda session: batch_rows.claim(session, list(load.requests), name, now()))
        if not ids:
            return []
        try:
            requests = [request for custom_id, request in load.requests.items() if custom_id in ids]
            batch = await self._api.hand_in(requests, kind.betas)
        except CallFailedError as failed:
            return await to_its_end(self._not_handed_in(name, ids, failed))
        await to_its_end(self._database.run(lambda session: batch_rows.handed_in(session, name, batch)))
        self._log.info("batch_handed_in", batch=batch, model=kind.model, calls=len(ids))
        return []

    async def _not_handed_in(
        self, parcel: str, ids: Collection[str], failed: CallFailedError
    ) -> list[ApplicationError]:
        self._log.warning("batch_not_handed_in", calls=len(ids), error=failed.error.message)
        if not is_refused(failed):  # it may have arrived all the same: the next rounds find out
            return [failed.error]
        if failed.error.non_retryable:
            await self._give_up(ids, failed.error.message, "free")
            return []
        await self._database.run(lambda session: batch_rows.put_back(session, parcel))
        return [failed.error]

    async def _give_up(self, ids: Collection[str], error: str, cost: Literal["free", "unknown"]) -> None:
        for custom_id in ids:
            await self._database.run(partial(batch_rows.failed, custom_id=custom_id, error=error, cost=cost, at=now()))

    async def _recover(self, parcel: Parcel) -> list[ApplicationError]:
        age, troubles = now() - parcel.since, []
        batch, may_come = None, True
        try:
            batch, may_come = await self._find(parcel)
        except CallFailedError as failed:
            troubles = [failed.error]
        if batch is not None:
            await self._database.run(lambda session: batch_rows.handed_in(session, parcel.name, batch))
        elif not may_come and age > GRACE:
            await self._database.run(lambda session: batch_rows.put_back(session, parcel.name))
        elif age > batch_rows.LEASE:  # whatever it was has ended by now
            await self._give_up(parcel.ids, "nobody knows whether it was handed in", "unknown")
        return troubles

    async def _find(self, parcel: Parcel) -> tuple[str | None, bool]:
        """Look for the batch of a parcel; tells also whether one is under way that may be it."""
        recent = await self._api.recent(parcel.since - _CLOCKS, parcel.kind.betas)
        alike = [batch for batch in recent if batch.calls == len(parcel.ids)]
        ours = await self._database.read(lambda session: batch_rows.known(session, [batch.id for batch in alike]))
        strangers = [batch for batch in alike if batch.id not in ours]
        for batch in strangers:
            if batch.readable and await self._holds(batch, parcel):
                return batch.id, False
        return None, any(not batch.ended for batch in strangers)

    async def _holds(self, batch: Batch, parcel: Parcel) -> bool:
        async with aclosing(self._api.results(batch.id, parcel.kind.betas)) as results:
            async for custom_id, _ in results:
                return custom_id in parcel.ids
        return False
