"""Quotes: where the words of a quote really stand in a text, or which passage is nearest to what they claim.

A quote is compared word for word. Only what printing does to a text is folded on both sides: Unicode form and
ligatures (NFKC), runs of white space, soft hyphens, and a hyphen inside a word, because a line break makes one or eats
one. Case, punctuation, numbers and word order are not: other words are other evidence.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from rapidfuzz import fuzz, process

SHORTEST: Final = 8
"""Letters and digits that a quote needs; fewer are found anywhere."""
LONGEST: Final = 500
NEAR: Final = 55.0
"""Likeness, of 100, below which no passage is near."""

_HYPHENS: Final = "-\u00ad\u2010\u2011"


class Passage(NamedTuple):
    """A part of a text, by offsets. `quote` is what stands there, on one line."""

    start: int
    end: int
    quote: str


class Folded(NamedTuple):
    """A text without what printing does to it; `at` says for each character where it came from."""

    text: str
    at: tuple[int, ...]


def fold(text: str) -> Folded:
    """Fold a text, and keep the way back."""
    kept: list[str] = []
    at: list[int] = []
    place = 0
    while place < len(text):
        end = place + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        for char in unicodedata.normalize("NFKC", text[place:end]):
            _add(kept, at, " " if char.isspace() else char, place)
        place = end
    return _without_hyphens(kept, at)


def _add(kept: list[str], at: list[int], char: str, place: int) -> None:
    if char == "\u00ad" or (char == " " and (not kept or kept[-1] == " ")):
        return
    kept.append(char)
    at.append(place)


def _without_hyphens(kept: list[str], at: list[int]) -> Folded:
    """Take out hyphens inside words, with the line break behind one."""
    out: list[int] = []
    number = 0
    while number < len(kept):
        following = number + 1
        while following < len(kept) and kept[following] == " ":
            following += 1
        inside = number > 0 and kept[number - 1].isalpha() and following < len(kept) and kept[following].islower()
        broken = following == number + 1 or following == number + 2  # one break at most
        if kept[number] in _HYPHENS and inside and broken:
            number = following
        else:
            out.append(number)
            number += 1
    return Folded("".join(kept[each] for each in out), tuple(at[each] for each in out))


def find(quote: str, text: str) -> Passage | None:
    """Find the words of a quote; whole words only, because half a word can say its opposite."""
    wanted, whole = fold(quote).text.strip(), fold(text)
    if sum(char.isalnum() for char in wanted) < SHORTEST or len(wanted) > LONGEST:
        return None
    place = whole.text.find(wanted)
    while place >= 0:
        end = place + len(wanted)
        if _apart(whole.text, place) and _apart(whole.text, end):
            return passage(text, whole.at[place], _end(text, whole.at[end - 1]))
        place = whole.text.find(wanted, place + 1)
    return None


def passage(text: str, start: int, end: int) -> Passage:
    """Make the passage between two offsets."""
    return Passage(start, end, unbroken(text[start:end]))


def unbroken(text: str) -> str:
    """Write a passage on one line; a word that was broken at the end of a line is whole again."""
    joined = re.sub(rf"(?<=[^\W\d_])[{_HYPHENS}]\s*\n\s*(?=[a-z])", "", text)
    return " ".join(joined.replace("\u00ad", "").split())


def nearest(quote: str, text: str) -> Passage | None:
    """Find the real sentence that is nearest to a quote; None where nothing is near."""
    found = sentences(text)
    best = process.extractOne(
        quote[:LONGEST], [each.quote for each in found], scorer=fuzz.token_set_ratio, processor=str.casefold
    )
    return found[best[2]] if best is not None and best[1] >= NEAR else None


def sentences(text: str) -> list[Passage]:
    """Cut a text into its sentences, each with its place."""
    blocks: list[Passage] = []
    for block in re.finditer(r"(?:[^\n]|\n(?!\s*\n|\s*[-*•]\s))+", text):
        for found in re.finditer(r".+?(?:[.!?](?=\s)|$)", block.group(), re.DOTALL):
            words = found.group().strip()
            if words:
                start = block.start() + found.start() + (len(found.group()) - len(found.group().lstrip()))
                blocks.append(passage(text, start, start + len(words)))
    return blocks


def _apart(text: str, place: int) -> bool:
    """Tell whether no word goes on across a place."""
    return place in (0, len(text)) or not (text[place - 1].isalnum() and text[place].isalnum())


def _end(text: str, last: int) -> int:
    end = last + 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end
