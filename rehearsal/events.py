"""A message as the events of a stream."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rehearsal.replies import Reply

Event = dict[str, Any]
SHORTEST: Final = 24
MOST_CHUNKS: Final = 16


def events_of(reply: Reply) -> Iterator[Event]:
    """Tell the message event by event, in the order in which the API does."""
    message = reply.message
    yield {"type": "message_start", "message": {**message, **_opening(message)}}
    for at, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": at, "content_block": _empty(block)}
        if at == 0:
            yield {"type": "ping"}
        for delta in _deltas(block, reply.cut_inputs.get(at)):
            yield {"type": "content_block_delta", "index": at, "delta": delta}
        yield {"type": "content_block_stop", "index": at}
    closing = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    yield {"type": "message_delta", "delta": closing, "usage": _closing(message["usage"])}
    yield {"type": "message_stop"}


def as_bytes(event: Mapping[str, Any]) -> bytes:
    """Write one server-sent event."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


def _opening(message: Mapping[str, Any]) -> dict[str, Any]:
    told_last = {"output_tokens_details", "iterations"}
    usage = {name: value for name, value in message["usage"].items() if name not in told_last}
    started = {**usage, "output_tokens": min(1, usage["output_tokens"])}
    return {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None, "usage": started}


def _closing(usage: Mapping[str, Any]) -> dict[str, Any]:
    # The split of the cache writes, tier, speed and place are told only when the message starts.
    told_once = {"cache_creation", "service_tier", "inference_geo", "speed"}
    return {name: value for name, value in usage.items() if name not in told_once}


def _empty(block: Mapping[str, Any]) -> dict[str, Any]:
    if block["type"] == "compaction":
        return dict(block)  # a summary arrives whole, without deltas
    blank = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {name: blank.get(name, value) for name, value in block.items()}


def _deltas(block: Mapping[str, Any], cut_input: str | None) -> Iterator[Event]:
    match block["type"]:
        case "text":
            yield from ({"type": "text_delta", "text": chunk} for chunk in _chunks(block["text"]))
        case "thinking":
            yield from ({"type": "thinking_delta", "thinking": chunk} for chunk in _chunks(block["thinking"]))
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "compaction":
            return
        case _:
            text = json.dumps(block["input"], ensure_ascii=False) if cut_input is None else cut_input
            yield {"type": "input_json_delta", "partial_json": ""}
            yield from ({"type": "input_json_delta", "partial_json": chunk} for chunk in _chunks(text))


def _chunks(text: str) -> Iterator[str]:
    step = max(SHORTEST, -(-len(text) // MOST_CHUNKS))
    return (text[at : at + step] for at in range(0, len(text), step))
