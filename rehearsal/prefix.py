"""The prompt as a chain of pieces: tools, then system, then messages. Caching, counting and identifiers rest on it."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

CHARACTERS_PER_TOKEN: Final = 4
VERBATIM: Final = frozenset({"input", "input_schema", "schema"})
"""Fields whose own key order is part of the prompt; the order of a block's fields is not."""

Count = Callable[[str], int]


@dataclass(frozen=True)
class Piece:
    """One step of the prompt.

    `key` is a digest of everything up to and with this piece. `ttl` is set where the caller put a breakpoint,
    `markable` where one may stand.
    """

    key: str
    tokens: int
    ttl: str | None = None
    markable: bool = False


def tokens_in(text: str) -> int:
    """Estimate tokens: a quarter of the characters."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def normal_opening(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Write a plain system prompt as the text block that it stands for."""
    return {**raw, "system": _blocks(raw.get("system") or [])}


def normal_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Write plain strings of a message as the text blocks that they stand for."""
    return {**message, "content": _contents(message["content"])}


def opening_pieces(body: Mapping[str, Any]) -> tuple[Piece, ...]:
    """Lay out what stands before the messages of a normal body, in the order in which it is cached."""
    chain: list[Piece] = []
    key = _digest("", body["model"])
    for value, tokens, mark, markable in _steps(body):
        key = _digest(key, value)
        chain.append(Piece(key, tokens, _lifetime(mark), markable))
    return tuple(chain)


def block_piece(previous: str, role: str, block: Mapping[str, Any], image_tokens: Count) -> Piece:
    """Lay out one block of a message after the piece with the key `previous`."""
    key = _digest(previous, [role, plain(block)])
    return Piece(key, tokens_of(block, image_tokens), _lifetime(block.get("cache_control")), _markable(block))


def chained(previous: str, value: object) -> str:
    """Extend a digest by a value, with cache breakpoints left out."""
    return _digest(previous, plain(value))


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Leave out what the model never reads: breakpoints, and the order of fields."""
    if isinstance(value, Mapping):
        kept = sorted(item for item in value.items() if item[0] != "cache_control")
        return {name: each if name in VERBATIM else plain(each) for name, each in kept}
    return [plain(each) for each in value] if isinstance(value, list) else value


Step = tuple[object, int, Mapping[str, Any] | None, bool]


def _steps(body: Mapping[str, Any]) -> Iterator[Step]:
    for tool in body.get("tools") or []:
        yield plain(tool), tokens_in(_text(plain(tool))), tool.get("cache_control"), True
    output = body.get("output_config") or {}
    # The format is told to the model ahead of the system prompt; speed costs the cache of the same part.
    shape = output.get("format")
    yield ["format", shape, body.get("speed")], tokens_in(_text(shape)) if shape else 0, None, False
    for block in body["system"]:
        yield plain(block), tokens_in(block["text"]), block.get("cache_control"), True
    yield ["mode", body.get("tool_choice"), body.get("thinking"), output.get("effort")], 0, None, False


def _lifetime(mark: Mapping[str, Any] | None) -> str | None:
    return (mark.get("ttl") or "5m") if mark else None


def tokens_of(block: Mapping[str, Any], image_tokens: Count) -> int:
    """Count one block of a message."""
    match block["type"]:
        case "text":
            return tokens_in(block["text"])
        case "image":
            return image_tokens(block["source"].get("data", ""))
        case "tool_result":
            return 1 + sum(tokens_of(each, image_tokens) for each in block.get("content") or [])
        case "thinking":
            return 1 + tokens_in(block["thinking"])
        case "compaction":
            return tokens_in(block.get("content") or "")
        case _:
            return 1 + tokens_in(_text(block.get("input") or block.get("data") or ""))


def _markable(block: Mapping[str, Any]) -> bool:
    return block["type"] not in {"thinking", "redacted_thinking"} and block.get("text") != ""


def _contents(content: object) -> list[dict[str, Any]]:
    return [
        {**block, "content": _blocks(block["content"])}
        if block["type"] == "tool_result" and "content" in block
        else block
        for block in _blocks(content)
    ]


def _blocks(content: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a string or a list of blocks
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _digest(previous: str, value: object) -> str:
    return hashlib.sha256(f"{previous}\n{_text(value)}".encode()).hexdigest()
