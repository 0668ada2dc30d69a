"""Reads a message of the model into a small record. Whatever it holds becomes a value: nothing here raises."""

import json
import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from activities.messages import answerable, calls_of, canonical, digest_of, dumps
from activities.tools.answers import clean, cut, encode, small
from activities.tools.definition import RawCall
from workflows.models import Call, Stop, Usage

MOST_CALLS = 32
"""Calls of one reply that are run; the others are answered as not run."""

OUTPUT = 32 * 1024
"""Bytes of a finished reply's text that enter history."""

ASIDE = 120
"""Characters of what a model says beside its calls that enter history; the whole is in the store."""

_STOPS: Mapping[str, Stop] = {
    "end_turn": "end_turn",
    "stop_sequence": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "pause_turn": "pause_turn",
    "compaction": "pause_turn",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_exceeded",
}
_DEEPEST = 32
_CUT_OFF = "not executed: the answer was cut off before it was complete; send the call again, whole and shorter"


class Reading(NamedTuple):
    """What a message says. `unrun` are calls that must not be run, each with the reason for the model."""

    stop: Stop
    calls: tuple[Call, ...]
    output: str | None
    text: str
    unrun: dict[str, str]


def content_of(message: Mapping[str, Any]) -> list[Any]:
    """Read the blocks of a message; junk is no block, and what JSON has no word for becomes null."""
    content = message.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    try:
        json.dumps(blocks, allow_nan=False)
    except ValueError:
        return [_finite(block) for block in blocks]
    except RecursionError:  # too deep to look at; whoever stores it will say so
        return blocks
    return blocks


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever the model wrote
    """Replace infinities and NaN: Python reads and writes them, an endpoint refuses them for ever."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read(message: Mapping[str, Any], pin: Mapping[str, Any], used: frozenset[str]) -> Reading:
    """Read a whole message. `used` are the call ids of earlier messages, which must not come again."""
    content = content_of(message)
    calls = calls_of(content)
    stop = _stop(message, [call.id for call in calls], used)
    text = "".join(str(block.get("text") or "") for block in content if block.get("type") == "text")
    if stop != "tool_use":
        why = _CUT_OFF if stop == "max_tokens" else f"not executed: the answer ended with {stop}"
        output = bounded(text) if stop == "end_turn" else None
        return Reading(stop, (), output, _text(stop, message, text), dict.fromkeys((call.id for call in calls), why))
    why = f"not executed: at most {MOST_CALLS} calls are run in one turn"
    unrun = dict.fromkeys((call.id for call in calls[MOST_CALLS:]), why)
    return Reading(stop, tuple(_call(call, pin) for call in calls[:MOST_CALLS]), None, small(text, ASIDE, 400), unrun)


def bounded(text: str) -> str:
    """Cut a text to what history takes."""
    text = cut(clean(text), OUTPUT)
    while len(encode(text).encode()) > OUTPUT:
        text = text[: len(text) * 7 // 8]
    return text


def usage_of(message: Mapping[str, Any]) -> Usage:
    """Read the token counts; a missing one is 0."""
    usage = message.get("usage")
    if not isinstance(usage, Mapping):
        return Usage()
    details = usage.get("output_tokens_details")
    return Usage(
        input=_count(usage.get("input_tokens")),
        output=_count(usage.get("output_tokens")),
        thinking=_count(details.get("thinking_tokens")) if isinstance(details, Mapping) else 0,
        cache_read=_count(usage.get("cache_read_input_tokens")),
        cache_write=_count(usage.get("cache_creation_input_tokens")),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def _stop(message: Mapping[str, Any], ids: list[str], used: frozenset[str]) -> Stop:
    reason = message.get("stop_reason")
    stop = _STOPS.get(reason, "broken") if isinstance(reason, str) else "broken"
    if used & set(ids) or not answerable(ids):
        return "broken"
    return "end_turn" if stop == "tool_use" and not ids else stop


def _text(stop: Stop, message: Mapping[str, Any], text: str) -> str:
    if stop == "refusal":
        details = message.get("stop_details")
        category = details.get("category") if isinstance(details, Mapping) else None
        return _preview(f"refused ({category or 'no category'}): {text}")
    if stop == "broken":
        return _preview(f"unusable answer, stop reason {message.get('stop_reason')!r}: {text}")
    return _preview(text)


def _preview(text: str) -> str:
    return small(text, 300, 1_200)


def _call(call: RawCall, pin: Mapping[str, Any]) -> Call:
    rule = next((tool for tool in pin["tools"] if tool["name"] == call.tool), None)
    call_value = {
        "id": call.id,
        "tool": small(call.tool, 64, 96),
        "digest": _fingerprint(call.arguments),
        "shape": _fingerprint(fold(call.arguments)),
        "preview": _call_preview(call),
    }
    if rule is None:
        return Call(**call_value, quick=True)
    policy = {name: rule[name] for name in ("effect", "quick", "queue")}
    return Call(**call_value, **policy, timeout=timedelta(seconds=rule["seconds"]))


def _fingerprint(value: object) -> str:
    """Digest arguments to 80 bits: they are only compared with those of the last turns, and stand in every history."""
    try:
        return digest_of(canonical(value)).removeprefix("sha256:")[:20]
    except RecursionError:
        return "nested too deeply"


def _call_preview(call: RawCall) -> str:
    if not isinstance(call.arguments, dict):
        return small(f"{call.tool}({str(call.arguments)[:200]})", 160, 240)
    shown = ", ".join(f"{name}={_argument(value)}" for name, value in list(call.arguments.items())[:12])
    return small(f"{call.tool}({shown})", 160, 240)


def _argument(value: object) -> str:
    try:
        return str(value)[:120] if isinstance(value, str) else dumps(value)[:120]
    except RecursionError:
        return "…"


def fold(value: object, depth: int = 0) -> object:
    """Fold what an agent varies without meaning it: case, white space, and the third digit of a fraction.

    Whole numbers stay, because page 2 is not page 3.
    """
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    if isinstance(value, float):
        rounded = float(f"{value:.2g}")
        return int(rounded) if rounded.is_integer() else rounded
    if isinstance(value, dict):
        return {str(name): fold(each, depth + 1) for name, each in value.items()}
    return [fold(each, depth + 1) for each in value] if isinstance(value, list) else value
