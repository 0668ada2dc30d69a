"""The wire of the Message Batches API: hands requests in, asks after them, and streams what came of them."""

import json
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import anthropic

from activities.claude import CallFailedError, classify

UPLOAD = 300.0
"""Seconds that one step of handing in may take; a parcel can be large."""

_PAGE = 100
_MOST_LISTED = 1_000
_TURNED_AWAY = {HTTPStatus.SERVICE_UNAVAILABLE, 529}


class Batch(NamedTuple):
    """A batch as the provider tells of it. `readable` says that there are results to read."""

    id: str
    ended: bool
    readable: bool
    calls: int
    created_at: datetime


class BatchApi:
    """A client of the Message Batches API that never retries by itself. Everything raises `CallFailedError`."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        """Call through `client`; its own retries are switched off, because Temporal's policy owns them."""
        self._client = client.with_options(max_retries=0)

    async def hand_in(self, requests: Sequence[Mapping[str, Any]], betas: Sequence[str] = ()) -> str:
        """Make a batch of requests; returns its id."""
        with _classified():
            batch = await self._batches(betas).create(requests=requests, timeout=UPLOAD, **_named(betas))
            return str(batch.id)

    async def look(self, batch: str, betas: Sequence[str] = ()) -> Batch:
        """Ask how a batch stands."""
        with _classified():
            return _batch(await self._batches(betas).retrieve(batch, **_named(betas)))

    async def recent(self, since: datetime, betas: Sequence[str] = ()) -> list[Batch]:
        """List the batches made since then, ours and others', the latest first."""
        found: list[Batch] = []
        with _classified():
            async for each in self._batches(betas).list(limit=_PAGE, **_named(betas)):
                batch = _batch(each)
                if batch.created_at < since or len(found) == _MOST_LISTED:
                    break
                found.append(batch)
        return found

    async def results(self, batch: str, betas: Sequence[str] = ()) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        """Stream the results of an ended batch, in no order: custom id and result, as the API sent it.

        A line that cannot be read is left out: its call stays without a result, and the others are not lost.
        """
        with _classified():
            streaming = self._batches(betas).with_streaming_response
            async with streaming.results(batch, **_named(betas)) as response:
                async for line in response.iter_lines():
                    for entry in _entry(line):
                        yield entry

    def _batches(self, betas: Collection[str]) -> Any:  # noqa: ANN401 - either resource
        return self._client.beta.messages.batches if betas else self._client.messages.batches


def is_refused(failed: CallFailedError) -> bool:
    """Tell whether it is certain that nothing was handed in: it was not sent, or the provider said no."""
    status = status_of(failed)
    return not failed.billed and (status < HTTPStatus.INTERNAL_SERVER_ERROR or status in _TURNED_AWAY)


def status_of(failed: CallFailedError) -> int:
    """Read the HTTP status of a failed call; 0 when there was none."""
    details = failed.error.details
    told = cast("Mapping[str, Any]", details[0]) if details else {}
    return int(told.get("status") or 0)


@contextmanager
def _classified() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it is classified in one place; a cancellation passes
        raise classify(error, started=False) from None


def _named(betas: Sequence[str]) -> dict[str, Any]:
    return {"betas": list(betas)} if betas else {}


def _batch(told: Any) -> Batch:  # noqa: ANN401 - the SDK's model of either resource
    counts = told.request_counts
    calls = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
    return Batch(told.id, told.processing_status == "ended", bool(told.results_url), calls, told.created_at)


def _entry(line: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        told = json.loads(line)
        custom_id, result = told["custom_id"], told["result"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return
    if isinstance(custom_id, str) and isinstance(result, dict):
        yield custom_id, result
