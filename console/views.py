"""How runs look in a terminal."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group, JustifyMethod, OverflowMethod, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from console.amounts import precise
from console.candidate_view import candidate
from console.looks import CANDIDATE, Look, OpenQuestion
from console.screen import GLYPHS, bar, dollars
from workflows.models import ItemRow, ItemState, Question, RunState, Spend
from workflows.models.hiring import CandidateState

STAGES = ("planning", "generating", "reviewing", "refining", "awaiting_review", "publishing")
SHOWN = 30
"""Items shown at once; those in work come first."""
SAID = {"id", "status", "waiting", "cap_micro_usd"}
"""Fields of an agent that have a line of their own."""


def look(seen: Look) -> RenderableType:
    """Show a run, an item or an agent."""
    if seen.run:
        return run(seen.run)
    if seen.item:
        return item(seen.item)
    if seen.type == CANDIDATE and seen.running and seen.agent:
        return candidate(CandidateState.model_validate(seen.agent))
    return agent(seen)


def run(state: RunState) -> RenderableType:
    """Show a run: how far it is, what it cost, and its items."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("[bold]Run", f"{escape(state.id)}  [dim]{escape(state.title)}")
    facts.add_row("[bold]Status", f"{GLYPHS.get(state.status, '[cyan]▸[/]')} {state.status}  {_stages(state.counts)}")
    facts.add_row("[bold]Cost", _cost(state.spend, state.cap_micro_usd))
    parts: list[RenderableType] = [facts]
    if state.items:
        parts.append(items(state.items))
    if len(state.items) > SHOWN:
        parts.append(f"[dim]and {len(state.items) - SHOWN} more; --json lists them")
    parts += [f"[red]![/] {escape(error)}" for error in state.errors[-5:]]
    return Group(*parts)


def items(rows: Iterable[ItemRow]) -> Table:
    """Show items, those in work first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("", "item", "status", "score", "takes", "cost"):
        table.add_column(title, no_wrap=title != "item", overflow="fold")
    over = {"complete", "partial", "published", "decided", "rejected", "failed", "cancelled"}
    for row in sorted(rows, key=lambda row: row.status in over)[:SHOWN]:
        cost = dollars(row.micro_usd)
        note = f"  [red]{escape(row.error)}" if row.error else ""
        glyph = GLYPHS.get(row.status, "[cyan]▸[/]")
        table.add_row(glyph, escape(row.key) + note, row.status, bar(row.score), str(row.attempts), cost)
    return table


def item(state: ItemState) -> RenderableType:
    """Show one item with its takes and measurements."""
    head = Table.grid(padding=(0, 2))
    head.add_row("[bold]Item", f"{escape(state.key)}  [dim]{escape(state.title)}")
    head.add_row("[bold]Status", f"{GLYPHS.get(state.status, '[cyan]▸[/]')} {state.status} {escape(state.error)}")
    if state.decision:
        head.add_row("[bold]Decision", escape(f"{state.decision} by {state.decided_by}  {state.note}"))
    if state.publication:
        head.add_row("[bold]Published", escape(f"{state.publication.entry} at {state.publication.uri}"))
    if state.waiting:
        head.add_row("[bold]Waits for", escape(state.waiting))
    head.add_row("[bold]Cost", _cost(state.spend))
    takes = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("take", "score", "missed", "digest"):
        takes.add_column(title)
    for each in state.attempts:
        takes.add_row(str(each.number), bar(each.score), ", ".join(each.missed) or "-", each.digest[7:19])
    return Group(head, takes)


def agent(seen: Look) -> RenderableType:
    """Show a single agent."""
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]Run", escape(seen.id))
    table.add_row("[bold]Status", f"{GLYPHS.get(seen.status, '[cyan]▸[/]')} {seen.status} {escape(seen.error)}")
    state = seen.agent or {}
    if seen.waiting:
        table.add_row("[bold]Waits for", escape(seen.waiting))
    if state.get("spend"):
        cap = int(state.get("cap_micro_usd", 0))
        table.add_row("[bold]Cost", _cost(Spend.model_validate(state["spend"]), cap))
    for key, value in state.items():
        if isinstance(value, str | int) and key not in SAID and value != "":
            table.add_row(f"[bold]{key}", escape(str(value)))
    return table


def questions(found: Iterable[OpenQuestion]) -> RenderableType:
    """Show what waits for people."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("id", "asks", "for", "since", "cost so far", "options"):
        table.add_column(title, overflow="fold")
    for each in found:
        q = each.question
        cells = (
            each.id,
            asked(q),
            q.owner,
            f"{q.asked_at:%Y-%m-%d %H:%M} UTC",
            dollars(q.micro_usd),
            ", ".join(q.options),
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table if table.rows else "Nothing waits for a person."


def asked(question: Question) -> str:
    """Say what is asked; where money is, also how much and of which account."""
    if question.kind != "budget":
        return question.reason
    least = f"at least {precise(question.needs_micro_usd)} more" if question.needs_micro_usd else "more money"
    return f"needs {least} on {question.account or 'an account that is not named'}: {question.reason}"


def rows(
    found: Iterable[dict[str, Any]],
    right: tuple[str, ...] = (),
    fold: tuple[str, ...] = (),
    whole: tuple[str, ...] = (),
) -> RenderableType:
    """Show records of the same shape as a table.

    Text is cut to fit, but columns named in `fold` are wrapped, and those in `whole` keep their width.
    """
    records = list(found)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in records[0] if records else ():
        side: JustifyMethod = "right" if title in right else "left"
        overflow: OverflowMethod = "fold" if title in fold else "ellipsis"
        narrowest = None if title in right else 4
        if title in whole:
            narrowest = max(len(title), *(len(str(record[title])) for record in records))
        table.add_column(title, justify=side, overflow=overflow, no_wrap=title not in fold, min_width=narrowest)
    for record in records:
        table.add_row(*(Text(str(value)) for value in record.values()))
    return table if records else "Nothing yet."


def _cost(spend: Spend, cap_micro_usd: int = 0) -> str:
    cap = f" of {dollars(cap_micro_usd)}" if cap_micro_usd else ""
    return f"{dollars(spend.micro_usd)}{cap}  [dim]{spend.turns} turns, {spend.tool_calls} tool calls"


def _stages(counts: dict[str, int]) -> str:
    return "[dim]" + "  ".join(f"{number} {name}" for name, number in counts.items() if number)
