"""Thinking blocks are signed: for the model that thought them, their own text, and everything that came before."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.cards import Card
from rehearsal.errors import ApiError
from rehearsal.prefix import chained


@dataclass(frozen=True)
class Dropped:
    """A thinking block that the model did not get to see."""

    path: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """Write the entry of `input_transformations`."""
        return {"type": "thinking_dropped", "path": self.path, "reason": self.reason}


def opening(body: Mapping[str, Any]) -> str:
    """The digest that a conversation's first block is bound to: tools and system."""
    return chained("", [body.get("tools") or [], body["system"]])


def binding(body: Mapping[str, Any]) -> str:
    """The digest that the first block of the next reply is bound to."""
    digest = opening(body)
    for message in body["messages"]:
        for block in message["content"]:
            digest = chained(digest, [message["role"], block])
    return digest


def sign(model: str, prefix: str, thinking: str) -> str:
    """Sign a thinking block."""
    seal = {"m": model, "p": prefix[:32], "t": _seal(model, prefix, thinking)}
    return base64.b64encode(json.dumps(seal).encode()).decode()


def check_signatures(body: Mapping[str, Any], card: Card) -> tuple[Dropped, ...]:
    """Check every replayed thinking block of a normal body; tell which ones were dropped where the caller wants that.

    Raises:
        ApiError: 400 for a changed block, or a block of another conversation.
    """
    binding_rules = (body.get("thinking") or {}).get("block_binding") or {}
    lenient = binding_rules.get("prefix_mismatch_behavior") == "drop_block"
    dropped: list[Dropped] = []
    digest = opening(body)
    for m, message in enumerate(body["messages"]):
        for b, block in enumerate(message["content"]):
            if block["type"] == "thinking":
                dropped += _checked(f"messages.{m}.content.{b}", block, digest, card, lenient=lenient)
            digest = chained(digest, [message["role"], block])
    return tuple(dropped)


def _checked(path: str, block: Mapping[str, Any], prefix: str, card: Card, *, lenient: bool) -> list[Dropped]:
    seal = _opened(path, block["signature"])
    if seal["m"] != card.id:
        return [Dropped(path, "model_binding_mismatch")]  # another model's thoughts are left out without a word
    if seal["p"] == prefix[:32] or not card.binds_thinking:
        if seal["t"] != _seal(card.id, seal["p"], block["thinking"]):
            raise ApiError(f"{path}: Invalid `signature` in `thinking` block")
        return []
    if lenient:
        return [Dropped(path, "prefix_binding_mismatch")]
    why = "the block was created in a different conversation, or the messages before it have changed"
    raise ApiError(f"{path}: Invalid `signature` in `thinking` block: {why}")


def _opened(path: str, signature: str) -> dict[str, str]:
    try:
        seal = json.loads(base64.b64decode(signature, validate=True))
        return {name: str(seal[name]) for name in ("m", "p", "t")}
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise ApiError(f"{path}: Invalid `signature` in `thinking` block") from None


def _seal(model: str, prefix: str, thinking: str) -> str:
    return hashlib.sha256(f"{model}\n{prefix[:32]}\n{thinking}".encode()).hexdigest()[:32]
