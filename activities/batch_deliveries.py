"""Brings home what came of a batch: replies are kept and paid, everything else is made without a batch."""

from collections.abc import Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, Literal

import structlog
from temporalio.exceptions import ApplicationError

from activities import batch_rows
from activities.batch_api import BatchApi, status_of
from activities.batch_parcels import Turns
from activities.batch_tables import BatchCallRow
from activities.claude import CallFailedError
from activities.conversations import ConversationStore
from activities.database import Database, now
from activities.paid_calls import Paid, PaidCalls, bill_of
from activities.tools.answers import small
from workflows.models import TurnRequest

_NOT_BILLED = {"errored", "canceled", "expired"}


class Deliveries:
    """What comes back. Errors are returned, so that one batch does not stop the others."""

    def __init__(
        self, database: Database, store: ConversationStore, turns: Turns, api: BatchApi, calls: PaidCalls
    ) -> None:
        """Keep replies through `turns`, priced and settled as `calls` does."""
        self._database = database
        self._store = store
        self._turns = turns
        self._api = api
        self._calls = calls
        self._log = structlog.get_logger("callsheet.batches")

    async def bring_home(self, desk: str) -> list[ApplicationError]:
        """Look after all batches that are out, and take in what has ended."""
        troubles: list[ApplicationError] = []
        batches = await self._database.read(lambda session: batch_rows.batches(session, desk))
        for batch, betas in batches.items():
            try:
                troubles += await self._look_after(batch, betas)
            except CallFailedError as failed:
                if status_of(failed) == HTTPStatus.NOT_FOUND:
                    await self._close(batch, "the provider knows no such batch")
                else:
                    troubles.append(failed.error)
        return troubles

    async def _look_after(self, batch: str, betas: tuple[str, ...]) -> list[ApplicationError]:
        told = await self._api.look(batch, betas)
        if not told.ended:
            return []
        troubles: list[ApplicationError] = []
        rows = await self._database.read(lambda session: batch_rows.of_batch(session, batch))
        if told.readable:
            async with aclosing(self._api.results(batch, betas)) as results:
                async for custom_id, result in results:
                    if (row := rows.pop(custom_id, None)) is not None:
                        troubles += await self._take(row, result)
        for row in rows.values():
            await self._end(row, "the batch ended without a result that can be read", "unknown")
        self._log.info("batch_ended", batch=batch, without_result=len(rows), troubles=len(troubles))
        return troubles

    async def _take(self, row: BatchCallRow, result: Mapping[str, Any]) -> list[ApplicationError]:
        kind, message = str(result.get("type")), result.get("message")
        if kind == "succeeded" and isinstance(message, dict):
            return await self._keep(row, message)
        cost: Literal["free", "unknown"] = "free" if kind in _NOT_BILLED else "unknown"
        await self._end(row, small(f"the batch says {kind} {_said(result)}".rstrip(), 300, 1_200), cost)
        return []

    async def _keep(self, row: BatchCallRow, message: dict[str, Any]) -> list[ApplicationError]:
        """Keep a reply. One that our records have no place for is paid all the same; its call will say why."""
        message = {**message, "request_id": row.batch}
        bill = bill_of(self._calls.prices, message, row.model, batch=True)
        sent_at = row.submitted_at or row.queued_at
        try:
            request = TurnRequest.model_validate_json(row.request)
            paid = Paid(message, row.attempt, bill, (now() - sent_at).total_seconds())
            await self._turns.keep(request, await self._store.draft(request), paid)
        except Exception as error:  # noqa: BLE001 - one reply that cannot be kept must not stop the others
            self._log.warning("reply_not_kept", conversation=row.conversation, error=type(error).__name__)
            if not isinstance(error, ApplicationError) and now() - sent_at < batch_rows.LEASE:  # fetched again
                return [ApplicationError(f"a reply was not kept: {type(error).__name__}", type="ReplyNotKept")]
            await self._calls.ledger.settle(row.attempt, bill)
            await self._end(row, f"the reply was not kept: {type(error).__name__}", "unknown")
        else:
            await self._database.run(lambda session: batch_rows.answered(session, row.custom_id, now()))
        return []

    async def _close(self, batch: str, why: str) -> None:
        for row in (await self._database.read(lambda session: batch_rows.of_batch(session, batch))).values():
            await self._end(row, why, "unknown")

    async def _end(self, row: BatchCallRow, why: str, cost: Literal["free", "unknown"]) -> None:
        await self._database.run(lambda session: batch_rows.failed(session, row.custom_id, why, cost, now()))


def _said(result: Mapping[str, Any]) -> str:
    """Name the kind of an error; its words may quote the conversation."""
    error = result.get("error")
    inner = error.get("error") if isinstance(error, Mapping) else None
    return str(inner.get("type") or "") if isinstance(inner, Mapping) else ""
