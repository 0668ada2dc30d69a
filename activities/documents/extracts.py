"""What reading a document gives, and the limits within which one is read."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["text", "pdf", "docx", "unknown"]

MOST_BYTES: Final = 5_000_000
MOST_PAGES: Final = 40
MOST_CHARACTERS: Final = 120_000
MOST_HIDDEN: Final = 2_000
"""Characters of hidden text that are reported."""

TYPES: Final = "UTF-8 text, PDF or DOCX"


class Unreadable(Exception):  # noqa: N818 - it says what is wrong with the document
    """A document cannot be read; the text says why, in words for people."""


@dataclass(frozen=True)
class Extract:
    """The text of a document as a reader sees it. `pages` are the offsets at which pages begin.

    `hidden` is what stands in the file and no reader sees; it is never part of `text`. `notes` are other findings, such
    as macros, which are not run.
    """

    kind: Kind
    text: str
    pages: tuple[int, ...] = (0,)
    hidden: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def page(self, offset: int) -> int:
        """Say on which page an offset lies, from 1."""
        return max(sum(start <= offset for start in self.pages), 1)


def kind_of(data: bytes) -> Kind:
    """Tell what a file is by its first bytes; its name says nothing that could be relied on."""
    if data.lstrip(b"\x00\t\n\r ")[:5] == b"%PDF-" or b"%PDF-" in data[:1_024]:
        return "pdf"
    if data[:4] == b"PK\x03\x04":
        return "docx"
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" or b"\x00" in data[:4_096].replace(b"\xff\xfe", b""):
        return "text" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "unknown"
    return "text"


def too_large(size: int) -> str | None:
    """Say that a file has too many bytes."""
    return f"it has {size:,} bytes; at most {MOST_BYTES:,} are read" if size > MOST_BYTES else None
