"""Shortens a conversation. Pure and deterministic: no model writes the summary, so none can drift in it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

SUMMARY = 200
"""Characters of one result in the summary."""

WHOLE = 24_000
"""Characters of a whole summary; the oldest lines go first."""

_HEADING = "## Earlier in this conversation (shortened; the results below are real, the messages are gone)"


class Line(NamedTuple):
    """One thing that happened before the cut."""

    turn: int
    text: str


def tail_start(roles: Sequence[str], keep: int) -> int:
    """Find where the kept tail begins: at an answer of the assistant, so that every call keeps its results.

    `roles` are those of all messages. 1 means that nothing can be dropped.
    """
    start = min(max(len(roles) - keep, 1), len(roles) - 1)
    while start > 1 and not (roles[start] == "assistant" and roles[start - 1] == "user"):
        start -= 1
    return max(start, 1)


def result_line(turn: int, tool: str, text: str, *, ok: bool) -> Line:
    """Say what one call came to: tool, success, and the first of its summary or result."""
    flat = " ".join(text.split())
    return Line(turn, f"- {tool} ({'success' if ok else 'failed'}): {flat[:SUMMARY]}")


def person_line(turn: int, text: str) -> Line:
    """Keep what a person said, in full."""
    return Line(turn, f"- a person said: {text}")


def summarise(lines: Iterable[Line]) -> str:
    """Write the summary of the dropped middle, oldest first."""
    ordered = sorted(lines, key=lambda line: line.turn)
    texts = [f"turn {line.turn} {line.text}" for line in ordered]
    left_out = 0
    while texts[left_out:] and sum(len(text) + 1 for text in texts[left_out:]) > WHOLE:
        left_out += 1
    head = [_HEADING, f"- {left_out} earlier results are left out"] if left_out else [_HEADING]
    return "\n".join([*head, *texts[left_out:]])
