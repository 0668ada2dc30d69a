"""Signs that a document tries to speak to a machine: characters that nobody sees, and words that sound like orders."""

import re
import unicodedata
from typing import Final

ORDERS: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}"
    r"\b(?:instruction|prompt|rubric|rule|guideline|criteria|above|previous)\w*"
    r"|\b(?:note|message|instruction|attention)s?\b.{0,20}\b(?:to|for)\b.{0,20}"
    r"\b(?:ai|llm|model|assistant|chatbot|language model|screening (?:tool|system|software)|recruiting software)\b"
    r"|\b(?:you are|act as|as) (?:an? )?(?:ai|llm|language model|assistant)\b(?! (?:manager|director|professor|nurse))"
    r"|\b(?:give|assign|award|rate|score|grade|mark)\b.{0,40}\b(?:candidate|applicant|resume|cv|me)\b.{0,40}"
    r"\b(?:highest|maximum|top|full|perfect|10|4|100)\b"
    r"|</?(?:system|instructions?|document|assistant|user)>|\bsystem prompt\b",
    re.IGNORECASE,
)
UNSEEN: Final = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f\ufe00-\ufe0f]"
)
"""Zero-width, direction and tag characters, and variation selectors; soft hyphens are the matter of quotes."""


def orders(text: str) -> tuple[str, ...]:
    """Find lines that sound like orders to a machine; they stay in the text, as what they are: words of a document."""
    found = [" ".join(line.split())[:300] for line in text.splitlines() if ORDERS.search(line)]
    return tuple(dict.fromkeys(found))[:10]


def seen(text: str) -> tuple[str, tuple[str, ...]]:
    """Take characters out that nobody sees; returns the text, and what they spelt or how many there were."""
    unseen = UNSEEN.findall(text)
    if not unseen:
        return text, ()
    spelt = "".join(chr(ord(each) - 0xE0000) for each in unseen if 0xE0020 <= ord(each) <= 0xE007E)  # noqa: PLR2004
    told = (
        f"characters that no reader sees spell: {spelt}" if spelt else f"{len(unseen)} characters that no reader sees"
    )
    return UNSEEN.sub("", text), (told,)


def plain(text: str) -> str:
    """Keep what prints, and line breaks; a control character is a space."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs", "Co"} else " " for char in whole
    )
