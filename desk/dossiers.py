"""What a person is shown of a candidate: for each requirement quote → reasoning → level, both readings, the documents.

Everything that a document says is data: here it is cut, and on the page it is escaped.
"""

from collections.abc import Mapping
from typing import NamedTuple

from activities.candidate_papers import CandidatePapers, Content
from activities.documents.quotes import unbroken
from activities.hiring_records import CandidateFile, HiringRecords
from workflows.models import Question, Value
from workflows.models.evaluation import Compared, Evaluation, Evidence, Flag, Look, Sight
from workflows.models.hiring import HiringDecision
from workflows.models.rubrics import Requirement, Role

AROUND = 120
"""Characters of a document that are shown on each side of a quote."""


class Quoted(Value):
    """A quote where it stands: the document's number, its page, and the words around it.

    `at` is the place in the copy that was read. `stands` says that these very words are there, looked up just now.
    """

    quote: str
    document: int = 0
    page: int = 0
    at: tuple[int, int]
    before: str = ""
    after: str = ""
    stands: bool = False


class Reading(Value):
    """One reading of a requirement: its quotes where they stand, its reasoning, its level."""

    look: Look
    quotes: tuple[Quoted, ...] = ()


class Criterion(Value):
    """One requirement with both readings and what was made of them. A `level` that a person set is what counts."""

    asks: Requirement
    compared: Compared
    original: Reading
    redacted: Reading
    level: int | None
    set_by: str = ""

    @property
    def differs(self) -> bool:
        """Tell that the two readings came to different levels or verdicts."""
        first, second = self.original.look, self.redacted.look
        return (first.score, first.verdict) != (second.score, second.verdict)

    @property
    def lacks(self) -> bool:
        """Tell that a must-have is not shown to be met."""
        return self.asks.must_have and (self.level is None or self.level < self.asks.meets_at)


class Paper(Value):
    """One document, page by page."""

    number: int
    kind: str
    pages: tuple[str, ...]


class Dossier(Value):
    """All of one candidate that is for the eyes of whoever decides.

    Before a first view is noted it holds the documents alone: no level may be seen by then. `erased`: nothing is left.
    """

    key: str
    role: Role | None = None
    evaluation: Evaluation | None = None
    criteria: tuple[Criterion, ...] = ()
    papers: tuple[Paper, ...] = ()
    decision: HiringDecision | None = None
    erased: bool = False

    @property
    def reports(self) -> tuple[Flag, ...]:
        """What is to be known, and leaves the evaluation standing."""
        doubts = self.evaluation.doubts if self.evaluation else ()
        return tuple(flag for flag in self.evaluation.flags if flag not in doubts) if self.evaluation else ()

    @property
    def of_all(self) -> tuple[Flag, ...]:
        """Doubts that belong to no requirement."""
        return tuple(flag for flag in self.evaluation.doubts if not flag.requirement) if self.evaluation else ()


class _Copies(NamedTuple):
    """The documents of a candidate by their ids, each with its number; `originals` are those as handed in."""

    numbered: Mapping[str, tuple[int, Content]]
    originals: Mapping[int, Content]


class Dossiers:
    """Puts dossiers together, from the records and the documents."""

    def __init__(self, records: HiringRecords, papers: CandidatePapers) -> None:
        """Read `records`, and open `papers`."""
        self._records, self._papers = records, papers

    async def of(self, run: str, key: str, question: Question | None) -> Dossier | None:
        """Make what belongs to a question; None where nobody of that name applied, or it is about something else."""
        if not key or (file := await self._records.of(run, key)) is None:
            return None
        if file.erased_at is not None:
            return Dossier(key=key, decision=file.decision, erased=True)
        if question is not None and question.kind not in {"first_view", "candidate", "review"}:
            return None
        copies = await self._copies(run, key)
        papers = tuple(_paper(number, content) for number, content in sorted(copies.originals.items()))
        role, found = await self._records.rubric(file.rubric), _shown(file, question)
        if found is None or role is None:
            return Dossier(key=key, role=role, papers=papers)
        criteria = tuple(_criterion(role.requirement(one.requirement), one, found, copies) for one in found.compared)
        return Dossier(key=key, role=role, evaluation=found, criteria=criteria, papers=papers, decision=file.decision)

    async def _copies(self, run: str, key: str) -> _Copies:
        sights: tuple[Sight, ...] = ("original", "redacted")
        every = {sight: await self._papers.of(run, key, sight) for sight in sights}
        sources = [content.source for content in every["original"]]
        numbered = {
            content.id: (sources.index(content.source) + 1, content)
            for sight in sights
            for content in every[sight]
            if content.source in sources
        }
        return _Copies(numbered, dict(enumerate(every["original"], 1)))


def _shown(file: CandidateFile, question: Question | None) -> Evaluation | None:
    """Give the evaluation that a question is about, and no other: what is decided is bound to its digest."""
    found = file.state.evaluation if file.state else None
    asked = question.digest if question else file.evaluation
    return found if found is not None and found.digest == asked else None


def _criterion(asks: Requirement, compared: Compared, found: Evaluation, copies: _Copies) -> Criterion:
    changed = next((change for change in reversed(found.changes) if change.requirement == asks.id), None)
    return Criterion(
        asks=asks,
        compared=compared,
        original=_reading(compared.original, copies),
        redacted=_reading(compared.redacted, copies),
        level=changed.score if changed else compared.original.score,
        set_by=changed.by if changed else "",
    )


def _reading(look: Look, copies: _Copies) -> Reading:
    evidence = look.finding.evidence if look.finding else ()
    return Reading(look=look, quotes=tuple(_quoted(each, copies) for each in evidence))


def _quoted(evidence: Evidence, copies: _Copies) -> Quoted:
    plain = Quoted(quote=evidence.quote, at=(evidence.start, evidence.end))
    if evidence.document not in copies.numbered:
        return plain
    number, content = copies.numbered[evidence.document]
    text, (start, end) = content.extract.text, plain.at
    if unbroken(text[start:end]) != evidence.quote:
        return plain.model_copy(update={"document": number})
    original = copies.originals[number].extract
    where = {"document": number, "page": original.page(content.original(start, end)[0])}
    around = {"before": _tail(text[:start]), "after": _head(text[end:])}
    return plain.model_copy(update={**where, **around, "stands": True})


def _tail(text: str) -> str:
    """Give the last words of a text, none of them cut."""
    kept = text[-AROUND:]
    return kept if len(text) <= AROUND else kept[kept.find(" ") + 1 :]


def _head(text: str) -> str:
    """Give the first words of a text, none of them cut."""
    kept = text[:AROUND]
    return kept if len(text) <= AROUND else kept[: kept.rfind(" ") + 1 or None]


def _paper(number: int, content: Content) -> Paper:
    text, begins = content.extract.text, content.extract.pages or (0,)
    ends = (*begins[1:], len(text))
    pages = tuple(text[start:end].strip() for start, end in zip(begins, ends, strict=True))
    return Paper(number=number, kind=content.kind, pages=pages)
