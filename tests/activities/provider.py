"""A provider of message batches inside the process: what is handed in stands here until the test says it has ended."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2

from tests.activities.endpoint import USAGE, failure, message


@dataclass
class Batch:
    """One batch as the provider keeps it."""

    id: str
    requests: list = field(default_factory=list)
    betas: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    lines: list | None = None

    def told(self):
        calls, ended = len(self.requests), self.lines is not None
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {**counts, "succeeded" if ended else "processing": calls},
            "created_at": self.at.isoformat(),
            "expires_at": (self.at + timedelta(days=1)).isoformat(),
            "results_url": f"http://model.test/v1/messages/batches/{self.id}/results" if ended else None,
        }


class Provider:
    """Answers as the API does; `troubles` come first, for each kind of request."""

    def __init__(self):
        self.batches = {}
        self.direct = []
        self.troubles = {"create": [], "look": [], "list": [], "results": []}

    def __call__(self, request):
        parts = request.url.path.removeprefix("/v1/messages").strip("/").split("/")
        if parts == [""]:
            self.direct.append(json.loads(request.content))
            return message({"type": "text", "text": '{"z":"direct"}'})
        kind = self._kind(request.method, parts)
        trouble = self.troubles[kind].pop(0) if self.troubles[kind] else None
        if callable(trouble):
            trouble = trouble(request)
        return self._raised(trouble) if trouble is not None else getattr(self, f"_{kind}")(request, parts)

    def _kind(self, method, parts):
        if method == "POST":
            return "create"
        return "list" if len(parts) == 1 else "results" if parts[-1] == "results" else "look"

    def _raised(self, trouble):
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    def _create(self, request, parts):
        batch = self.add(json.loads(request.content)["requests"], request.headers.get("anthropic-beta", ""))
        return httpx2.Response(200, json=batch.told())

    def _list(self, request, parts):
        newest_first = sorted(self.batches.values(), key=lambda batch: batch.at, reverse=True)
        return httpx2.Response(200, json={"data": [batch.told() for batch in newest_first], "has_more": False})

    def _look(self, request, parts):
        batch = self.batches.get(parts[1])
        return httpx2.Response(200, json=batch.told()) if batch else failure(404, "not_found_error")

    def _results(self, request, parts):
        return httpx2.Response(200, content="\n".join(self.batches[parts[1]].lines).encode())

    def add(self, requests, betas="", age=timedelta()):
        batch = Batch(f"msgbatch_{len(self.batches) + 1}", requests, betas, datetime.now(UTC) - age)
        self.batches[batch.id] = batch
        return batch

    def arrive_unheard(self, request):
        """Take a batch in, and lose the answer."""
        self._create(request, [])
        return httpx2.ReadError("lost")

    def end(self, **results):
        """End all batches: each call succeeds, unless its `custom_id` or `every` has another result."""
        for batch in self.batches.values():
            if batch.lines is None:
                ids = [each["custom_id"] for each in batch.requests]
                given = (results.get(custom_id, results.get("every")) for custom_id in reversed(ids))
                batch.lines = [
                    each
                    if isinstance(each, str)
                    else json.dumps({"custom_id": custom_id, "result": each or succeeded()})
                    for custom_id, each in zip(reversed(ids), given, strict=True)
                ]


def succeeded(*content, stop="end_turn", usage=USAGE):
    """A result with a reply, from a server that does not say at which price."""
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5"}
    blocks = list(content) or [{"type": "text", "text": '{"z":"batched"}'}]
    return {"type": "succeeded", "message": {**said, "content": blocks, "stop_reason": stop, "usage": usage}}


def errored(kind="invalid_request_error"):
    """A result with an error."""
    error = {"type": kind, "message": "You are the generator."}
    return {"type": "errored", "error": {"type": "error", "error": error}}
