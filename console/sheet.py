"""The contact sheet: one page that shows what a production made, measured, decided and cost."""

from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict

from workflows.models import Attempt, Fact, ItemState, RunState, Shot
from workflows.tracing import dollars

STATUS_WORDS = {
    "published": "Published",
    "rejected": "Rejected",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "awaiting_review": "Waits for a person",
}


class Frame(BaseModel):
    """One item on the sheet: its state, its pictures by take (`original`, `large`, `small`) and its published file."""

    model_config = ConfigDict(frozen=True)

    shot: Shot
    state: ItemState
    pictures: Mapping[int, Mapping[str, str]] = {}
    published: str = ""

    @property
    def chosen(self) -> Attempt | None:
        """The take that was published, else the best, else the last."""
        state = self.state
        proof = state.publication.digest if state.publication else ""
        for attempt in state.attempts:
            if proof and attempt.digest == proof:
                return attempt
        return state.best or (state.attempts[-1] if state.attempts else None)

    @property
    def picture(self) -> Mapping[str, str] | None:
        """The pictures of the chosen take."""
        return self.pictures.get(self.chosen.number) if self.chosen else None

    @property
    def word(self) -> str:
        """The status in a word for people."""
        return STATUS_WORDS.get(self.state.status, self.state.status.replace("_", " ").capitalize())

    @property
    def by_person(self) -> bool:
        """Whether a person decided, not the gate."""
        return self.state.decided_by not in {"", "gate", "deadline", "nobody"}

    @property
    def overridden(self) -> tuple[str, ...]:
        """The required rules that a person's approval overrode."""
        published = self.state.status == "published"
        return self.chosen.missed if published and self.by_person and self.chosen else ()


class Totals(BaseModel):
    """The numbers at the head of the sheet."""

    model_config = ConfigDict(frozen=True)

    items: int
    published: int
    refined: int
    asked: int
    takes: int

    @classmethod
    def of(cls, frames: Sequence[Frame]) -> "Totals":
        """Count."""
        return cls(
            items=len(frames),
            published=sum(frame.state.status == "published" for frame in frames),
            refined=sum(len(frame.state.attempts) > 1 for frame in frames),
            asked=sum(frame.by_person or frame.state.status == "awaiting_review" for frame in frames),
            takes=sum(len(frame.state.attempts) for frame in frames),
        )


def render(state: RunState, frames: Sequence[Frame], model: str, brief: str = "") -> str:
    """Write the page. Everything a model or a person wrote is escaped."""
    environment = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"dollars": dollars, "measured": measured, "miss": miss, "tone": tone}
    environment.filters |= {"words": words, "last_step": last_step}
    page = environment.get_template("contact-sheet.html.j2")
    return page.render(run=state, frames=frames, totals=Totals.of(frames), model=model, brief=brief)


def measured(fact: Fact) -> str:
    """Write a measurement with the digits that matter, and its unit."""
    if isinstance(fact.measured, str):
        return f"{last_step(fact.measured)} {fact.unit}".strip()
    value = f"{fact.measured:,.0f}" if abs(fact.measured) >= 1_000 else f"{fact.measured:.4g}"  # noqa: PLR2004
    return f"{value} {fact.unit}".strip()


def words(name: str) -> str:
    """Write the name of a rule as words."""
    return name.replace("_", " ")


def last_step(path: str) -> str:
    """Shorten a path or an address to its last step; other text stays."""
    return path.rsplit("/", 1)[-1] if "/" in path and " " not in path else path


def miss(fact: Fact) -> str:
    """Write how far a measurement is from passing; empty when it passes."""
    return "" if fact.passed else f"{fact.miss:.3g} {fact.unit}".strip() if fact.miss else "missed"


def tone(score: int) -> str:
    """Name the colour of a score."""
    return "good" if score >= 80 else "fair" if score >= 60 else "poor"  # noqa: PLR2004 - the default threshold
