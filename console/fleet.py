"""The fleet at a glance: what one look at all running workflows found, as values."""

from collections import Counter
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from console.looks import OpenQuestion
from workflows.models import AgentState, RunState

LOST = {"failed", "rejected", "cancelled"}
"""How an item may end without being published."""


DONE = {"published", "decided", "complete", "partial"}
"""How an item may end that has come to something; the items of a batch are whole runs."""

Kind = Literal["production", "evaluation", "batch", "agent"]


class Glance(BaseModel):
    """A value of the view."""

    model_config = ConfigDict(frozen=True)


class Progress(Glance):
    """How far the items of a run are."""

    total: int = 0
    published: int = 0
    waiting: int = 0
    failed: int = 0
    running: int = 0

    @property
    def ended(self) -> int:
        """How many have an outcome."""
        return self.published + self.failed

    @property
    def to_come(self) -> int:
        """How many have not started."""
        return max(self.total - self.ended - self.waiting - self.running, 0)

    @classmethod
    def of(cls, state: RunState) -> "Progress":
        """Count. The rows of a long run hold its latest items only, its counts all that have ended."""
        rows = Counter(str(row.status) for row in state.items)
        ended = {*DONE, *LOST}
        counts = state.counts or rows
        found = {name: counts.get(name, 0) for name in ended}
        waiting = rows["awaiting_review"]
        running = sum(number for name, number in rows.items() if name not in {*ended, "awaiting_review", "waiting"})
        lost = sum(found[name] for name in LOST)
        return cls(
            total=state.total,
            published=sum(found[name] for name in DONE),
            waiting=waiting,
            failed=lost,
            running=running,
        )


class RunLine(Glance):
    """One run as it is shown; when it did not answer, only what the server's list says of it."""

    id: str
    kind: Kind
    stage: str = ""
    started_at: datetime
    answered: bool = False
    progress: Progress | None = None
    micro_usd: int = 0
    cap_micro_usd: int = 0
    per_minute: int | None = None
    questions: int = 0
    oldest_asked_at: datetime | None = None
    oldest_owner: str = ""
    errors: int = 0
    last_error: str = ""
    waits_for: str = ""

    def with_state(self, state: RunState | AgentState) -> "RunLine":
        """Add what the run says of itself."""
        found: dict[str, Any] = {"answered": True, "stage": state.status, "micro_usd": state.spend.micro_usd}
        found |= {"cap_micro_usd": state.cap_micro_usd}
        if isinstance(state, RunState):
            progress = Progress.of(state)
            found |= {"progress": progress, "questions": max(self.questions, progress.waiting)}
            found |= {"errors": len(state.errors), "last_error": state.errors[-1] if state.errors else ""}
        else:
            found |= {"waits_for": state.waiting}
        return self.model_copy(update=found)

    def data(self, at: datetime) -> dict[str, Any]:
        """Say it for a program."""
        items = {**self.progress.model_dump(), "to_come": self.progress.to_come} if self.progress else None
        questions = {"open": self.questions, "oldest_asked_at": self.oldest_asked_at, "oldest_owner": self.oldest_owner}
        gone = {"progress", "questions", "oldest_asked_at", "oldest_owner", "per_minute"}
        seconds = round((at - self.started_at).total_seconds(), 1)
        return {
            **self.model_dump(exclude=gone),
            "age_seconds": seconds,
            "items": items,
            "questions": questions,
            "micro_usd_per_minute": self.per_minute,
        }


class Frame(Glance):
    """One look: how many there are, the runs that are shown, and the oldest open questions.

    `unserved` are pools that no worker polls. `burn_from` says where the amounts per minute come from: the ledger, or
    differences between looks.
    """

    at: datetime
    running: int
    waiting: int
    runs: tuple[RunLine, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    per_minute: int | None = None
    burn_from: Literal["ledger", "looks"] = "looks"
    problem: str = ""
    unserved: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """Say it for a program."""
        return {
            "unserved": self.unserved,
            "at": self.at,
            "running": self.running,
            "waiting": self.waiting,
            "micro_usd_per_minute": self.per_minute,
            "burn_from": self.burn_from,
            "problem": self.problem,
            "runs": [run.data(self.at) for run in self.runs],
            "questions": [_asked(each, self.at) for each in self.questions],
        }


def _asked(each: OpenQuestion, at: datetime) -> dict[str, Any]:
    question = each.question
    return {
        "id": each.id,
        "question": question.id,
        "kind": question.kind,
        "title": question.title,
        "reason": question.reason,
        "owner": question.owner,
        "asked_at": question.asked_at,
        "age_seconds": round((at - question.asked_at).total_seconds(), 1),
    }
