"""Likeness: what was meant by a name that is wrong."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz import fuzz, process


class Named(NamedTuple):
    """Something that can be referred to."""

    id: str
    name: str


def nearest(wrong: str, candidates: Sequence[Named], limit: int = 3) -> list[Named]:
    """Give the candidates whose id or name is nearest; case and punctuation are folded before comparing."""
    asked = fold(wrong[:200])

    def likeness(named: Named) -> float:
        return max(fuzz.WRatio(asked, fold(named.id)), fuzz.WRatio(asked, fold(named.name)))

    return sorted(candidates, key=lambda named: (-likeness(named), named.id))[:limit]


def nearest_words(wrong: str, words: Sequence[str], limit: int = 3) -> list[str]:
    """Give the words that are nearest to a wrong one, nearest first."""
    hits = process.extract(wrong[:200], words, scorer=fuzz.WRatio, processor=fold, limit=limit)
    return [word for word, _, _ in hits]


def fold(text: str) -> str:
    """Fold case and punctuation."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()
