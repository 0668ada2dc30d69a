"""The redactor: a copy of a document without what must not count, and the way back to the original.

It works by rules, and rules miss things and take evidence away; so its version is recorded, what it replaced is
counted, and the second reading only detects. It never decides.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from activities.documents.traits import RULES, Rule

VERSION: Final = "2026.1"


class Span(NamedTuple):
    """A piece of the copy and the piece of the original it stands for; they are the same words unless `kind` is set."""

    start: int
    end: int
    source: int
    source_end: int
    kind: str


@dataclass(frozen=True)
class Redacted:
    """A redacted copy. `replaced` counts what was taken out, by kind."""

    text: str
    spans: tuple[Span, ...]
    replaced: dict[str, int]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Give the place in the original that a place in the copy stands for."""
        return self._source(start, last=False), self._source(end - 1, last=True)

    def _source(self, place: int, *, last: bool) -> int:
        starts = [span.start for span in self.spans]
        span = self.spans[max(bisect_right(starts, place) - 1, 0)]
        if span.kind:
            return span.source_end if last else span.source
        return span.source + place - span.start + last


def redact(text: str, name: str) -> Redacted:
    """Replace what tells who somebody is: their name, and every kind of words in `traits`."""
    pieces: list[str] = []
    spans: list[Span] = []
    counts: Counter[str] = Counter()
    place = written = 0
    for start, end, kind in _chosen(text, name):
        for source, source_end, label, piece in (
            (place, start, "", text[place:start]),
            (start, end, kind, f"[{kind}]"),
        ):
            if piece:
                spans.append(Span(written, written + len(piece), source, source_end, label))
                pieces.append(piece)
                written += len(piece)
        counts[kind] += 1
        place = end
    if place < len(text):
        spans.append(Span(written, written + len(text) - place, place, len(text), ""))
        pieces.append(text[place:])
    return Redacted("".join(pieces), tuple(spans), dict(sorted(counts.items())))


def _chosen(text: str, name: str) -> Iterator[tuple[int, int, str]]:
    """Choose among what was found: the earlier, then the longer; no two overlap."""
    reached = 0
    for start, end, kind in sorted(_found(text, (*_names(name), *RULES)), key=lambda each: (each[0], -each[1])):
        if start >= reached and end > start:
            yield start, end, kind
            reached = end


def _found(text: str, rules: Iterable[Rule]) -> Iterator[tuple[int, int, str]]:
    for rule in rules:
        for match in rule.pattern.finditer(text):
            yield (*match.span(rule.group), rule.kind)


def _names(name: str) -> Sequence[Rule]:
    """Make the rules for a name: the whole of it, and each of its parts as a word, also inside addresses."""
    parts = [part for part in re.split(r"[\s,]+", name) if len(part.strip(".")) > 1]
    words = sorted(
        {word for part in parts for word in (part, *part.split("-")) if len(word) > 1}, key=len, reverse=True
    )
    whole = r"[\s,]+".join(map(re.escape, parts))
    patterns = [rf"(?<!\w){whole}(?!\w)"] if parts else []
    patterns += [rf"(?<!\w){re.escape(word)}(?:['\u2019]s)?(?!\w)" for word in words]
    return [Rule("name", re.compile(pattern, re.IGNORECASE)) for pattern in patterns]
