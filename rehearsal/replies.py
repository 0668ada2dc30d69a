"""From a performance to the message that goes over the wire: identifiers, signatures, cuts and usage."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rehearsal.body import Body
from rehearsal.cache import Counted
from rehearsal.cards import Card
from rehearsal.player import Block, Performance, ServerToolUse, Summary, Text, Thinking, ToolUse
from rehearsal.prefix import CHARACTERS_PER_TOKEN, chained
from rehearsal.signatures import Dropped, sign

COUNTED: Final = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "output_tokens",
)


@dataclass(frozen=True)
class Setting:
    """What a reply depends on besides the performance.

    `binding` is the digest of all that was said before. `after_tools` tells that results were just handed in. Only
    `beta` replies tell their iterations.
    """

    body: Body
    card: Card
    binding: str
    counted: Counted
    dropped: tuple[Dropped, ...] = ()
    after_tools: bool = False
    beta: bool = False
    batch: bool = False


@dataclass(frozen=True)
class Reply:
    """A whole message, and the JSON text of a call whose input was cut off, by block index."""

    message: Mapping[str, Any]
    cut_inputs: Mapping[int, str] = field(default_factory=dict)


def compose(performance: Performance, setting: Setting) -> Reply:
    """Write the message. Equal prompts get equal identifiers, so that runs can be repeated."""
    audible = tuple(block for block in performance.blocks if not isinstance(block, Thinking) or _thinks(setting))
    lengths = _lengths(audible, performance, setting.body.max_tokens)
    stop = "max_tokens" if performance.cut is not None or sum(lengths) < _size(audible) else performance.stop_reason
    if setting.body.max_tokens == 0:
        stop = "max_tokens"
    content: list[dict[str, Any]] = []
    cut_inputs: dict[int, str] = {}
    prefix = setting.binding
    for block, length in zip(audible, lengths, strict=True):
        if length == 0 and _length(block):
            break  # the room ended before this block
        written = _written(block, length, prefix, len(content), setting)
        if isinstance(block, ToolUse) and length < _length(block):
            cut_inputs[len(content)] = _json(block.input)[:length]
        content.append(written)
        prefix = chained(prefix, ["assistant", written])
    message = {
        "model": setting.card.id,
        "id": f"msg_{name_of(setting.binding, 'message')}",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": _details(performance) if stop == "refusal" else None,
        "usage": told({**_usage(setting, audible, lengths), **(performance.usage or {})}, setting),
    }
    if setting.dropped:
        message["input_transformations"] = [each.as_json() for each in setting.dropped]
    return Reply(message, cut_inputs)


def told(usage: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
    """Write the usage record as it is sent: beta replies tell their one iteration as well."""
    if not setting.beta or "iterations" in usage:
        return dict(usage)
    counted = {name: usage.get(name) for name in COUNTED}
    return {**usage, "iterations": [{"type": "message", "model": setting.card.id, **counted}]}


def terms_of(setting: Setting) -> dict[str, Any]:
    """Write what a usage record tells about the price besides the tokens."""
    place = setting.body.inference_geo or "global"
    terms = {"service_tier": "batch" if setting.batch else "standard", "inference_geo": place}
    return {**terms, "speed": setting.body.speed} if setting.body.speed else terms


def _thinks(setting: Setting) -> bool:
    thinking = setting.body.thinking
    if thinking is None or thinking.type in {"adaptive", "enabled"}:
        return True
    return thinking.type == "between_tools" and setting.after_tools


def _lengths(blocks: Sequence[Block], performance: Performance, max_tokens: int) -> list[int]:
    """How many characters of each block are said before the room ends, or the performance is cut off."""
    room = max_tokens * CHARACTERS_PER_TOKEN
    lengths = []
    for at, block in enumerate(blocks):
        wanted = _length(block)
        if performance.cut is not None and at == len(blocks) - 1:
            wanted = int(wanted * performance.cut)
        lengths.append(min(wanted, room))
        room -= lengths[-1]
    return lengths


def _size(blocks: Sequence[Block]) -> int:
    return sum(map(_length, blocks))


def _length(block: Block) -> int:
    if isinstance(block, Text | Thinking | Summary):
        return len(block.text or "")
    return len(_json(block.input))


def _written(block: Block, length: int, prefix: str, at: int, setting: Setting) -> dict[str, Any]:
    match block:
        case Text(text):
            return {"type": "text", "text": text[:length]}
        case Thinking(text):
            shown = "" if _omits(setting) else text[:length]
            return {"type": "thinking", "thinking": shown, "signature": sign(setting.card.id, prefix, shown)}
        case Summary(text):
            return {"type": "text", "text": (text or "")[:length]}
        case ServerToolUse(name, arguments):
            return {
                "type": "server_tool_use",
                "id": f"srvtoolu_{name_of(prefix, at)}",
                "name": name,
                "input": arguments,
            }
        case ToolUse(name, arguments, given):
            kept = dict(arguments) if length >= _length(block) else _fitting(arguments, length)
            return {"type": "tool_use", "id": given or f"toolu_{name_of(prefix, at)}", "name": name, "input": kept}


def _omits(setting: Setting) -> bool:
    asked = setting.body.thinking.display if setting.body.thinking else None
    return asked == "omitted" or (asked is None and setting.card.omits_thinking)


def _fitting(arguments: Mapping[str, Any], length: int) -> dict[str, Any]:
    """The arguments that were complete when the text was cut."""
    kept: dict[str, Any] = {}
    for name, value in arguments.items():
        if len(_json({**kept, name: value})) > length:
            break
        kept[name] = value
    return kept


def _usage(setting: Setting, blocks: Sequence[Block], lengths: Sequence[int]) -> dict[str, Any]:
    costs = [-(-length // CHARACTERS_PER_TOKEN) for length in lengths]
    thoughts = sum(cost for cost, block in zip(costs, blocks, strict=True) if isinstance(block, Thinking))
    return {
        **setting.counted.as_json(),
        "output_tokens": min(max(1, sum(costs)), setting.body.max_tokens),
        "output_tokens_details": {"thinking_tokens": thoughts},
        **terms_of(setting),
    }


def _details(performance: Performance) -> dict[str, Any]:
    return {"type": "refusal", "category": performance.refusal, "explanation": None}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def name_of(prefix: str, kind: object) -> str:
    """Make an identifier; equal prompts get equal ones."""
    return "01" + hashlib.sha256(f"{prefix} {kind}".encode()).hexdigest()[:22]
