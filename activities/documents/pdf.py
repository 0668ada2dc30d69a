"""PDF: the text that a reader sees, and apart from it the text that only a machine would."""

import io
from collections.abc import Callable, Sequence
from typing import Any, Final

from pypdf import PageObject, PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject

from activities.documents.extracts import MOST_PAGES, Extract, Unreadable

PALE: Final = 0.92
"""Lightness from which on text on white paper cannot be seen."""
SMALLEST: Final = 2.0
"""Points below which nobody reads."""
INVISIBLE: Final = 3
"""The render mode of text that is not painted."""
COLOURS: Final = {b"g": 1, b"rg": 3, b"k": 4, b"sc": 0, b"scn": 0}
FILLS: Final = {b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"}
SHOWS: Final = {b"Tj", b"TJ", b"'", b'"'}

Matrix = Sequence[float]
Box = tuple[float, float, float, float]


def read_pdf(data: bytes) -> Extract:
    """Read the text of a PDF.

    Raises:
        Unreadable: it is encrypted, broken, too long, or has no text at all.
    """
    try:
        pages, hidden, notes = _pages(data, hidden=False), _pages(data, hidden=True), _notes(data)
    except Unreadable:
        raise
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        OverflowError,
    ) as error:
        raise Unreadable(f"the PDF is broken: {type(error).__name__}") from None
    text, starts = "", []
    for page in pages:
        starts.append(len(text))
        text += page.strip("\n") + "\n"
    if not text.strip():
        raise Unreadable("the PDF has no text, only pictures of it; ask for a file with text")
    unseen = tuple(f"page {number}: {' '.join(page.split())}" for number, page in enumerate(hidden, 1) if page.strip())
    return Extract("pdf", text, tuple(starts), unseen, notes)


def _reader(data: bytes) -> PdfReader:
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted:
        raise Unreadable("the PDF is encrypted; ask for one without a password")
    if (number := len(reader.pages)) > MOST_PAGES:
        raise Unreadable(f"the PDF has {number} pages; at most {MOST_PAGES} are read")
    if not number:
        raise Unreadable("the PDF has no pages")
    return reader


def _pages(data: bytes, *, hidden: bool) -> list[str]:
    # A reader of its own for each pass: the eye changes what it reads, so that the other half is left out.
    return [_text(page, hidden=hidden) for page in _reader(data).pages]


def _text(page: PageObject, *, hidden: bool) -> str:
    eye = Eye(page, hidden=hidden)
    return str(page.extract_text(visitor_operand_before=eye.look))


def _notes(data: bytes) -> tuple[str, ...]:
    root = _dictionary(_reader(data).trailer.get("/Root"))
    names = _dictionary(root.get("/Names"))
    active = {"/OpenAction", "/AA"} & set(root) or "/JavaScript" in names
    attached = "/EmbeddedFiles" in names
    notes = ["the PDF has actions or scripts; they were not run"] if active else []
    return tuple(notes + (["the PDF has files attached; they were not opened"] if attached else []))


def _dictionary(found: Any) -> DictionaryObject:  # noqa: ANN401 - whatever stands in the file
    value = found.get_object() if found is not None else None
    return value if isinstance(value, DictionaryObject) else DictionaryObject()


class Eye:
    """Follows the drawing of a page and blanks the text that is seen, or all that is not."""

    def __init__(self, page: PageObject, *, hidden: bool) -> None:
        """Look at `page`; with `hidden` only what cannot be seen is left."""
        self._hidden = hidden
        left, low, right, high = (float(side) for side in page.mediabox)
        self._paper: Box = (left - 1, low - 1, right + 1, high + 1)
        self._light, self._mode, self._size = 0.0, 0, 12.0
        self._kept: list[tuple[float, int, float]] = []
        self._path: list[Box] = []
        self._dark: list[Box] = []

    def look(self, operator: bytes, operands: list[Any], page: Matrix, text: Matrix) -> None:
        """Hear of one operator before it is carried out."""
        if operator in SHOWS:
            if self._is_seen(page, text) == self._hidden:
                _blank(operator, operands)
        elif operator in COLOURS:
            self._light = _lightness(operands, self._light)
        elif act := self._acts().get(operator):
            act(operands, page)
        elif operator in FILLS:
            self._dark += self._path if self._light < PALE else []
            self._path = []

    def _acts(self) -> dict[bytes, Callable[[list[Any], Matrix], None]]:
        return {b"q": self._save, b"Q": self._restore, b"Tr": self._set_mode, b"Tf": self._set_size, b"re": self._box}

    def _save(self, _operands: list[Any], _page: Matrix) -> None:
        self._kept.append((self._light, self._mode, self._size))

    def _restore(self, _operands: list[Any], _page: Matrix) -> None:
        if self._kept:
            self._light, self._mode, self._size = self._kept.pop()

    def _set_mode(self, operands: list[Any], _page: Matrix) -> None:
        self._mode = int(operands[0]) if operands else 0

    def _set_size(self, operands: list[Any], _page: Matrix) -> None:
        self._size = float(operands[-1]) if operands else 0.0

    def _box(self, operands: list[Any], page: Matrix) -> None:
        x, y, width, height = (float(each) for each in operands[:4])
        corners = [_at(page, x, y), _at(page, x + width, y + height)]
        (left, right), (low, high) = (sorted(axis) for axis in zip(*corners, strict=True))
        self._path.append((left, low, right, high))

    def _is_seen(self, page: Matrix, text: Matrix) -> bool:
        x, y = _at(page, float(text[4]), float(text[5]))
        size = abs(self._size * float(text[3] or text[1]) * float(page[3] or page[1]))
        if self._mode == INVISIBLE or size < SMALLEST or not _inside(self._paper, x, y):
            return False
        return self._light < PALE or any(_inside(box, x, y) for box in self._dark)


def _lightness(operands: list[Any], before: float) -> float:
    numbers = [float(each) for each in operands if isinstance(each, int | float)]
    if len(numbers) == 4:  # noqa: PLR2004 - cyan, magenta, yellow, black
        return (1 - numbers[3]) * (1 - sum(numbers[:3]) / 3)
    return min(numbers) if numbers else before


def _at(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = (float(each) for each in matrix)
    return a * x + c * y + e, b * x + d * y + f


def _inside(box: Box, x: float, y: float) -> bool:
    left, low, right, high = box
    return left <= x <= right and low <= y <= high


def _blank(operator: bytes, operands: list[Any]) -> None:
    if operands:
        operands[-1] = type(operands[-1])() if operator == b"TJ" else b""
