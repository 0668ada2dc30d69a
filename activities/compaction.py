"""Shortens a conversation. Pure and deterministic: what is dropped becomes lines, so that nothing can drift in them."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SUMMARY = 200
"""Characters of one result in the summary."""

WHOLE = 24_000
"""Characters of a whole summary; the oldest lines go first."""

PEOPLE = 6_000
"""Characters of what people said, where a model writes the summary."""

_TITLE = "## Earlier in this conversation"
_RESULTS = f"{_TITLE} (shortened; the results below are real, the messages are gone)"
_WRITTEN = f"{_TITLE} (a summary that was written then; the messages are gone)"
_LEFT_OUT = re.compile(r"- ([0-9]{1,9}) earlier lines are left out")
_PERSON = re.compile(r"turn \d+ - a person said: ")
_ASSET = re.compile(r"\bast_[0-9a-f]{20}\b")


class Line(NamedTuple):
    """One thing that happened before the cut."""

    turn: int
    text: str


def tail_start(roles: Sequence[str], keep: int, begins: int = 0) -> int:
    """Find where the kept tail begins: at an answer of the assistant, so that every call keeps its results.

    `roles` are those of the messages from position `begins` on. `begins`, or 1, means that nothing can be dropped.
    """
    start = min(max(len(roles) - keep, 1), len(roles) - 1)
    while start > 0 and not (roles[start] == "assistant" and roles[start - 1] == "user"):
        start -= 1
    return max(begins + start, 1)


def result_line(turn: int, tool: str, text: str, *, ok: bool, asset: str = "") -> Line:
    """Say what one call came to: tool, success, the first of its summary or result, and the artefact it made."""
    flat = " ".join(text.split())[:SUMMARY]
    made = f" [{asset}]" if asset and asset not in flat else ""
    return Line(turn, f"- {tool} ({'success' if ok else 'failed'}): {flat}{made}")


def person_line(turn: int, text: str) -> Line:
    """Keep what a person said, every word of it, on one line."""
    return Line(turn, f"- a person said: {' '.join(text.split())}")


def summarise(lines: Iterable[Line], earlier: str = "") -> str:
    """Write the summary of the dropped middle, oldest first. It goes on from `earlier`, the summary of the last cut."""
    left_out, texts = _body(earlier)
    texts += _texts(lines)
    room = WHOLE - sum(len(text) + 1 for text in texts)
    gone = 0
    while room < 0 and gone < len(texts):
        room += len(texts[gone]) + 1
        gone += 1
    left_out += gone
    head = [_RESULTS, f"- {left_out} earlier lines are left out"] if left_out else [_RESULTS]
    return "\n".join([*head, *texts[gone:]])


def people_in(lines: Iterable[Line], earlier: str = "") -> str:
    """Gather what people said: of this no model decides what stays. The oldest goes when it gets too much."""
    texts = [text for text in [*_body(earlier)[1], *_texts(lines)] if _PERSON.match(text)]
    while sum(map(len, texts)) > PEOPLE:
        texts = texts[1:]
    return "\n".join(texts)


def written(text: str, people: str) -> str:
    """Write the summary of a model down, and what people said, word for word: no model puts words in their mouths."""
    own = "\n".join(line for line in text.strip().split("\n") if not _PERSON.match(line))
    return "\n\n".join(filter(None, [_WRITTEN, own, people]))


def assets_in(text: str) -> tuple[str, ...]:
    """Find the artefacts that a text names, each once."""
    return tuple(dict.fromkeys(_ASSET.findall(text)))


def _texts(lines: Iterable[Line]) -> list[str]:
    return [f"turn {line.turn} {line.text}" for line in sorted(lines, key=lambda line: line.turn)]


def _body(summary: str) -> tuple[int, list[str]]:
    """Take a summary apart: how many lines it left out, and its own."""
    lines = [line for line in summary.split("\n") if line.strip() and not line.startswith(_TITLE)]
    found = _LEFT_OUT.fullmatch(lines[0]) if lines else None
    return (int(found[1]), lines[1:]) if found else (0, lines)
