"""How the fleet looks in a terminal: a line for each run, and a second one where there is something to say."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from console.durations import age
from console.errors import one_line
from console.fleet import Frame, Progress, RunLine
from console.looks import OpenQuestion
from console.screen import dollars
from console.views import asked

WIDEST, ROOMY = 132, 100
"""Columns at most, and from where on there is room for longer bars and whole caps."""
QUESTIONS = 5
MARKS = (
    ("published", "█", "green"),
    ("running", "▒", "cyan"),
    ("waiting", "?", "magenta"),
    ("failed", "✗", "red"),
    ("to_come", "·", "dim"),
)
STAGES = {"awaiting_review": "waits", "": "starting"}


class FleetView:
    """Shows one frame, in `height` lines when that is given."""

    def __init__(self, frame: Frame, height: int | None = None) -> None:
        """Show `frame`."""
        self._frame, self._height = frame, height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the lines out for the width there is."""
        for line in self._lines(min(options.max_width, WIDEST)):
            line.truncate(options.max_width, overflow="ellipsis")
            line.rstrip()
            line.no_wrap = True
            yield line

    def _lines(self, width: int) -> Iterator[Text]:
        frame = self._frame
        below = list(_questions(frame, width))
        yield _head(frame)
        if frame.problem:
            yield Text(clean(frame.problem), style="red")
        if frame.unserved:
            yield Text(f"No worker polls {', '.join(frame.unserved)}: what is sent there waits.", style="red")
        if not frame.runs:
            yield Text("No run is under way.", style="dim")
            return
        yield Text()
        layout = Layout(width, frame)
        yield layout.titles()
        yield from self._runs(layout, len(below) + 5 + bool(frame.problem) + bool(frame.unserved))
        yield layout.legend()
        yield from below

    def _runs(self, layout: "Layout", others: int) -> Iterator[Text]:
        """Show as many runs as there is room for."""
        room = self._height - others if self._height else None
        used = 0
        for number, run in enumerate(self._frame.runs):
            lines = list(layout.run(run))
            if room is not None and number and used + len(lines) > room:
                break
            used += len(lines)
            yield from lines
        else:
            number = len(self._frame.runs)
        if hidden := self._frame.running - number:
            yield Text(f"and {hidden} more", style="dim")


class Layout:
    """The columns, for one width."""

    def __init__(self, width: int, frame: Frame) -> None:
        """Share `width` out; what is left over is the name's."""
        self._at = frame.at
        self._bar = 20 if width >= ROOMY else 10
        self._count = max([5, *(len(_count(run.progress)) for run in frame.runs)])
        self._cost = 20 if width >= ROOMY else 13
        fixed = 2 + 11 + 5 + 1 + self._bar + 1 + self._count + self._cost + 9
        self._name = max(width - fixed, 8)
        self._width = width

    def titles(self) -> Text:
        """Name the columns."""
        cost = "cost of cap" if self._cost > len("cost of cap") + 2 else "cost"
        line = Text("  ").append_text(_cell("run", self._name)).append_text(_cell("stage", 11))
        line.append_text(_right("age", 4)).append("  ").append_text(_cell("items", self._bar + 1 + self._count))
        line.append_text(_right(cost, self._cost)).append_text(_right("a min", 9))
        line.stylize("dim")
        return line

    def run(self, run: RunLine) -> Iterator[Text]:
        """Show one run."""
        waits = run.questions > 0
        stage = STAGES.get(run.stage, run.stage) if run.answered else "no answer"
        line = Text.assemble(("? ", "magenta") if waits else ("▸ ", "cyan") if run.answered else ("! ", "red"))
        line.append_text(_cell(clean(run.id), self._name, "bold"))
        line.append_text(_cell(stage, 11, "magenta" if stage == "waits" else "" if run.answered else "red"))
        line.append_text(_right(age((self._at - run.started_at).total_seconds()), 4)).append("  ")
        line.append_text(bar(run.progress, self._bar)).append(" ")
        line.append_text(_right(_count(run.progress), self._count))
        line.append_text(self._money(run))
        line.append_text(_right("-" if run.per_minute is None else dollars(run.per_minute), 9))
        yield line
        if notes := list(self._notes(run)):
            yield Text("  ").append_text(Text(" · ").join(notes))

    def legend(self) -> Text:
        """Explain the bars."""
        words = [Text.assemble((mark, style), f" {name.replace('_', ' ')}") for name, mark, style in MARKS]
        line = Text("  ").append_text(Text("  ").join(words))
        line.stylize("dim")
        return line

    def _money(self, run: RunLine) -> Text:
        if not run.cap_micro_usd:
            return _right(dollars(run.micro_usd), self._cost)
        part = run.micro_usd / run.cap_micro_usd
        words = f"{dollars(run.micro_usd)} {part:.0%}"
        if self._cost >= 20:  # noqa: PLR2004 - as wide as two amounts
            words = f"{dollars(run.micro_usd)} of {dollars(run.cap_micro_usd)}"
        return _right(words, self._cost, "red" if part >= 1 else "yellow" if part >= 0.8 else "")  # noqa: PLR2004

    def _notes(self, run: RunLine) -> Iterator[Text]:
        if run.questions:
            since = f", the oldest {_age(run.oldest_asked_at, self._at)}" if run.oldest_asked_at else ""
            owner = f", for {clean(run.oldest_owner)}" if run.oldest_owner else ""
            wait = "question waits" if run.questions == 1 else "questions wait"
            yield Text(f"{run.questions} {wait}{since}{owner}", style="magenta")
        if run.errors:
            last = one_line(clean(run.last_error), max(self._width - 50, 20))
            yield Text(f"{run.errors} error{'s' * (run.errors > 1)}: {last}", style="red")
        if run.waits_for:
            yield Text(f"waits for {clean(run.waits_for)}", style="yellow")
        if not run.answered and run.stage:
            yield Text(f"was {STAGES.get(run.stage, run.stage)}", style="dim")


