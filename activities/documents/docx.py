"""DOCX: paragraphs, tables, headers and text boxes, and apart from them what is formatted so that nobody sees it."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from lxml.etree import LxmlError

from activities.documents.extracts import Extract, Unreadable

MOST_MEMBERS: Final = 500
MOST_UNPACKED: Final = 60_000_000
MOST_RATIO: Final = 200
"""Times that a member may grow when it is unpacked; prose grows ten times."""
MOST_XML: Final = 20_000_000

PALE: Final = 0xEB
SMALLEST: Final = 4
"""Half points below which nobody reads."""


def read_docx(data: bytes) -> Extract:
    """Read the text of a DOCX.

    Raises:
        Unreadable: it is no DOCX, is encrypted, would unpack to too much, declares entities, or has no text.
    """
    notes = _inspect(data)
    try:
        document = Document(io.BytesIO(data))
        seen, hidden = _Pen(), _Pen()
        for part in _parts(document):
            _walk(part, seen, hidden)
    except (
        PackageNotFoundError,
        LxmlError,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        AttributeError,
        OSError,
    ) as error:
        raise Unreadable(f"the DOCX is broken: {type(error).__name__}") from None
    if not seen.text.strip():
        raise Unreadable("the DOCX has no text")
    unseen = " ".join(hidden.text.split())
    return Extract("docx", seen.text, (0,), (unseen,) if unseen else (), notes)


def _inspect(data: bytes) -> tuple[str, ...]:
    """Look at the package before anything of it is unpacked; what its directory says is not believed either."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = package.infolist()
            _weigh(members)
            names = {each.filename for each in members}
            if "word/document.xml" not in names:
                raise Unreadable("the file is a package, but no DOCX")
            for member in members:
                if member.filename.endswith((".xml", ".rels")):
                    _refuse_entities(package, member)
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, RuntimeError) as error:
        raise Unreadable(f"the DOCX is broken: {type(error).__name__}") from None
    macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    objects = any("/embeddings/" in name for name in names)
    notes = ["the DOCX has macros; they were not run"] if macros else []
    return tuple(notes + (["the DOCX has embedded objects; they were not opened"] if objects else []))


def _weigh(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise Unreadable(f"the DOCX has {len(members)} parts; at most {MOST_MEMBERS} are read")
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("the DOCX is encrypted; ask for one without a password")
    whole = sum(member.file_size for member in members)
    grown = any(member.file_size > MOST_RATIO * max(member.compress_size, 1_024) for member in members)
    if whole > MOST_UNPACKED or grown:
        raise Unreadable(f"the DOCX would unpack to {whole:,} bytes; that is no document")


def _refuse_entities(package: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    with package.open(member) as part:
        data = part.read(MOST_XML + 1)
    if len(data) > MOST_XML:
        raise Unreadable(f"the part {member.filename[:80]} of the DOCX unpacks to more than {MOST_XML:,} bytes")
    folded = data.replace(b"\x00", b"").upper()  # also as UTF-16
    if b"<!DOCTYPE" in folded or b"<!ENTITY" in folded:
        raise Unreadable("the DOCX declares entities of its own; no word processor does that")


def _parts(document: Any) -> Iterator[Any]:  # noqa: ANN401 - python-docx has no public type for it
    seen: set[int] = set()
    for section in document.sections:
        for part in (section.header, section.footer):
            if not part.is_linked_to_previous and id(part._element) not in seen:  # noqa: SLF001 - no public way
                seen.add(id(part._element))  # noqa: SLF001
                yield part._element  # noqa: SLF001
    yield document.element.body


class _Pen:
    """Writes text down as it comes."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def write(self, text: str) -> None:
        self._pieces.append(text)

    @property
    def text(self) -> str:
        return "".join(self._pieces)


_BREAKS: Final = {qn("w:p"): "\n", qn("w:tr"): "\n", qn("w:tc"): "\t"}
_MARKS: Final = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_PASSED_OVER: Final = {
    qn("w:del"),
    qn("w:instrText"),
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}
_RUN, _TEXT = qn("w:r"), qn("w:t")


def _walk(element: Any, seen: _Pen, hidden: _Pen) -> None:  # noqa: ANN401 - any element
    """Write an element down in reading order, run by run; text boxes are inside their runs."""
    for child in element:
        tag = child.tag
        if tag in _PASSED_OVER:
            continue
        if tag == _RUN and _is_hidden(child):
            _walk(child, hidden, hidden)
            hidden.write(" ")
        elif tag == _TEXT:
            seen.write(child.text or "")
        elif tag in _MARKS:
            seen.write(_MARKS[tag])
        else:
            _walk(child, seen, hidden)
        seen.write(_BREAKS.get(tag, ""))


def _is_hidden(run: Any) -> bool:  # noqa: ANN401 - an element
    properties = run.find(qn("w:rPr"))
    if properties is None:
        return False
    vanish = properties.find(qn("w:vanish"))
    if vanish is not None and vanish.get(qn("w:val"), "true") not in {"0", "false", "off"}:
        return True
    size = properties.find(qn("w:sz"))
    if size is not None and str(size.get(qn("w:val"), "")).isdigit() and int(size.get(qn("w:val"))) < SMALLEST:
        return True
    return _pale(properties) and not _shaded(run, properties)


def _pale(properties: Any) -> bool:  # noqa: ANN401
    colour = properties.find(qn("w:color"))
    value = colour.get(qn("w:val"), "") if colour is not None else ""
    try:
        return min(bytes.fromhex(value)) >= PALE if len(value) == 6 else False  # noqa: PLR2004 - RRGGBB
    except ValueError:
        return False


def _shaded(run: Any, properties: Any) -> bool:  # noqa: ANN401
    """Tell whether something dark lies behind a run: its own shading or highlight, its paragraph's, or its cell's."""
    around = [properties, *run.iterancestors(qn("w:p"), qn("w:tc"))]
    for each in around:
        for shade in (*each.findall(qn("w:shd")), *each.findall(f"*/{qn('w:shd')}"), *each.findall(qn("w:highlight"))):
            fill = shade.get(qn("w:fill")) or shade.get(qn("w:val")) or "auto"
            if fill.lower() not in {"auto", "ffffff", "clear", "none", "white"}:
                return True
    return False
