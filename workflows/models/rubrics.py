"""A role and its rubric: what everybody who applies is measured by, frozen under a version before anybody is read."""

import hashlib
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from workflows.models.base import Value
from workflows.models.production import Budget, Slug, Strict

TOP = 4
"""The highest level of a requirement; the lowest is 0."""

Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$")]
Jurisdiction = Literal["eu", "us", "us-ca", "us-co", "us-il", "us-nyc"]
Anchor = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Indicator = Annotated[str, StringConstraints(min_length=3, max_length=60)]


class Requirement(Strict):
    """One thing that is asked of everybody. `anchors` say what each level looks like, from 0 to 4.

    It is met from the level `meets_at` on. `indicators` are words that good evidence tends to have.
    """

    id: Slug
    title: str = Field(min_length=1, max_length=120)
    asks: str = Field(min_length=1, max_length=600)
    weight: int = Field(default=1, ge=1, le=10)
    must_have: bool = False
    meets_at: int = Field(default=2, ge=1, le=TOP)
    anchors: tuple[Anchor, ...] = Field(min_length=TOP + 1, max_length=TOP + 1)
    indicators: tuple[Indicator, ...] = Field(default=(), max_length=30)


class Role(Strict):
    """A role with its rubric. A total of `threshold` or more, of 100, meets it as a whole."""

    id: Slug
    version: Version
    title: str = Field(min_length=1, max_length=120)
    summary: str = Field(min_length=1, max_length=1_000)
    requirements: tuple[Requirement, ...] = Field(min_length=1, max_length=12)
    threshold: int = Field(default=60, ge=0, le=100)

    @property
    def digest(self) -> str:
        """Name this very rubric: a changed one has another digest."""
        return f"sha256:{hashlib.sha256(self.model_dump_json().encode()).hexdigest()}"

    def requirement(self, name: str) -> Requirement:
        """Find a requirement by its id; `KeyError` if there is none."""
        return {each.id: each for each in self.requirements}[name]


class Reviewer(Strict):
    """Somebody who may decide, and what entitles them to."""

    name: str = Field(min_length=1, max_length=200)
    authority: str = Field(default="", max_length=300)
    training: str = Field(default="", max_length=300)


class HiringPolicy(Strict):
    """How candidates are looked at and how long what is known of them is kept.

    Two readings disagree from `disagreement` levels on. With `first_view` a person reads the documents and says what
    they think before they are shown a score. `contact` is whom a candidate may write to.
    """

    disagreement: int = Field(default=2, ge=1, le=TOP)
    first_view: bool = True
    retention_days: int = Field(default=1_461, ge=1, le=36_500)
    jurisdictions: tuple[Jurisdiction, ...] = Field(default=(), max_length=10)
    owner: str = Field(default="hiring", min_length=1, max_length=200)
    contact: str = Field(default="the hiring team", min_length=1, max_length=200)
    reviewers: tuple[Reviewer, ...] = Field(default=(), max_length=50)


class Applicant(Strict):
    """A candidate as a vacancy names them; `documents` are files beside it. `key` is what everybody else is told."""

    key: Slug
    name: str = Field(min_length=1, max_length=120)
    documents: tuple[str, ...] = Field(min_length=1, max_length=8)
    notified_on: date | None = None


class Vacancy(Strict):
    """A vacancy as its owner writes it, in YAML or JSON: the role, how it is handled, who applied."""

    title: str = Field(min_length=1, max_length=120)
    role: Role
    policy: HiringPolicy = HiringPolicy()
    budget: Budget = Budget(run_usd=25.0, item_usd=2.0)
    candidates: tuple[Applicant, ...] = Field(min_length=1, max_length=5_000)


class Paper(Value):
    """A document that was handed in: its bytes by their digest, and what kind of file they say they are."""

    digest: str
    kind: Literal["text", "pdf", "docx", "unknown"]


class Application(Value):
    """What a candidate handed in, kept as an asset of its own, so that it can be erased alone."""

    key: str
    name: str
    papers: tuple[Paper, ...]
    notified_on: date | None = None


class Entered(Value):
    """Names an application by the digest of its asset."""

    key: str
    application: str


class Docket(Value):
    """A vacancy as it is kept: nothing in it tells who applied."""

    title: str
    role: Role
    policy: HiringPolicy
    budget: Budget
    candidates: tuple[Entered, ...]
