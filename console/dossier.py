"""A run as its durable records tell it: what the report shows, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from activities.records import ToolSummary
from workflows.models import ItemState, Notice, Question, RunOrder, Shot, Standing

Kind = Literal["model", "aside", "tool", "person"]
THRESHOLD: int = RunOrder.model_fields["threshold"].default
"""The score that a take has to reach; a run ordered otherwise says so in its order only."""
NOT_PEOPLE = {"", "gate", "deadline", "nobody"}


class Kept(BaseModel):
    """A value of the report."""

    model_config = ConfigDict(frozen=True)


class Span(Kept):
    """Something that took time: a model call, a call aside (compaction or judge), a tool, a wait for people."""

    item: str
    agent: str
    kind: Kind
    what: str
    start: datetime
    end: datetime
    failed: bool = False
    ended: bool = True

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max((self.end - self.start).total_seconds(), 0.0)


class Event(Kept):
    """A ruling or an error: when, whose, and what it says."""

    at: datetime
    item: str
    agent: str
    turn: int
    kind: str
    text: str


class Asked(Kept):
    """A question, and what became of it."""

    question: Question
    decided: Notice | None = None
    reminded: int = 0
    conflicts: int = 0

    @property
    def lasted(self) -> float | None:
        """Seconds until it was decided."""
        return (self.decided.at - self.question.asked_at).total_seconds() if self.decided else None


class Item(Kept):
    """One shot, and its state when it has ended."""

    shot: Shot
    state: ItemState | None = None


class Answered(Kept):
    """What a single agent handed in, if it did."""

    text: str = ""
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """All that is known of a run, or of one item of it."""

    id: str
    run: str
    goal: str
    pipeline: str
    tenant: str
    started: datetime
    ended: datetime
    standing: Standing
    costs: Mapping[str, Any]
    turns: int
    tools: tuple[ToolSummary, ...]
    spans: tuple[Span, ...]
    asked: tuple[Asked, ...]
    rulings: tuple[Event, ...]
    errors: tuple[Event, ...]
    items: tuple[Item, ...]
    answered: Answered

    @property
    def seconds(self) -> float:
        """How long it took, waits included."""
        return (self.ended - self.started).total_seconds()

    @property
    def published(self) -> int:
        """How many items were published."""
        return sum(item.state is not None and item.state.status == "published" for item in self.items)

    @property
    def open_items(self) -> int:
        """How many items have no recorded outcome."""
        return sum(item.state is None for item in self.items)

    @property
    def deciders(self) -> tuple[str, ...]:
        """The people who decided, each once."""
        named = [asked.decided.decision.by for asked in self.asked if asked.decided and asked.decided.decision]
        return tuple(dict.fromkeys(name for name in named if name not in NOT_PEOPLE))

    @property
    def status(self) -> str:
        """Say how far it came. What the records do not tell (a run called off before its end) is `unfinished`."""
        if any(asked.decided is None for asked in self.asked):
            return "awaiting_review"
        if self.items:
            return _of_items(self.items, self.published, self.open_items)
        if self.answered.done:
            return "complete"
        last = self.asked[-1].decided if self.asked else None
        return "failed" if last and last.decision and last.decision.choice == "reject" else "unfinished"

    @cached_property
    def by_item(self) -> bool:
        """Whether it is a production, whose work is best seen item by item."""
        return len({span.item for span in self.spans}) > 1 or len(self.items) > 1

    def title(self, key: str) -> str:
        """Name an item for people."""
        return self.titles.get(key) or key or "the run itself"

    @cached_property
    def titles(self) -> dict[str, str]:
        """The items' titles by their keys."""
        return {item.shot.key: item.shot.title for item in self.items}


def asked_of(notices: Sequence[Notice]) -> tuple[Asked, ...]:
    """Put what people were told together, question by question, in the order of asking."""
    found: dict[str, Asked] = {}
    for notice in notices:
        question = notice.question
        known = found.get(question.id) or Asked(question=question)
        match notice.kind:
            case "decided" | "expired":
                known = known.model_copy(update={"decided": known.decided or notice})
            case "reminder":
                known = known.model_copy(update={"reminded": known.reminded + 1})
            case "conflict":
                known = known.model_copy(update={"conflicts": known.conflicts + 1})
        found[question.id] = known.model_copy(update={"question": question})
    return tuple(sorted(found.values(), key=lambda each: each.question.asked_at))


def _of_items(items: Sequence[Item], published: int, still_open: int) -> str:
    if still_open:
        return "unfinished"
    if len(items) == 1 and items[0].state:
        return items[0].state.status
    return "complete" if published == len(items) else "partial" if published else "failed"
