"""Answers: how a tool's result or refusal is written for the model, and how small its record stays."""

import hashlib
import json
from typing import Any, NamedTuple

from pydantic import BaseModel

from activities.tools.definition import Artefact, Declined, Escalation
from workflows.models import Refusal

SHOWN = 8 * 1024
"""Bytes of one result that the model sees."""


class Answer(NamedTuple):
    """One call's answer before it is kept. `text` is whole; `preview` and `hint` go into history, cut."""

    ok: bool
    text: str
    preview: str
    hint: str = ""
    refusal: Refusal | None = None
    asset: str | None = None
    escalation: str | None = None


def success(result: Any, preview: str | None = None) -> Answer:  # noqa: ANN401 - whatever a tool returns
    """Write a tool's result as JSON.

    Raises:
        TypeError, ValueError: the result cannot be written as JSON.
    """
    if isinstance(result, Declined):
        return refused(result.refusal, result.error, result.hint)
    if isinstance(result, Escalation):
        told = {"success": True, "escalated": True, "reason": result.reason, "question": result.question}
        why = f"{result.reason} {result.question}".strip()
        return Answer(True, encode(told), f"asked a person: {result.reason}", escalation=why)
    text = encode(result.model_dump(mode="json") if isinstance(result, BaseModel) else result)
    asset = result.digest if isinstance(result, Artefact) else None
    return Answer(True, text, preview or text, asset=asset)


def refused(refusal: Refusal, error: str, hint: str = "") -> Answer:
    """Write a refusal: what is wrong and what to do about it."""
    error, hint = clean(error)[:2_000], clean(hint)[:2_000]
    return Answer(False, encode({"success": False, "error": error, "hint": hint}), error, hint, refusal)


def shown(text: str, full: str | None) -> str:
    """Give what the model sees of a result: all of it, or its head and the name of the whole."""
    if full is None:
        return text
    told = {"truncated": True, "full": full, "bytes": len(text.encode()), "head": ""}
    room = SHOWN - len(encode(told).encode())
    head = cut(text, room)
    while len(encode(head).encode()) > room:  # quotes and backslashes double when they are written again
        head = head[: len(head) * 3 // 4]
    return encode({**told, "head": head})


def too_long(text: str) -> bool:
    """Tell whether a result is more than the model is shown."""
    return len(text) > SHOWN or len(text.encode()) > SHOWN


def encode(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Write JSON that every store and every wire takes: no lone surrogates, no NUL, no NaN."""
    return clean(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain))


def canonical(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Digest JSON whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def clean(text: str) -> str:
    """Replace what no store takes."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "�")


def small(text: str, limit: int, most_bytes: int) -> str:
    """Cut text for history: one line, printable, at most `limit` characters and `most_bytes` bytes as JSON."""
    flat = " ".join(clean(text[: limit * 8]).split())
    flat = "".join(char if char.isprintable() else "�" for char in flat)
    flat = flat if len(flat) <= limit else flat[: limit - 1] + "…"
    while len(encode(flat).encode()) > most_bytes:
        flat = flat[: len(flat) * 7 // 8]
    return flat


def cut(text: str, most_bytes: int) -> str:
    """Cut text to a number of bytes, never inside a character."""
    return text.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"cannot be written as JSON: {type(value).__name__}")
