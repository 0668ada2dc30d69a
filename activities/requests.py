"""Writes requests to the model, and bounds what they cost to read. Pure: the same values always give the same bytes."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_letters
from typing import Any

from activities.messages import Message, digest_of, dumps, mark_long_turn, size_of, tool_definitions
from activities.pictures import MOST_TOKENS

_NO_EFFORT = ("claude-haiku-4-5", "claude-sonnet-4-5")
_NO_ADAPTIVE_THINKING = (*_NO_EFFORT, "claude-opus-4-5")
_OVERHEAD = 600
"""Tokens that the API adds to a request with tools and a format, over what is written in it."""

_TURN_OVERHEAD = 64
_LEAST_CACHED = 1_024
_BYTES_PER_TOKEN = 4
_USUAL_IMAGE = 1_600
_LONG_RUN = re.compile(rb"[A-Za-z0-9+/=_-]{25,}")
_CHEAP = (ascii_letters + " ").encode()


def frozen_of(pin: Mapping[str, Any], model: str = "") -> dict[str, Any]:
    """Write the part of a request that is the same in every turn, so that it is read from the cache.

    `model` is asked instead of the pinned one.
    """
    model = model or pin["model"]
    frozen: dict[str, Any] = {"model": model}
    if pin["instructions"].strip():
        hour = {"type": "ephemeral", "ttl": "1h"}
        frozen["system"] = [{"type": "text", "text": pin["instructions"], "cache_control": hour}]
    if pin["tools"]:
        frozen["tools"] = tool_definitions(pin)
    config = {} if model.startswith(_NO_EFFORT) else {"effort": pin["effort"]}
    if pin["format"] is not None:
        config["format"] = {"type": "json_schema", "schema": pin["format"]}
    if config:
        frozen["output_config"] = config
    if not model.startswith(_NO_ADAPTIVE_THINKING):
        frozen["thinking"] = {"type": "adaptive"}
    return frozen


def prefix_of(pin: Mapping[str, Any], model: str = "") -> str:
    """Digest the frozen part: two requests with the same digest share what the cache holds of it."""
    return digest_of(dumps(frozen_of(pin, model)))


def params_of(
    pin: Mapping[str, Any], messages: Sequence[Message], *, model: str = "", without_tools: bool = False
) -> dict[str, Any]:
    """Write a whole request but for its `max_tokens`: the frozen part, and `messages` with their images in place."""
    params = {
        **frozen_of(pin, model),
        "messages": mark_long_turn(list(messages)),
        "cache_control": {"type": "ephemeral"},
        "service_tier": "standard_only",  # other tiers have no price in our table
    }
    if without_tools and pin["tools"]:  # taking the tools away would change the prefix, and orphan the calls in it
        params["tool_choice"] = {"type": "none"}
    return params


def prompt_bound(
    pin: Mapping[str, Any], messages: Sequence[Message], *, known: int = 0, since: int = 0, images: int | None = None
) -> int:
    """Bound the tokens that a request makes the model read.

    `messages` name images by digest; `images` are the tokens of all of them, the most that is possible if None. The
    API counted `known` tokens for the first `since` messages and all that stands before them; 0: it counted nothing.
    """
    if known:
        fresh = messages[since:]
        return known + text_bound(fresh) + _images(fresh) * MOST_TOKENS + _TURN_OVERHEAD
    shown = _images(messages) * MOST_TOKENS if images is None else images
    return text_bound(messages) + shown + _pinned_bound(pin)


def baseline(pin: Mapping[str, Any], messages: Sequence[Message]) -> int:
    """Estimate, rather than bound, the tokens that a request makes the model read."""
    return (size_of(messages) + size_of(_pinned(pin))) // _BYTES_PER_TOKEN + _images(messages) * _USUAL_IMAGE


def hour_bound(pin: Mapping[str, Any]) -> int:
    """Bound the tokens of a request that are written to the cache for an hour: those before the messages."""
    return _pinned_bound(pin) if pin["instructions"].strip() else 0


def is_worth_warming(pin: Mapping[str, Any]) -> bool:
    """Tell whether other conversations may find the frozen part in the cache, where what is short is not kept."""
    return bool(pin["instructions"].strip()) and size_of(_pinned(pin)) >= _BYTES_PER_TOKEN * _LEAST_CACHED


def text_bound(value: object) -> int:
    """Bound the tokens of a value by the bytes that it has on the wire.

    A token is at least one byte, which is all that holds for digits, punctuation, control characters, and scripts other
    than ours, and for what is no language: a run of over 24 letters and digits. In words a token takes at least two
    bytes on average, since a word shares its token with the space before it, and the words of the wire's own braces
    and names come on top of what the model reads.
    """
    written = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    words = _LONG_RUN.sub(b"", written)
    cheap = len(words) - len(words.translate(None, delete=_CHEAP))
    return len(written) - cheap // 2


def _pinned(pin: Mapping[str, Any]) -> list[Any]:
    return [pin["instructions"], tool_definitions(pin), pin["format"]]


def _pinned_bound(pin: Mapping[str, Any]) -> int:
    return text_bound(_pinned(pin)) + _OVERHEAD


def _images(messages: Iterable[Message]) -> int:
    return sum(block.get("type") == "image" for message in messages for block in message["content"])
