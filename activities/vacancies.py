"""Vacancies: from the text that their owner writes to a role that candidates can be measured by, or every problem."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from activities.brief_text import BriefProblems, Path, Problem, dotted, read
from activities.likeness import nearest_words
from workflows.models.production import Budget
from workflows.models.rubrics import Applicant, HiringPolicy, Requirement, Reviewer, Role, Vacancy

MOST_BYTES: Final = 2_000_000
Trouble = Iterator[tuple[Path, str]]

FORBIDDEN: Final = re.compile(
    r"\b(?:age(?!-)|ages|youthful|birth(?:day|date| date)|native speaker|mother tongue|nationality|citizenship|"
    r"ethnic\w*|racial\w*|religio\w+|gender|male|female|married|marital|pregnan\w+|disabilit\w+|photo(?:graph)?s?|"
    r"post(?:al)? ?codes?|zip ?codes?|union member\w*|personality|emotion\w*|cultur(?:al|e) fit)\b",
    re.IGNORECASE,
)
"""What no rubric may ask for, in words that ask for it; `age` is not found in `manage`."""


def load_vacancy(data: bytes) -> Vacancy:
    """Read a vacancy from YAML or JSON.

    Raises:
        BriefProblems: it cannot be used; every problem is listed with its path and line.
    """
    written = read(data, MOST_BYTES)
    found = list(written.problems)
    vacancy: Vacancy | None = None
    try:
        vacancy = Vacancy.model_validate(written.value)
        troubles: list[tuple[Path, str]] = list(_meaning(vacancy))
    except ValidationError as error:
        troubles = list(_misfits(error))
    found += [Problem(_named(path), written.line(path), message) for path, message in troubles]
    if vacancy is None or found:
        raise BriefProblems(list(dict.fromkeys(found)))
    return vacancy


def _named(path: Path) -> str:
    return dotted(path) if path else "vacancy"


def _misfits(error: ValidationError) -> Trouble:
    for each in error.errors(include_url=False, include_context=False):
        path = each["loc"]
        if each["type"] == "extra_forbidden":
            known = nearest_words(str(path[-1]), sorted(_around(path).model_fields), 1)
            yield path, f"is not known here; did you mean {' or '.join(known)}?" if known else "is not known here"
        elif path[-1:] == ("anchors",) or path[-2:-1] == ("anchors",):
            yield path, f"{each['msg']}; give five texts, for the levels 0 to 4"
        else:
            yield path, each["msg"]


def _around(path: Path) -> type[BaseModel]:
    parts: dict[str, type[BaseModel]] = {
        "role": Role,
        "requirements": Requirement,
        "policy": HiringPolicy,
        "reviewers": Reviewer,
        "budget": Budget,
        "candidates": Applicant,
    }
    inside = [parts[part] for part in path[:-1] if isinstance(part, str) and part in parts]
    return inside[-1] if inside else Vacancy


def _meaning(vacancy: Vacancy) -> Trouble:
    """Check what a schema cannot say."""
    requirements, candidates = vacancy.role.requirements, vacancy.candidates
    yield from _twins([(("role", "requirements", at, "id"), each.id) for at, each in enumerate(requirements)])
    yield from _twins([(("candidates", at, "key"), each.key) for at, each in enumerate(candidates)])
    for at, each in enumerate(requirements):
        yield from _forbidden(("role", "requirements", at), each)
    for at, applicant in enumerate(candidates):
        for number, name in enumerate(applicant.documents):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name:
                yield ("candidates", at, "documents", number), "names a file outside the folder of the vacancy"


def _forbidden(at: Path, requirement: Requirement) -> Trouble:
    texts: dict[Path, str] = {(*at, "title"): requirement.title, (*at, "asks"): requirement.asks}
    texts |= {(*at, "anchors", number): text for number, text in enumerate(requirement.anchors)}
    texts |= {(*at, "indicators", number): text for number, text in enumerate(requirement.indicators)}
    for path, text in texts.items():
        if found := FORBIDDEN.search(text):
            yield path, f"a rubric must not ask for {found.group(0)!r}: it says who somebody is, not what they can do"


def _twins(named: Sequence[tuple[Path, Any]]) -> Trouble:
    seen: dict[str, Path] = {}
    for path, name in named:
        if name in seen:
            yield path, f"{name!r} is given twice, first at {dotted(seen[name])}"
        seen.setdefault(name, path)
