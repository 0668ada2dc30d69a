"""Reads a task: markdown sections of one JSON block or plain text each, as the pipelines write them."""

import re
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

HEADING: Final = re.compile(r"^## (?P<name>[A-Z][\w ]*?)[ \t]*$", re.MULTILINE)
FENCE: Final = re.compile(r"```json[ \t]*\n(?P<body>.*?)\n?```", re.DOTALL)

Noun = TypeVar("Noun", bound=BaseModel)


class Missing(Exception):  # noqa: N818  (it names what is missing; a role turns it into words, nothing fails)
    """A section is not in the task, or is not what its heading promises."""


class Read(BaseModel):
    """A frozen part of a task; unknown fields are ignored, so that the house may add some."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Colour(Read):
    """A colourway."""

    name: str
    hex: str = ""


class Product(Read):
    """What is shown."""

    id: str
    title: str = ""
    garment: str
    fabric: str = ""


class Shot(Read):
    """What is ordered: one product, colour, venue and view."""

    key: str
    title: str = ""
    product: Product
    colour: Colour
    profile: str
    view: str
    model: str = ""


class Guidelines(Read):
    """How the brand wants to look."""

    brand: str = ""
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()


class Venue(Read):
    """A venue of the brief and its rules as data."""

    profile: str
    rules: dict[str, object] = {}


class Brief(Read):
    """What the planner is told."""

    title: str = ""
    guidelines: Guidelines = Guidelines()
    venues: tuple[Venue, ...] = ()
    wanted: tuple[str, ...]


class Artefact(Read):
    """Which asset the task is about."""

    asset: str


class Fact(Read):
    """One measurement against the rule it serves."""

    rule: str
    measured: float | str
    wanted: str = ""
    passed: bool
    miss: float = 0.0
    unit: str = ""
    required: bool = True


class Facts(Read):
    """All measurements of one asset."""

    facts: tuple[Fact, ...]

    @property
    def missed(self) -> tuple[Fact, ...]:
        """The required rules that are broken."""
        return tuple(fact for fact in self.facts if fact.required and not fact.passed)


class Verdict(Read):
    """What the critic found."""

    score: int = 0
    problems: tuple[str, ...] = ()


class Sheet:
    """The sections of one task. Of two sections with one heading the first counts: later text may quote it."""

    def __init__(self, task: str) -> None:
        self._sections: dict[str, str] = {}
        found = list(HEADING.finditer(task))
        ends = [*(following.start() for following in found[1:]), len(task)]
        for heading, end in zip(found, ends, strict=False):  # without any heading the one end has no beginning
            self._sections.setdefault(heading["name"], task[heading.end() : end].strip())

    def text(self, name: str) -> str:
        """The words under a heading, empty if there are none."""
        return self._sections.get(name, "")

    def read(self, name: str, noun: type[Noun]) -> Noun:
        """Read the JSON block under a heading.

        Raises:
            Missing: there is no such section, or it is not a `noun`.
        """
        found: Noun = self._read(name, TypeAdapter(noun))
        return found

    def read_all(self, name: str, noun: type[Noun]) -> tuple[Noun, ...]:
        """Read the JSON list under a heading.

        Raises:
            Missing: there is no such section, or it is no list of `noun`.
        """
        found: tuple[Noun, ...] = self._read(name, TypeAdapter(tuple[noun, ...]))  # type: ignore[valid-type]
        return found

    def _read(self, name: str, adapter: TypeAdapter[Any]) -> Any:  # noqa: ANN401 - what the adapter reads
        block = FENCE.search(self._sections.get(name, ""))
        if block is None:
            raise Missing(f"there is no `## {name}` section with a json block in the task")
        try:
            return adapter.validate_json(block["body"])
        except ValidationError as problems:
            first = problems.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Missing(f"the `## {name}` section cannot be read: {where} {first['msg']}".strip()) from None
