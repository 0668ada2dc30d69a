"""Writes the sample documents from their sources, the same bytes every time: `python -m tests.evaluation.writing`."""

import io
import zipfile
from datetime import datetime
from pathlib import Path

from docx import Document
from docx.shared import RGBColor
from pypdf import PdfReader, PdfWriter
from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas
from ruamel.yaml import YAML

SAMPLES = Path(__file__).parent.parent.parent / "samples" / "evaluation"
DAY = datetime(2026, 9, 1)  # noqa: DTZ001 - a DOCX knows no zone
TOP, LEFT, LEADING = 790, 60, 15


def sources(folder):
    return YAML(typ="safe").load((folder / "sources.yaml").read_text())


def written(source) -> bytes:
    """The bytes of one document."""
    kind = source["file"].rpartition(".")[2]
    text, hidden = source["text"], source.get("hidden", "")
    if kind == "txt":
        return text.encode()
    if kind == "docx":
        return docx(text, hidden)
    data = pdf(text.split("\\f"), hidden)
    return encrypted(data) if source.get("encrypted") else data


def pdf(pages, hidden="") -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, invariant=1, pageCompression=1)
    for number, page in enumerate(pages):
        _lines(canvas, page.strip("\n").splitlines(), TOP, colors.black)
        if hidden and not number:
            _lines(canvas, hidden.strip().splitlines(), 120, colors.white)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _lines(canvas, lines, top, colour):
    canvas.setFont("Helvetica", 10)
    canvas.setFillColor(colour)
    for number, line in enumerate(lines):
        canvas.drawString(LEFT, top - number * LEADING, line)


def docx(text, hidden="") -> bytes:
    document = Document()
    document.core_properties.created = document.core_properties.modified = DAY
    document.core_properties.author = ""
    for line in text.strip("\n").splitlines():
        document.add_paragraph(line)
    for line in hidden.strip().splitlines():
        run = document.add_paragraph().add_run(line)
        run.font.hidden, run.font.color.rgb = True, RGBColor(255, 255, 255)
    file = io.BytesIO()
    document.save(file)
    return repacked(file.getvalue())


def repacked(data: bytes, more=None) -> bytes:
    """A package with fixed dates, so that the same content is the same bytes; `more` are further members."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        members = {name: old.read(name) for name in sorted(old.namelist())} | (more or {})
        for name, content in members.items():
            new.writestr(zipfile.ZipInfo(name, (2026, 9, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def encrypted(data: bytes) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt("open sesame", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def main():
    for vacancy in sorted(SAMPLES.glob("*/vacancy.yaml")):
        for source in sources(vacancy.parent):
            path = vacancy.parent / source["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            if not (source.get("encrypted") and path.exists()):  # its key is drawn anew each time
                path.write_bytes(written(source))


if __name__ == "__main__":
    main()
