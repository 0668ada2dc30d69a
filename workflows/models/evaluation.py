"""Candidate evaluation: what is read, found, compared and summed up."""

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from workflows.models.base import Value

Sight = Literal["original", "redacted"]
"""Which copy of the documents was read."""

Finds = Literal["met", "partly_met", "not_met", "no_evidence", "not_applicable", "unreadable"]
UNSCORED: tuple[Finds, ...] = ("no_evidence", "not_applicable", "unreadable")
"""Verdicts without a score: none of them is a low score."""

Standing = Literal["meets", "below", "open"]
"""What an evaluation comes to; `open`: only a person can say."""

FlagKind = Literal[
    "unreadable",  # a document could not be read
    "hidden_text",  # a document holds text that no reader sees
    "instructions",  # a document holds words that sound like orders to a machine
    "notice",  # the candidate was told too late, or not at all
    "invented_quote",  # evidence that stands in no document
    "contradiction",  # a verdict that does not follow from its reasons
    "disagreement",  # the two readings differ
    "missing_must_have",  # nothing shows a must-have
    "no_evidence",  # nothing shows something else, or it could not be judged
    "unfinished",  # an evaluator came to no answer
]
REPORTED: tuple[FlagKind, ...] = ("hidden_text", "instructions", "notice")
"""Flags that a person is told of, and that leave the evaluation standing."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Document(Value):
    """A document as an evaluator may read it: in so many parts, as it was or redacted."""

    id: str
    kind: str
    sight: Sight
    parts: int
    characters: int


class Flag(Value):
    """Something that a person has to look at."""

    kind: FlagKind
    requirement: str = ""
    text: str = Field(max_length=2_000)


class Papers(Value):
    """What reading a candidate's documents came to. `replaced` counts what was redacted, by kind."""

    title: str
    documents: tuple[Document, ...] = ()
    flags: tuple[Flag, ...] = ()
    redactor: str = ""
    replaced: dict[str, int] = {}

    @property
    def digest(self) -> str:
        """Name what is to be read."""
        return f"sha256:{hashlib.sha256(self.model_dump_json().encode()).hexdigest()}"

    def seen(self, sight: Sight) -> tuple[Document, ...]:
        """The documents of one copy."""
        return tuple(each for each in self.documents if each.sight == sight)


class Hint(Value):
    """What to look for, for one requirement."""

    requirement: str = Field(max_length=60)
    look_for: tuple[Line, ...] = Field(min_length=1, max_length=30)
    beware: str = Field(default="", max_length=400, description="what looks like evidence and is none")


class Guide(Value):
    """The planner's output: what to look for, made from the rubric alone, the same for every candidate."""

    reasoning: str = Field(max_length=2_000)
    hints: tuple[Hint, ...] = Field(min_length=1, max_length=12)


class Evidence(Value):
    """A passage as `cite` gave it: word for word, and where it stands. Copy all four fields."""

    document: str = Field(max_length=80)
    quote: str = Field(min_length=1, max_length=500)
    start: int = Field(ge=0)
    end: int = Field(ge=0)

    @property
    def digest(self) -> str:
        """Name this very passage: what was not confirmed by `cite` has a digest that nobody gave out."""
        text = json.dumps([self.document, self.start, self.end, self.quote], ensure_ascii=True)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class Finding(Value):
    """An evaluator's output for one requirement; the order of the fields is the order of thought."""

    evidence: tuple[Evidence, ...] = Field(max_length=6)
    reasoning: str = Field(min_length=1, max_length=1_500)
    score: int | None = Field(ge=0, le=4, description="the level of the anchor that fits; null without evidence")
    verdict: Finds


class Look(Value):
    """One reading of one requirement. `finding` is None where no answer could be accepted."""

    requirement: str
    sight: Sight
    finding: Finding | None = None
    flags: tuple[Flag, ...] = ()
    conversation: str = ""

    @property
    def score(self) -> int | None:
        """The level, where there is one that nothing speaks against."""
        return self.finding.score if self.finding and not self.flags else None

    @property
    def verdict(self) -> Finds | None:
        """What was found, where nothing speaks against it."""
        return self.finding.verdict if self.finding and not self.flags else None


class Compared(Value):
    """Both readings of one requirement; `again` tells that it was looked at twice."""

    requirement: str
    original: Look
    redacted: Look
    again: bool = False
    flags: tuple[Flag, ...] = ()


class Change(Value):
    """A score that a person set."""

    requirement: str
    before: int | None
    score: int
    reason: str
    by: str


class Summary(Value):
    """The summary for the person who decides; the order of the fields is the order of thought."""

    strengths: tuple[Line, ...] = Field(max_length=8)
    gaps: tuple[Line, ...] = Field(max_length=8)
    summary: str = Field(min_length=1, max_length=1_200)
    total: int | None = Field(ge=0, le=100, description="the total that you were given; null where there is none")
    standing: Standing


class Evaluation(Value):
    """All that a person is shown of a candidate's evaluation, bound by its digest."""

    role: str
    version: str
    rubric: str
    documents: tuple[Document, ...]
    compared: tuple[Compared, ...]
    flags: tuple[Flag, ...]
    changes: tuple[Change, ...] = ()
    total: int | None
    standing: Standing
    summary: Summary | None = None
    redactor: str = ""
    replaced: dict[str, int] = {}
    model: str = ""

    @property
    def digest(self) -> str:
        """Name what is shown."""
        return f"sha256:{hashlib.sha256(self.model_dump_json().encode()).hexdigest()}"

    @property
    def doubts(self) -> tuple[Flag, ...]:
        """The flags that leave the evaluation open."""
        return tuple(flag for flag in self.flags if flag.kind not in REPORTED)
