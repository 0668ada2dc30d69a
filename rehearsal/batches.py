"""Message batches: many requests at once, answered later, for half the price.

All requests of a batch are played one after another when its delay is over, so that the first one's cache entries
serve the others; a provider's batches find fewer of them. What goes wrong only on the way of a stream does not go wrong
in a batch. Batches live as long as the server.
"""

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from rehearsal.errors import ApiError, error_body
from rehearsal.journal import Entry
from rehearsal.stage import Call, LapsedError, Stage

MOST_REQUESTS: Final = 100_000
CUSTOM_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
LIFETIME: Final = timedelta(hours=24)
KINDS: Final = ("succeeded", "errored", "canceled", "expired")
KEPT: Final = 200


@dataclass
class Batch:
    """A batch on its way."""

    id: str
    wishes: tuple[tuple[str, Mapping[str, Any]], ...]
    call: Call
    created: datetime
    headers: Mapping[str, str]
    canceled: datetime | None = None
    ended: datetime | None = None
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def expires(self) -> datetime:
        """When it ends at the latest."""
        return self.created + LIFETIME

    def as_json(self, base_url: str) -> dict[str, Any]:
        """Write the batch as the API tells it: the counts move only when all of it has ended."""
        counts = Counter(str(result["type"]) for result in self.results.values()) if self.ended else Counter[str]()
        status = "ended" if self.ended else "canceling" if self.canceled else "in_progress"
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {
                "processing": 0 if self.ended else len(self.wishes),
                **{kind: counts[kind] for kind in KINDS},
            },
            "created_at": _moment(self.created),
            "expires_at": _moment(self.expires),
            "ended_at": _moment(self.ended),
            "cancel_initiated_at": _moment(self.canceled),
            "archived_at": None,
            "results_url": f"{base_url}v1/messages/batches/{self.id}/results" if self.ended else None,
        }

    def lines(self) -> Iterator[str]:
        """The results as JSON lines, on purpose not in the order of the requests."""
        for name, result in reversed(self.results.items()):
            yield json.dumps({"custom_id": name, "result": result}, ensure_ascii=False) + "\n"


class Batches:
    """Takes batches, and works on each after `delay` seconds."""

    def __init__(self, stage: Stage, next_id: Callable[[], str], delay: float) -> None:
        self._stage = stage
        self._next_id = next_id
        self._delay = delay
        self._tasks: set[asyncio.Task[None]] = set()
        self.known: dict[str, Batch] = {}

    def create(self, raw: Mapping[str, Any], call: Call, headers: Mapping[str, str]) -> Batch:
        """Take a batch.

        Raises:
            ApiError: 400, the batch is not laid out as it should be. A wrong request in it fails later, alone.
        """
        name = f"msgbatch_{call.request_id.removeprefix('req_')}"
        batch = Batch(name, tuple(_wishes(raw)), replace(call, batch=True), self._stage.clock(), headers)
        self.known[batch.id] = batch
        for old in [each.id for each in self.known.values() if each.ended][: max(0, len(self.known) - KEPT)]:
            del self.known[old]
        task = asyncio.create_task(self._work(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return batch

    def cancel(self, batch: Batch) -> None:
        """Let what was not answered yet go unanswered."""
        if batch.ended is None and batch.canceled is None:
            batch.canceled = self._stage.clock()
            batch.hurry.set()

    async def close(self) -> None:
        """Give up all work."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, batch: Batch) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(batch.hurry.wait(), self._delay)
        for name, params in batch.wishes:
            batch.results[name] = await self._result(batch, name, params)
            await asyncio.sleep(0)  # others are served as well
        batch.ended = self._stage.clock()

    async def _result(self, batch: Batch, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if batch.canceled is not None:
            return {"type": "canceled"}
        if self._stage.clock() >= batch.expires:
            return {"type": "expired"}
        journal, call = self._stage.journal, replace(batch.call, request_id=self._next_id())
        content = json.dumps(params, ensure_ascii=False).encode("utf-8", "surrogatepass")
        entry = Entry(self._stage.clock(), call.request_id, content, batch.headers, batch=batch.id, custom_id=name)
        journal.open(entry)
        try:
            _check_params(params)
            staged = await self._stage.perform(params, call)
        except LapsedError as lapsed:
            return {"type": lapsed.kind}
        except ApiError as error:
            journal.note(call.request_id, status=error.status, error=error.message)
            told = error_body(error.type, error.message, call.request_id, error.details)
            return {"type": "errored", "error": told}
        journal.note(call.request_id, finished=True)
        return {"type": "succeeded", "message": staged.reply.message}


def _wishes(raw: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    requests = raw.get("requests")
    if not isinstance(requests, list) or not requests:
        raise ApiError("requests: a list with at least one request is required")
    if len(requests) > MOST_REQUESTS:
        raise ApiError(f"requests: List should have at most {MOST_REQUESTS} items, not {len(requests)}")
    seen: set[str] = set()
    for at, request in enumerate(requests):
        name, params = (request.get("custom_id"), request.get("params")) if isinstance(request, dict) else (None, None)
        if not isinstance(name, str) or not CUSTOM_ID.fullmatch(name):
            raise ApiError(f"requests.{at}.custom_id: String should match pattern '^{CUSTOM_ID.pattern}$'")
        if name in seen:
            raise ApiError(f"requests.{at}.custom_id: `{name}` is used twice; it must be unique within the batch")
        if not isinstance(params, dict):
            raise ApiError(f"requests.{at}.params: Input should be a valid dictionary")
        seen.add(name)
        yield name, params


def _check_params(params: Mapping[str, Any]) -> None:
    wrong = {"stream": bool(params.get("stream")), "speed": params.get("speed") is not None}
    found = [name for name, present in wrong.items() if present]
    if found:
        raise ApiError(f"{found[0]}: is not supported in a batch")
    if params.get("max_tokens") == 0:
        raise ApiError("max_tokens: Input should be greater than or equal to 1 in a batch")


def _moment(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
