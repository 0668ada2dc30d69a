"""What became of a batch: as a value, and as it looks in a terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from rich.console import Group, RenderableType
from rich.markup import escape

from activities.slate_tables import SlateRunRow
from console import views
from console.looks import OpenQuestion
from console.screen import GLYPHS, dollars

FAILED = 10
"""Failed runs that are shown; --json and --summary have all."""
STATES = ("complete", "partial", "failed", "cancelled", "running", "waiting")


class Line(BaseModel):
    """One run of the batch, and the commands that show what it made."""

    model_config = ConfigDict(frozen=True)

    input: str
    id: str
    title: str
    state: str
    attempt: int
    micro_usd: int
    error: str
    started_at: datetime | None
    ended_at: datetime | None


class Waits(BaseModel):
    """Questions that wait for somebody."""

    model_config = ConfigDict(frozen=True)

    owner: str
    questions: int


class Summary(BaseModel):
    """What became of a batch."""

    model_config = ConfigDict(frozen=True)

    batch: str
    counts: dict[str, int]
    micro_usd: int
    cap_micro_usd: int
    skipped: tuple[str, ...]
    waiting_for: tuple[Waits, ...]
    runs: tuple[Line, ...]

    @property
    def open(self) -> int:
        """How many have not ended."""
        return self.counts.get("running", 0) + self.counts.get("waiting", 0)

    @classmethod
    def of(
        cls,
        name: str,
        rows: Iterable[SlateRunRow],
        questions: Sequence[OpenQuestion],
        *,
        skipped: Sequence[str],
        cap_micro_usd: int,
    ) -> "Summary":
        """Sum up."""
        lines = tuple(_line(row) for row in rows)
        owners = Counter(each.question.owner for each in questions)
        return cls(
            batch=name,
            counts=dict(Counter(line.state for line in lines)),
            micro_usd=sum(line.micro_usd for line in lines),
            cap_micro_usd=cap_micro_usd,
            skipped=tuple(skipped),
            waiting_for=tuple(Waits(owner=owner, questions=number) for owner, number in owners.most_common()),
            runs=lines,
        )


def view(summary: Summary, hints: str) -> RenderableType:
    """Show a summary."""
    counts = [(state, summary.counts[state]) for state in STATES if state in summary.counts]
    words = ", ".join(f"{GLYPHS.get(state, '[cyan]▸[/]')} {number} {state}" for state, number in counts)
    of = f" of {dollars(summary.cap_micro_usd)}" if summary.cap_micro_usd else ""
    parts: list[RenderableType] = [
        f"[bold]{escape(summary.batch)}[/]: {words}",
        f"cost {dollars(summary.micro_usd)}{of}",
    ]
    failed = [line for line in summary.runs if line.state in {"failed", "cancelled"}]
    if failed:
        shown = [
            {"input": line.input, "run": line.id, "state": line.state, "why": line.error} for line in failed[:FAILED]
        ]
        parts.append(views.rows(shown, fold=("input", "run", "why")))
        more = f"{len(failed) - FAILED} more are in --json. " if len(failed) > FAILED else ""
        parts.append(f"{more}To run these again, add --retry-failed.")
    parts += [f"[magenta]?[/] {each.questions} wait for {escape(each.owner)}" for each in summary.waiting_for]
    if summary.skipped:
        parts.append(f"[yellow]skipped[/] {len(summary.skipped)}: {escape(', '.join(summary.skipped[:FAILED]))}")
    if done := next((line.id for line in summary.runs if line.state in {"complete", "partial"}), ""):
        parts.append(f"What a run made: callsheet status ID, callsheet report ID, e.g. of {escape(done)}")
    return Group(*parts, *([escape(hints)] if hints else []))


def _line(row: SlateRunRow) -> Line:
    return Line(
        input=row.place,
        id=row.run,
        title=row.title,
        state=row.state,
        attempt=row.attempt,
        micro_usd=row.micro_usd,
        error=row.error,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
