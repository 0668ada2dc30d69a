"""A stand-in for the model endpoint inside the process: scripted answers behind the real client."""

import json
from dataclasses import replace
from datetime import timedelta

import httpx2
from temporalio.testing import ActivityEnvironment

from activities.anomalies import AlertRules, Anomalies
from activities.compactor import Compactor
from activities.conversations import ConversationStore
from activities.judge import DriftJudge
from activities.ledger import LedgerStore
from activities.model import ClaudeModel
from activities.offers import Offers
from activities.paid_calls import PaidCalls
from activities.pricing import Prices
from activities.warmth import Warmth
from tests.activities.conversing import Shelf, new_client

USAGE = {"input_tokens": 900, "output_tokens": 100, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}


def events(content, stop_reason="end_turn", usage=USAGE, model="claude-sonnet-5-5", **delta):
    """The events of a whole streamed message."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
    start = {**message, "stop_reason": None, "usage": {**(usage or {}), "output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(content):
        yield from _block_events(index, block)
    yield {"type": "message_delta", "delta": {"stop_reason": stop_reason, **delta}, "usage": usage or {}}
    yield {"type": "message_stop"}


def _block_events(index, block):
    if block.get("type") == "tool_use":
        given = block.get("input")
        text = given if isinstance(given, str) else json.dumps(given)
        yield {"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}}
        for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
            yield _delta(index, type="input_json_delta", partial_json=piece)
    elif block.get("type") == "text":
        yield {"type": "content_block_start", "index": index, "content_block": {**block, "text": ""}}
        yield _delta(index, type="text_delta", text=block["text"])
    elif block.get("type") == "thinking":
        empty = {**block, "thinking": "", "signature": ""}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield _delta(index, type="thinking_delta", thinking=block["thinking"])
        yield _delta(index, type="signature_delta", signature=block["signature"])
    else:
        yield {"type": "content_block_start", "index": index, "content_block": block}
    yield {"type": "content_block_stop", "index": index}


def _delta(index, **delta):
    return {"type": "content_block_delta", "index": index, "delta": delta}


def sse(stream):
    """Write events as the endpoint does."""
    lines = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in stream)
    headers = {"content-type": "text/event-stream", "request-id": "req_1"}
    return httpx2.Response(200, headers=headers, content="".join(lines).encode())


def message(*content, **changes):
    """A whole answer."""
    return sse(events(content, **changes))


def failure(status, kind, said="no", headers=None, **details):
    """An error with the API's body."""
    error = {"type": kind, "message": said, **({"details": details} if details else {})}
    body = {"type": "error", "error": error}
    return httpx2.Response(status, headers={"request-id": "req_2", **(headers or {})}, json=body)


class Endpoint:
    """Answers each call with the next scripted response; an exception is raised, a callable is called."""

    def __init__(self, *script):
        self.script = list(script)
        self.bodies = []

    def __call__(self, request):
        self.bodies.append(json.loads(request.content))
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer


def new_calls(endpoint, database, patience=timedelta(), **ledger):
    """Paid calls on a scripted endpoint; nobody waits for money unless asked to."""
    return PaidCalls(new_client(endpoint), LedgerStore(database, **ledger), Prices(), patience)


def new_model(endpoint, database, images=None, **parts):
    """The model activity with all its parts, on a scripted endpoint."""
    return model_of(new_client(endpoint), database, images, **parts)


def model_of(client, database, images=None, *, calls=None, rules=None, warmth=None, **more):
    """The model activity with all its parts, on a client."""
    calls = calls or PaidCalls(client, LedgerStore(database), Prices(), timedelta())
    images = images or _nothing
    return ClaudeModel(
        ConversationStore(database, Shelf()),
        calls,
        images,
        Compactor(database, calls, Offers(client), images),
        DriftJudge(database, calls, calls.ledger),
        Anomalies(database, rules or AlertRules()),
        warmth or Warmth(database),
        **more,
    )


async def _nothing(digest):
    raise FileNotFoundError(digest)


async def run(model, request, attempt=1, on_beat=None, **info):
    """Call the model as a worker does."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt, **info)
    if on_beat is not None:
        environment.on_heartbeat = on_beat
    return await environment.run(model.call, request)
