"""Tables of candidate evaluation. What a candidate said is in columns that an erasure empties; the rest outlives it."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from activities.database import Base, UtcDateTime, now

_SERIAL = BigInteger().with_variant(Integer, "sqlite")


class RubricRow(Base):
    """A rubric as it was when the first candidate of its version was read. It never changes."""

    __tablename__ = "rubrics"
    __table_args__ = (UniqueConstraint("role", "version", name="one_rubric_per_version"),)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    frozen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class CandidateRow(Base):
    """One candidate of a run. `application` names what they handed in, `state` is the evaluation as JSON.

    `evaluation` is the digest of what a person was shown last. `hold` is the reason of a legal hold: it stops erasing.
    """

    __tablename__ = "candidates"
    __table_args__ = (Index("ix_candidates_run", "run", "position"),)
    run: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    application: Mapped[str] = mapped_column(Text)
    docket: Mapped[str] = mapped_column(Text)
    rubric: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="waiting")
    evaluation: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str | None] = mapped_column(Text, default=None)
    keep_until: Mapped[date | None] = mapped_column(Date, default=None)
    hold: Mapped[str] = mapped_column(Text, default="")
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class DocumentRow(Base):
    """One copy of a document. `source` is the digest of the bytes handed in, `content` of the text and its map."""

    __tablename__ = "candidate_documents"
    __table_args__ = (Index("ix_candidate_documents_candidate", "run", "candidate"),)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    run: Mapped[str] = mapped_column(Text)
    candidate: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer)
    sight: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    characters: Mapped[int] = mapped_column(Integer)


class DecisionRow(Base):
    """A person's decision about a candidate, in full. Rows are added and never changed."""

    __tablename__ = "hiring_decisions"
    __table_args__ = (
        UniqueConstraint("question", name="one_decision_per_question"),
        Index("ix_hiring_run", "run", "key"),
    )
    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    run: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CandidateNoticeRow(Base):
    """A notice that is due to a candidate, ready to be sent. It names the key, not the person."""

    __tablename__ = "candidate_notices"
    run: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ErasureRow(Base):
    """What stays of an erased candidate: who asked for it, why, when, and the digests of what was there."""

    __tablename__ = "erasures"
    run: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    digests: Mapped[str] = mapped_column(Text)
    messages: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
