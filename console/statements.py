"""How accounts look: as tables and sentences for people, as data for programs."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape

from console import views
from console.amounts import cap_words, precise
from console.books import Line
from console.funding import Funding
from console.screen import dollars
from workflows.models import Standing

SHOWN = 40
"""Accounts that a person is shown at once; a program gets all."""
NAMED = 5
NUMBERS = ("cap", "spent", "reserved", "left", "used", "today")


def data(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """Say where accounts stand, for a program."""
    return [line.data() for line in lines]


def table(lines: Sequence[Line]) -> RenderableType:
    """Show accounts, those below others indented."""
    shown = views.rows([_row(line) for line in lines[:SHOWN]], right=NUMBERS, fold=("account",))
    if len(lines) <= SHOWN:
        return shown
    return Group(shown, f"[dim]and {len(lines) - SHOWN} more; --json lists them")


def changed(before: Standing, after: Standing, charged: Standing) -> list[str]:
    """Say what became of a cap; `charged` is the account that calls are charged to now, where `after` is a rule."""
    lines = [f"[bold]{escape(after.account)}[/]: the cap is {cap_words(after.cap)}, was {cap_words(before.cap)}."]
    held = f", {precise(charged.reserved)} held" if charged.reserved else ""
    left = "" if charged.left is None else f", {precise(charged.left)} left"
    about = f"{escape(charged.account)}: " if charged.account != after.account else ""
    lines.append(f"  {about}{precise(charged.spent)} spent{held}{left}.")
    if charged.cap is not None and charged.spent >= charged.cap:
        lines.append("  [yellow]All of it is spent already: nothing more is spent until the cap is raised.")
    return lines


def change_data(before: Standing, after: Standing, charged: Standing) -> dict[str, Any]:
    """Say the same to a program."""
    spent_up = charged.cap is not None and charged.spent >= charged.cap
    standing = Line(standing=charged).data() | {"account": after.account, "charged": charged.account}
    standing |= {"cap_micro_usd": after.cap, "was_micro_usd": before.cap, "spent_up": spent_up}
    return {name: value for name, value in standing.items() if name != "depth"}


def funded(funding: Funding, charged: Standing, name: str) -> list[str]:
    """Say who goes on, who will ask again because it is too little, and who could not be told."""
    on = funding.told
    lines = [f"{_names([each.id for each in on])} go{'es' * (len(on) == 1)} on."] if on else []
    if not funding.waiters and not funding.problem:
        lines = ["Nobody waited for this money."]
    for each in on:
        if charged.left is not None and each.needs > charged.left:
            lines.append(f"[yellow]{escape(each.id)} needs at least {precise(each.needs)}, and will ask again.")
    if problem := funding.problem or next((each.problem for each in funding.missed), ""):
        who = _names([each.id for each in funding.missed]) + " was not told" if funding.missed else "Nobody was told"
        lines.append(f"[red]{who}:[/] {escape(problem)}")
        lines.append(f"The cap is as it says above; to tell them later: callsheet budget top-up {escape(name)} 0")
    return lines


def funding_data(funding: Funding) -> dict[str, Any]:
    """Say the same to a program."""
    problem = funding.problem or next((each.problem for each in funding.missed), "")
    return {
        "told": [each.id for each in funding.told],
        "not_told": [each.id for each in funding.missed],
        "problem": problem,
    }


def _row(line: Line) -> dict[str, Any]:
    standing = line.standing
    row = {
        "account": "  " * line.depth + standing.account,
        "cap": cap_words(standing.cap),
        "spent": dollars(standing.spent),
        "reserved": dollars(standing.reserved),
        "left": "" if standing.left is None else dollars(standing.left),
        "used": "" if line.used is None else f"{line.used:.0%}",
    }
    return row if line.today is None else row | {"today": dollars(line.today)}


def _names(ids: Sequence[str]) -> str:
    some = ", ".join(escape(each) for each in ids[:NAMED])
    return some if len(ids) <= NAMED else f"{some} and {len(ids) - NAMED} more"
