"""Composes messages for the wire. Pure: what is read here was stored verbatim, what is written is deterministic.

A conversation is append-only, because caches and signed thinking blocks are bound to the exact prefix. So the same
stored message always becomes the same bytes on the wire, also where the API would refuse what it once sent itself.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from activities.tools.answers import clean
from activities.tools.definition import RawCall
from workflows.models import Note

Block = dict[str, Any]
Message = dict[str, Any]

THINKING = frozenset({"thinking", "redacted_thinking"})
_ORDER = "The order stands as it was given:"
_NOTHING = "(no answer)"
_LONG_TURN = 15
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def dumps(value: object) -> str:
    """Write JSON compactly, in the order of its keys; ASCII, so that half a surrogate pair survives any database."""
    return json.dumps(value, separators=(",", ":"))


def canonical(value: object) -> str:
    """Write JSON so that equal values are equal texts."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=str)


def digest_of(text: str) -> str:
    """Digest a text."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def refusal(error: str, hint: str = "") -> str:
    """Write the content of an error result."""
    return dumps({"success": False, "error": error, "hint": hint})


def calls_of(content: Iterable[Any]) -> tuple[RawCall, ...]:
    """Read the tool calls of an assistant message, in order."""
    return tuple(
        RawCall(str(block.get("id")), str(block.get("name")), block.get("input"))
        for block in content
        if isinstance(block, dict) and block.get("type") == "tool_use"
    )


def answerable(ids: Sequence[str]) -> bool:
    """Tell whether calls with these ids can be answered in pairs: each has the right form, and none comes twice."""
    return len(set(ids)) == len(ids) and all(_CALL_ID.fullmatch(each) for each in ids)


def result_block(call_id: str, content: str, *, ok: bool) -> Block:
    """Write the answer to one call."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": clean(content)}
    return block if ok else {**block, "is_error": True}


def user_content(results: Iterable[Block], notes: Iterable[Note]) -> list[Block]:
    """Compose the user message of a turn: all results first, text only after them."""
    return [*results, *({"type": "text", "text": clean(note.text)} for note in notes if note.text.strip())]


def with_order(content: Sequence[Block], order: Iterable[Block]) -> list[Block]:
    """Put the order back into a user message, word for word: behind the results, which come first, before the notes."""
    results = [block for block in content if block.get("type") == "tool_result"]
    return [*results, {"type": "text", "text": _ORDER}, *order, *content[len(results) :]]


def without_thinking(content: Iterable[Block]) -> list[Block]:
    """Drop thinking blocks whole: after a cut they are bound to a prefix that is gone."""
    return [block for block in content if block.get("type") not in THINKING]


def sendable(role: str, content: Iterable[Any]) -> Message:
    """Write a stored message for the wire, with the few blocks that the API would refuse made acceptable."""
    blocks = [_encodable(_acceptable(block)) for block in content if isinstance(block, dict) and not _is_empty(block)]
    return {"role": role, "content": blocks or [{"type": "text", "text": _NOTHING}]}


def _is_empty(block: Block) -> bool:
    return block.get("type") == "text" and not str(block.get("text") or "").strip()


def _acceptable(block: Block) -> Block:
    if block.get("type") == "text" and isinstance(text := block.get("text"), str):
        return {**block, "text": clean(text)}
    if block.get("type") != "tool_use":
        return block
    # What no tool could be called with is shown to the model as an empty call beside its error result.
    given = block.get("input")
    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(block.get("name")))[:128]
    return {**block, "name": name, "input": given if isinstance(given, dict) else {}}


def _encodable(block: Block) -> Block:
    try:
        json.dumps(block, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        cleaned: Block = json.loads(clean(json.dumps(block, ensure_ascii=False)))
        return cleaned
    return block


def runs_of(messages: Sequence[Message]) -> list[Message]:
    """Join neighbours of the same role: a paused reply and its continuation are one answer."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1] = {"role": message["role"], "content": [*joined[-1]["content"], *message["content"]]}
        else:
            joined.append(message)
    return joined


def pairing_problem(messages: Sequence[Message]) -> str:
    """Say what is wrong with the pairing of calls and results, or nothing.

    Every call is answered exactly once, in the next user message, results first. Only a paused reply at the end may
    stand open. The user speaks first, unless a signed summary stands for what was said.
    """
    joined = runs_of(messages)
    if not joined or (joined[0]["role"] != "user" and not _is_summary(messages[0])):
        return "the first message is not the user's"
    for number, message in enumerate(joined):
        if message["role"] != "user":
            continue
        before = joined[number - 1]["content"] if number else []
        if problem := _unpaired([call.id for call in calls_of(before)], message["content"]):
            return f"message {number}: {problem}"
    return ""


def _is_summary(message: Message) -> bool:
    return [block["type"] for block in message["content"]] == ["compaction"]


def _unpaired(asked: list[str], content: Sequence[Block]) -> str:
    kinds = [block["type"] == "tool_result" for block in content]
    answered = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
    if sorted(kinds, reverse=True) != kinds:
        return "a result stands behind other blocks"
    if sorted(asked) != sorted(answered):
        return f"{len(asked)} calls, {len(answered)} results, {len(set(asked) & set(answered))} of them in pairs"
    return "" if len(set(asked)) == len(asked) else "two calls have the same id"


def mark_long_turn(messages: list[Message]) -> list[Message]:
    """Mark where the last request ended when much has come since: a cache looks back only about 20 blocks."""
    ends = [number for number, message in enumerate(messages) if message["role"] == "user"][:-1]
    if not ends or sum(len(message["content"]) for message in messages[ends[-1] + 1 :]) <= _LONG_TURN:
        return messages
    content = messages[ends[-1]]["content"]
    marked = {**messages[ends[-1]], "content": [*content[:-1], {**content[-1], "cache_control": {"type": "ephemeral"}}]}
    return [*messages[: ends[-1]], marked, *messages[ends[-1] + 1 :]]


def readable_size(messages: Iterable[Message]) -> int:
    """Count the bytes of messages that a model reads: of a signed summary only its words, not its seal."""
    return size_of([{**message, "content": [_words(block) for block in message["content"]]} for message in messages])


def _words(block: Block) -> Block:
    return {"type": "text", "text": block.get("content")} if block.get("type") == "compaction" else block


def size_of(value: object) -> int:
    """Count the bytes of a value on the wire."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace"))


def tool_definitions(pin: Mapping[str, Any]) -> list[Block]:
    """Read the tools of a pinned agent as the API wants them, always in the same order."""
    return [{name: tool[name] for name in ("name", "description", "input_schema")} for tool in pin["tools"]]
