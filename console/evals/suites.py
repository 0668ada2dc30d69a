"""Suites: cases with what is expected of them, in YAML or JSON."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from activities.brief_text import BriefProblems, Problem, dotted, read
from console.evals.expectations import Expected
from console.orders import bad_file, read_file

MOST_BYTES = 1024 * 1024
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]


class Part(BaseModel):
    """A part of a suite; a misspelt name is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Invented(Part):
    """A candidate who is made up for a case, with the words of their only document."""

    key: Slug
    name: str = Field(min_length=1, max_length=120)
    text: str = Field(min_length=1, max_length=100_000)


class Case(Part):
    """One case: what is ordered, and what must hold of the outcome."""

    name: Slug
    brief: dict[str, Any] | None = Field(default=None, description="for production and solo: a brief")
    vacancy: str | None = Field(default=None, min_length=1, description="for evaluation: its path, from the suite's")
    only: tuple[Slug, ...] = Field(default=(), description="of the vacancy's candidates, these alone")
    candidates: tuple[Invented, ...] = Field(default=(), description="others, in the place of the vacancy's own")
    order: dict[str, Any] = Field(default={}, description="further fields of the order, or all of them")
    expect: dict[str, Expected] = Field(min_length=1)


class Suite(Part):
    """Cases against one pipeline.

    `pipeline` is `production`, `solo`, `evaluation`, `agent`, or a workflow of your own as `module:Class`. `measures`
    are figures that are averaged, by name: paths into the outcome. `pass_rate` is the share of trials that must pass.
    """

    name: Slug
    pipeline: str = Field(pattern=r"^(production|solo|evaluation|agent|[\w.]+:\w+)$")
    repetitions: int = Field(default=3, ge=1, le=1_000)
    at_once: int = Field(default=2, ge=1, le=100)
    minutes: float = Field(default=30, gt=0, le=1_440, description="minutes after which a trial is called off")
    budget_usd: float | None = Field(default=None, gt=0, description="no trial is begun once this is spent")
    pass_rate: float = Field(default=1.0, ge=0, le=1)
    measures: dict[Slug, str] = {}
    cases: tuple[Case, ...] = Field(min_length=1, max_length=1_000)

    @model_validator(mode="after")
    def _is_sound(self) -> "Suite":
        names = [case.name for case in self.cases]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two cases have one name: {', '.join(twice)}")
        needs = {"production": "brief", "solo": "brief", "evaluation": "vacancy"}.get(self.pipeline, "")
        for part in ("brief", "vacancy"):
            if odd := [case.name for case in self.cases if (getattr(case, part) is not None) != (part == needs)]:
                word = (
                    f"needs a {part}"
                    if part == needs
                    else f"takes {(needs and 'a ' + needs) or 'an order'}, not a {part}"
                )
                raise ValueError(f"{self.pipeline} {word}: {', '.join(odd)}")
        return self


def read_suite(path: Path) -> Suite:
    """Read a suite.

    Raises:
        Stopped: the file has mistakes; each is named with its path and line.
    """
    try:
        return _suite(read_file(path))
    except BriefProblems as error:
        raise bad_file(path, error) from None


def _suite(data: bytes) -> Suite:
    written = read(data, MOST_BYTES)
    if written.problems:
        raise BriefProblems(written.problems)
    try:
        return Suite.model_validate(written.value)
    except ValidationError as error:
        found = [Problem(dotted(each["loc"]), written.line(each["loc"]), each["msg"]) for each in error.errors()]
        raise BriefProblems(found) from None
