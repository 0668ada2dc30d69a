"""How one candidate's evaluation looks in a terminal."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from console.screen import GLYPHS, bar, dollars
from workflows.models.evaluation import Evaluation
from workflows.models.hiring import CandidateState

LEVELS = 25
"""Points of a bar for one level."""


def candidate(state: CandidateState) -> RenderableType:
    """Show where a candidate's evaluation stands: levels of both readings, doubts, the decision."""
    head = Table.grid(padding=(0, 2))
    head.add_row("[bold]Candidate", escape(state.title))
    head.add_row("[bold]Status", f"{GLYPHS.get(state.status, '[cyan]▸[/]')} {state.status} {escape(state.error)}")
    if state.outcome:
        decided = f"{state.outcome} ({state.stance}) by {state.decided_by}: {state.note}"
        head.add_row("[bold]Decision", escape(decided))
    if state.waiting:
        head.add_row("[bold]Waits for", escape(state.waiting))
    head.add_row("[bold]Cost", dollars(state.spend.micro_usd))
    found = state.evaluation
    if found is None:
        return Group(head, *([Text(state.question)] if state.question else []))
    total = "no total" if found.total is None else f"total {found.total} of 100"
    head.add_row("[bold]Evaluation", f"{found.standing}, {total}")
    flags = [Text(f"! {flag.kind.replace('_', ' ')}: {flag.text}", style="yellow") for flag in found.flags]
    summary = [Text(found.summary.summary)] if found.summary else []
    return Group(head, levels(found), *flags, *summary)


def candidates(states: Iterable[CandidateState]) -> Table:
    """Show what candidates' evaluations came to, a line for each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("", "candidate", "total", "evaluation", "to look at", "decision"):
        table.add_column(title, overflow="fold")
    for state in states:
        found = state.evaluation
        flags = dict.fromkeys(flag.kind.replace("_", " ") for flag in found.flags) if found else {}
        total = "-" if found is None or found.total is None else str(found.total)
        decision = f"{state.outcome} ({state.stance}) by {state.decided_by}" if state.outcome else "none yet"
        cells = (state.key, total, found.standing if found else state.status, ", ".join(flags), decision)
        table.add_row(GLYPHS.get(state.status, "[cyan]▸[/]"), *(Text(cell) for cell in cells))
    return table


def levels(found: Evaluation) -> Table:
    """Show the levels of both readings."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("requirement", "level", "redacted", "verdict", "quotes"):
        table.add_column(title)
    for each in found.compared:
        finding = each.original.finding
        score = each.original.score
        table.add_row(
            escape(each.requirement),
            bar(score * LEVELS)[:-4].rstrip() + f" {score}" if score else "0" if score == 0 else "[dim]-[/]",
            "[dim]-[/]" if each.redacted.score is None else str(each.redacted.score),
            finding.verdict.replace("_", " ") if finding else "no answer",
            str(len(finding.evidence)) if finding else "",
        )
    return table
