"""The report as a page: one file that needs nothing else, for a screen, a telephone or paper."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from console import charts, timeline
from console.costs import Sum
from console.dossier import THRESHOLD, Dossier, Item
from console.durations import lasting
from console.errors import one_line
from workflows.models import Usage
from workflows.tracing import dollars

MOST_ROWS = 100
"""Rows of any table; the commands at the page's end tell the rest."""
MOST_PLOTS = 48
CLASSES = (("input", "input"), ("cache_write", "cache-write"), ("cache_read", "cache-read"), ("output", "output"))
STATUS_WORDS = {"awaiting_review": "Waits for a person"}


class CostRow(NamedTuple):
    """What one agent, model or item cost, and how that compares."""

    name: str
    sum: Sum
    share: float
    bar: Markup


class TokenRow(NamedTuple):
    """The tokens of one class."""

    name: str
    kind: str
    tokens: int
    share: float


class Plot(NamedTuple):
    """The scores of one item, take by take."""

    item: Item
    picture: Markup


def render(dossier: Dossier, at: datetime) -> str:
    """Write the page, made `at` that moment. Everything that a model or a person wrote is escaped."""
    environment = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"dollars": dollars, "lasting": lasting, "words": words, "line": one_line, "when": when}
    page = environment.get_template("report.html.j2")
    all_lanes = timeline.lanes(dossier)
    drawn = timeline.shown(all_lanes)
    return page.render(
        run=dossier,
        at=at,
        lanes=drawn,
        hidden_lanes=len(all_lanes) - len(drawn),
        timeline=timeline.draw(drawn, dossier.started),
        kinds=timeline.NAMES,
        costs={by: cost_rows(dossier.costs[f"by_{by}"], names(dossier, by)) for by in ("agent", "model", "item")},
        total=dossier.costs["total"],
        plots=plots(dossier.items),
        scored=sum(1 for item in dossier.items if item.state and item.state.attempts),
        threshold=THRESHOLD,
        tokens=token_rows(dossier.costs["total"]["usage"]),
        token_stack=token_stack(dossier.costs["total"]["usage"]),
        hits=hit_ratio(dossier.costs["total"]["usage"]),
        tools=sorted(dossier.tools, key=lambda tool: (-tool["calls"], tool["tool"])),
        most=MOST_ROWS,
    )


def cost_rows(sums: Mapping[str, Sum], called: Mapping[str, str]) -> list[CostRow]:
    """Order what cost something, the dearest first, each compared with the dearest."""
    whole = sum(each["micro_usd"] for each in sums.values())
    dearest = max((each["micro_usd"] for each in sums.values()), default=0)
    rows = sorted(sums.items(), key=lambda pair: (-pair[1]["micro_usd"], pair[0]))
    return [
        CostRow(
            called.get(name, name), each, _part(each["micro_usd"], whole), charts.bar(_part(each["micro_usd"], dearest))
        )
        for name, each in rows
    ]


def names(dossier: Dossier, by: str) -> Mapping[str, str]:
    """Say what items are called for people; agents and models are called what they are."""
    return {**dossier.titles, "": "the run itself"} if by == "item" else {}


def plots(items: Sequence[Item]) -> list[Plot]:
    """Plot items with takes; when there are too many, those with the most takes."""
    taken = [item for item in items if item.state and item.state.attempts]
    most = sorted(taken, key=lambda item: -len(item.state.attempts if item.state else ()))[:MOST_PLOTS]
    chosen = {item.shot.key for item in most}
    return [
        Plot(item, charts.scores(item.shot.title, item.state.attempts, THRESHOLD))
        for item in taken
        if item.shot.key in chosen and item.state
    ]


def token_rows(usage: Usage) -> list[TokenRow]:
    """List the tokens by class; thinking is part of the output."""
    rows = [(name.replace("_", " "), kind, getattr(usage, name)) for name, kind in CLASSES]
    return [TokenRow(*row, _part(row[2], usage.total)) for row in rows]


def token_stack(usage: Usage) -> Markup:
    """Draw the tokens by class."""
    return charts.stack([(kind, getattr(usage, name)) for name, kind in CLASSES], "Tokens by class")


def hit_ratio(usage: Usage) -> float:
    """Say which part of what models read came from the cache."""
    return _part(usage.cache_read, usage.prompt)


def words(name: str) -> str:
    """Write a name of the program as words."""
    return STATUS_WORDS.get(name, name.replace("_", " "))


def when(moment: datetime) -> str:
    """Write a moment."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _part(amount: int, whole: int) -> float:
    return amount / whole if whole else 0.0
