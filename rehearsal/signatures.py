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

Lineage = tuple[str, ...]
"""The digests of what came before: of the conversation as it was sent, and of what its summaries stand for."""


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


def sign(model: str, prefix: str, thinking: str) -> str:
    """Sign a thinking block."""
    return packed({"m": model, "p": prefix[:32], "t": _seal(model, prefix, thinking)})


def packed(seal: Mapping[str, Any]) -> str:
    """Write a seal as the text that goes over the wire."""
    return base64.b64encode(json.dumps(seal, ensure_ascii=False).encode()).decode()


def unpacked(signature: str) -> Any:  # noqa: ANN401 - any JSON
    """Read a seal.

    Raises:
        ValueError: this is none.
    """
    try:
        return json.loads(base64.b64decode(signature, validate=True))
    except binascii.Error as error:
        raise ValueError("no seal") from error


def check_thinking_block(
    path: str, block: Mapping[str, Any], before: Lineage, card: Card, *, lenient: bool
) -> Dropped | None:
    """Check a replayed thinking block; tell if it was dropped, where the caller wants that.

    Raises:
        ApiError: 400 for a changed block, or a block of another conversation.
    """
    seal = _opened(path, block["signature"])
    if seal["m"] != card.id:
        return Dropped(path, "model_binding_mismatch")  # another model's thoughts are left out without a word
    if seal["p"] in {digest[:32] for digest in before} or not card.binds_thinking:
        if seal["t"] != _seal(card.id, seal["p"], block["thinking"]):
            raise ApiError(f"{path}: Invalid `signature` in `thinking` block")
        return None
    if lenient:
        return Dropped(path, "prefix_binding_mismatch")
    why = "the block was created in a different conversation, or the messages before it have changed"
    raise ApiError(f"{path}: Invalid `signature` in `thinking` block: {why}")


def _opened(path: str, signature: str) -> dict[str, str]:
    try:
        seal = unpacked(signature)
        return {name: str(seal[name]) for name in ("m", "p", "t")}
    except (ValueError, KeyError, TypeError):
        raise ApiError(f"{path}: Invalid `signature` in `thinking` block") from None


def _seal(model: str, prefix: str, thinking: str) -> str:
    return hashlib.sha256(f"{model}\n{prefix[:32]}\n{thinking}".encode()).hexdigest()[:32]
