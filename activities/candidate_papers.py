"""The papers of candidates: read once, kept as text in two copies, and looked up by their ids."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.assets import AssetDamaged, Assets
from activities.database import Database, first
from activities.documents.apart import read_apart
from activities.documents.extracts import Extract, Unreadable
from activities.documents.redactor import VERSION, Redacted, Span, redact
from activities.documents.signs import orders
from activities.hiring_tables import DocumentRow
from workflows.models.evaluation import Document, Flag, Papers, Sight
from workflows.models.rubrics import Application, Paper

PART: Final = 6_000
"""Bytes of one part of a document as a tool shows it, written as JSON: a result that is longer would be cut."""


@dataclass(frozen=True)
class Content:
    """One copy of a document. `spans` is the way back from a redacted copy to its original."""

    id: str
    sight: Sight
    kind: str
    source: str
    extract: Extract
    spans: tuple[Span, ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Give the place in the original that a place in this copy stands for."""
        return Redacted(self.extract.text, self.spans, {}).source(start, end) if self.spans else (start, end)


class CandidatePapers:
    """Reads what candidates handed in, and keeps it for the evaluators."""

    def __init__(self, database: Database, assets: Assets) -> None:
        """Keep rows in `database` and texts in `assets`."""
        self._database = database
        self._assets = assets

    async def read(self, run: str, title: str, application: Application) -> Papers:
        """Read all papers of a candidate; harmless when done twice. What cannot be read becomes a flag."""
        rows: list[DocumentRow] = []
        flags: list[Flag] = []
        replaced: dict[str, int] = {}
        for number, paper in enumerate(application.papers, 1):
            try:
                extract = await read_apart(await self._assets.get(paper.digest))
            except (Unreadable, FileNotFoundError, AssetDamaged) as reason:
                flags.append(Flag(kind="unreadable", text=f"document {number} cannot be read: {reason}"))
                continue
            flags += _findings(number, extract)
            redacted = redact(extract.text, application.name)
            replaced = {
                kind: replaced.get(kind, 0) + redacted.replaced.get(kind, 0) for kind in {*replaced, *redacted.replaced}
            }
            rows += await self._keep(run, application.key, number, paper, extract, redacted)
        await self._database.run(lambda session: _enter(session, rows))
        documents = tuple([_document(row, await self.open(row.id)) for row in sorted(rows, key=lambda row: row.sight)])
        return Papers(
            title=title,
            documents=documents,
            flags=tuple(flags),
            redactor=VERSION if rows else "",
            replaced=dict(sorted(replaced.items())),
        )

    async def open(self, document: str) -> Content:
        """Open a document by its id.

        Raises:
            FileNotFoundError: it is not there, or it was erased.
        """
        row = await self._database.read(lambda session: session.get(DocumentRow, document))
        if row is None:
            raise FileNotFoundError(document)
        kept = json.loads(await self._assets.get(row.content))
        extract = Extract(row.kind, kept["text"], tuple(kept["pages"]))  # type: ignore[arg-type]
        spans = tuple(Span(*span) for span in kept["spans"])
        return Content(row.id, row.sight, row.kind, row.source, extract, spans)  # type: ignore[arg-type]

    async def of(self, run: str, key: str, sight: Sight) -> tuple[Content, ...]:
        """Open one copy of all documents of a candidate, in their order."""
        same = (DocumentRow.run == run, DocumentRow.candidate == key, DocumentRow.sight == sight)
        query = select(DocumentRow.id).where(*same).order_by(DocumentRow.position)
        ids = await self._database.read(lambda session: session.scalars(query).all())
        return tuple([await self.open(each) for each in ids])

    async def _keep(
        self, run: str, key: str, number: int, paper: Paper, extract: Extract, redacted: Redacted
    ) -> list[DocumentRow]:
        copies: dict[Sight, tuple[str, tuple[Span, ...], tuple[int, ...]]] = {
            "original": (extract.text, (), extract.pages),
            "redacted": (redacted.text, redacted.spans, (0,)),
        }
        rows = []
        for sight, (text, spans, pages) in copies.items():
            body = json.dumps({"text": text, "pages": pages, "spans": spans, "of": [run, key, number, sight]})
            rows.append(
                DocumentRow(
                    id=_id(run, key, number, sight),
                    run=run,
                    candidate=key,
                    position=number,
                    sight=sight,
                    kind=extract.kind,
                    source=paper.digest,
                    content=await self._assets.put(body.encode()),
                    characters=len(text),
                )
            )
        return rows


def parts(text: str) -> list[str]:
    """Cut a text into parts that a tool can show whole, at the end of a line or a word."""
    found: list[str] = []
    rest = text
    while rest:
        cut = _fitting(rest)
        if cut < len(rest):
            cut = (
                next(
                    (at for at in (rest.rfind("\n", cut // 2, cut), rest.rfind(" ", cut // 2, cut)) if at > 0), cut - 1
                )
                + 1
            )
        found.append(rest[:cut])
        rest = rest[cut:]
    return found or [""]


def _fitting(text: str) -> int:
    """Count the characters that fit into a part."""
    low, high = 1, min(len(text), PART)
    while low < high:
        middle = (low + high + 1) // 2
        if len(json.dumps(text[:middle], ensure_ascii=False).encode("utf-8", "replace")) <= PART:
            low = middle
        else:
            high = middle - 1
    return low


def _findings(number: int, extract: Extract) -> Iterable[Flag]:
    for hidden in extract.hidden:
        yield Flag(kind="hidden_text", text=f"document {number} holds text that no reader sees: {hidden}"[:2_000])
    for note in extract.notes:
        yield Flag(kind="hidden_text", text=f"document {number}: {note}")
    for line in (*orders(extract.text), *(each for hidden in extract.hidden for each in orders(hidden))):
        yield Flag(kind="instructions", text=f"document {number} says what sounds like an order to a machine: {line}")


def _id(run: str, key: str, number: int, sight: Sight) -> str:
    name = json.dumps([run, key, number, sight])
    return f"{'doc' if sight == 'original' else 'red'}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _enter(session: Session, rows: list[DocumentRow]) -> None:
    for row in rows:
        first(session, DocumentRow(**{name: getattr(row, name) for name in _COLUMNS}))


_COLUMNS: Final = ("id", "run", "candidate", "position", "sight", "kind", "source", "content", "characters")


def _document(row: DocumentRow, content: Content) -> Document:
    number = len(parts(content.extract.text))
    return Document(id=row.id, kind=row.kind, sight=content.sight, parts=number, characters=row.characters)