def bar(progress: Progress | None, width: int) -> Text:
    """Draw how far the items are; whatever there is of gets a place, so that one failure among thousands is seen."""
    if progress is None or not progress.total:
        return Text(" " * width)
    parts = [(getattr(progress, name), mark, style) for name, mark, style in MARKS]
    shares = [max(round(number / progress.total * width), 1) if number else 0 for number, _, _ in parts]
    while (over := sum(shares) - width) != 0:
        largest = max(range(len(shares)), key=lambda place: shares[place])
        shares[largest] -= 1 if over > 0 else -1
    return Text.assemble(*((mark * share, style) for share, (_, mark, style) in zip(shares, parts, strict=True)))


def clean(text: str) -> str:
    """Drop what would steer a terminal: names and reasons are written by people and models."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _head(frame: Frame) -> Text:
    burn = "" if frame.per_minute is None else f" · {dollars(frame.per_minute)} a minute"
    waiting = f"{frame.waiting} wait{'s' * (frame.waiting == 1)} for people"
    line = Text.assemble(("Callsheet", "bold"), f" · {frame.running} running · ")
    line.append(waiting, style="magenta" if frame.waiting else "")
    return line.append(f"{burn} · {frame.at:%H:%M:%S} UTC")


def _questions(frame: Frame, width: int) -> Iterator[Text]:
    if not frame.questions:
        return
    yield Text()
    more = f" ({QUESTIONS} of {frame.waiting})" if frame.waiting > QUESTIONS else ""
    yield Text(f"Oldest open questions{more}", style="bold")
    for each in frame.questions[:QUESTIONS]:
        yield _question(each, frame.at, width)


def _question(each: OpenQuestion, at: datetime, width: int) -> Text:
    line = Text("  ").append_text(_right(_age(each.question.asked_at, at), 4)).append("  ")
    line.append_text(_cell(clean(each.question.owner), 12)).append_text(_cell(clean(each.id), width // 3))
    return line.append(one_line(clean(asked(each.question)), width), style="dim")


def _age(moment: datetime | None, at: datetime) -> str:
    return age((at - moment).total_seconds()) if moment else ""


def _count(progress: Progress | None) -> str:
    return f"{progress.ended}/{progress.total}" if progress and progress.total else ""


def _cell(text: str, width: int, style: str = "") -> Text:
    cell = Text(text, style=style)
    cell.truncate(width - 1, overflow="ellipsis", pad=True)
    return Text().append_text(cell).append(" ")


def _right(text: str, width: int, style: str = "") -> Text:
    return Text(f"{text:>{width}}", style=style)
