"""Reads the token counts of a reply. A call can have several iterations inside; the top-level fields leave some out."""

from collections.abc import Mapping
from typing import Any

from activities.replies import usage_of
from workflows.models import Usage

_OWN_WORDS = ("message", "fallback_message")


def iterations(usage: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List what was billed: each iteration, or the call itself where it had only one."""
    listed = usage.get("iterations")
    return list(listed) if isinstance(listed, list) and listed else [{**usage, "type": "message"}]


def billed(usage: Mapping[str, Any]) -> tuple[Usage, int]:
    """Sum the tokens of all iterations, and how many of the cache writes went to the 1 h cache. Never raises."""
    parts = [part for part in iterations(usage) if isinstance(part, Mapping)]
    total = sum((usage_of({"usage": part}) for part in parts), Usage())
    whole = usage_of({"usage": usage})  # only the whole call tells how much of it was thinking
    return total.model_copy(update={"thinking": max(total.thinking, whole.thinking)}), sum(map(_hour, parts))


def context_of(message: Mapping[str, Any]) -> int:
    """Count what the conversation now holds: the last words and all that was read for them, never a compaction.

    0: it was not counted whole, and half a count would let the next call reserve too little.
    """
    usage = message.get("usage")
    if not isinstance(usage, Mapping) or message.get("stop_reason", "") is None:
        return 0
    said = [part for part in iterations(usage) if isinstance(part, Mapping) and part.get("type") in _OWN_WORDS]
    told = said[-1] if said else usage
    if told.get("input_tokens") is None or told.get("output_tokens") is None:
        return 0
    last = usage_of({"usage": told})
    return last.prompt + last.output


def _hour(part: Mapping[str, Any]) -> int:
    split = part.get("cache_creation")
    hour = split.get("ephemeral_1h_input_tokens") if isinstance(split, Mapping) else 0
    write = usage_of({"usage": part}).cache_write
    return min(usage_of({"usage": {"cache_creation_input_tokens": hour}}).cache_write, write)
