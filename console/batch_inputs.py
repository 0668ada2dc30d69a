"""The inputs of a batch: each read and checked before the first is started, every mistake with its file and line."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from activities.assets import Assets
from activities.brief_text import BriefProblems
from activities.briefs import load_brief
from activities.database import now
from activities.studio.profiles import Profiles
from console.errors import Exit, Stopped
from console.looks import AGENT, EVALUATION, PRODUCTION, SOLO
from console.orders import agent_order, bad_file, read_file
from console.vacancies import Filed, vacancies
from workflows.models import AgentOrder, Cap, Patience, RunOrder
from workflows.models.hiring import EvaluationOrder

Kind = Literal["production", "solo", "agent", "evaluation"]
Order = RunOrder | AgentOrder | EvaluationOrder
Problem = dict[str, Any]

ENDINGS = (".yaml", ".yml", ".json")
TYPES: dict[Kind, str] = {"production": PRODUCTION, "solo": SOLO, "agent": AGENT, "evaluation": EVALUATION}
PIPELINES: dict[Kind, str] = {
    "production": "image_production",
    "solo": "solo_production",
    "agent": "single_agent",
    "evaluation": "candidate_evaluation",
}


@dataclass(frozen=True)
class Wanted:
    """What every run of a kind is ordered with, besides its input."""

    kind: Kind
    model: str
    tenant: str = "default"
    patience: Patience | None = None
    caps: tuple[Cap, ...] = ()


class Input(NamedTuple):
    """A sound input: where it stands, its digest, its title, and how it is handed in."""

    place: str
    digest: str
    title: str
    order: Callable[[Assets], Awaitable[Order]]


@dataclass
class Inputs:
    """What was read: the sound inputs, and all mistakes of the others."""

    sound: list[Input] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)

    def add(self, source: "Source", mistakes: Iterable[Problem]) -> None:
        """Note that an input has mistakes."""
        self.bad.append(source.name)
        self.problems += [source.problem(one["path"], one["line"], one["message"]) for one in mistakes]


class Reader:
    """Reads inputs of one kind."""

    def __init__(self, wanted: Wanted, profiles: Profiles) -> None:
        """Order every run as `wanted`."""
        self._wanted, self._profiles = wanted, profiles

    def read(self, place: Path) -> Inputs:
        """Read a folder of files (of vacancies: of folders), or a file of one JSON document on each line."""
        found, seen = Inputs(), dict[str, str]()
        for each in self._sources(place):
            try:
                read = self.one(each)
            except BriefProblems as error:
                found.add(each, (one._asdict() for one in error.problems))
                continue
            except Stopped as error:
                found.add(each, error.problems or (_whole(error.message),))
                continue
            if (twin := seen.setdefault(read.digest, read.place)) != read.place:
                found.add(each, (_whole(f"is the same as {twin}; one run is made of one input"),))
            else:
                found.sound.append(read)
        if not found.sound and not found.problems:
            raise Stopped(Exit.BAD_FILE, f"there is no input in {place}: *.yaml, *.yml or *.json, or lines of JSON")
        return found

    def read_one(self, source: "Source") -> Input:
        """Read one input that stands alone.

        Raises:
            Stopped: it cannot be read, or has mistakes; each is listed.
        """
        try:
            return self.one(source)
        except BriefProblems as error:
            raise bad_file(source.path, error) from None

    def one(self, source: "Source") -> Input:
        """Read one input.

        Raises:
            BriefProblems: it has mistakes.
            Stopped: it cannot be read, or has mistakes.
        """
        wanted = self._wanted
        if wanted.kind == "evaluation":
            filed = Filed(source.path)
            return Input(source.name, filed.digest, filed.vacancy.title, lambda assets: self._evaluation(filed, assets))
        data = source.data if source.data is not None else read_file(source.path)
        digest = hashlib.sha256(data).hexdigest()
        if wanted.kind == "agent":
            order = self._agent(agent_order(data))
            return Input(source.name, digest, order.goal, lambda _: _ready(order))
        brief = load_brief(data, self._profiles, today=now().date())
        return Input(source.name, digest, brief.title, lambda assets: self._production(data, brief.title, assets))

    def _sources(self, place: Path) -> Iterable["Source"]:
        if self._wanted.kind == "evaluation":
            if place.suffix == ".jsonl":
                raise Stopped(Exit.USAGE, f"{place}: vacancies have documents beside them; name a folder of folders")
            return [Source(each) for each in vacancies(place)]
        if place.is_dir():
            return [Source(each) for each in sorted(place.iterdir()) if each.suffix in ENDINGS]
        if place.suffix != ".jsonl" and place.exists():
            raise Stopped(Exit.USAGE, f"{place} is neither a folder nor a file of JSON lines (.jsonl)")
        return _lines(place)

    def _agent(self, order: AgentOrder) -> AgentOrder:
        wanted = self._wanted
        patience = wanted.patience or order.patience
        tenant = order.tenant if wanted.tenant == "default" else wanted.tenant
        more = {"model": order.model or wanted.model, "patience": patience, "tenant": tenant, "caps": wanted.caps}
        return order.model_copy(update=more)

    async def _production(self, data: bytes, title: str, assets: Assets) -> RunOrder:
        return RunOrder(brief=await assets.put(data), title=title, **self._shared())

    async def _evaluation(self, filed: Filed, assets: Assets) -> EvaluationOrder:
        return EvaluationOrder(docket=await filed.hand_in(assets), title=filed.vacancy.title, **self._shared())

    def _shared(self) -> dict[str, Any]:
        wanted = self._wanted
        patience = wanted.patience or "now"
        return {"model": wanted.model, "tenant": wanted.tenant, "patience": patience, "caps": wanted.caps}


@dataclass(frozen=True)
class Source:
    """Where an input stands: a file, a folder, or a line of a file with what is on it."""

    path: Path
    line: int = 0
    data: bytes | None = None

    @property
    def name(self) -> str:
        """Name the place."""
        return f"{self.path}:{self.line}" if self.line else str(self.path)

    def problem(self, path: str, line: int, message: str) -> Problem:
        """Say what is wrong here; on a line of a file, that is the line that counts."""
        return {"file": str(self.path), "line": self.line or line, "path": path, "message": message}


def _lines(place: Path) -> Iterator[Source]:
    for number, line in enumerate(read_file(place).split(b"\n"), 1):
        if line.strip():
            yield Source(place, number, line.strip())


def _whole(message: str) -> Problem:
    return {"path": "", "line": 0, "message": message}


async def _ready(order: Order) -> Order:
    return order
