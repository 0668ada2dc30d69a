"""Reading afterwards: trace, transcript, cost. All of it comes from the durable records."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape
from rich.text import Text

from activities.records import LogEntry
from activities.settings import Settings
from activities.span_watch import NotTaken, Spans
from activities.telemetry import Telemetry
from console import views
from console.costs import Sum, sums
from console.errors import Exit, Stopped, one_line
from console.screen import Screen, dollars
from console.session import AsJson, RunId, finish
from console.stores import Stores

Summary = Annotated[bool, typer.Option("--summary", help="Calls, errors, average and p95 latency of each tool.")]
Otlp = Annotated[bool, typer.Option("--otlp", help="Export its spans again, to where OTEL_* says; ids stay.")]
TOKENS = ("input", "output", "thinking", "cache_read", "cache_write")
NUMBERS = ("turn", "ms", "calls", "errors", "average_ms", "p95_ms", *TOKENS, "cost")
WHOLE = ("time", "agent", "turn", "action", "ms", "cost")
"""Columns of the trace that are never cut."""
TOLD = ("kind", "choice", "by", "note", "tool_name", "error", "text", "tool_input", "tool_output", "thinking", "stop")
"""What a line of the trace says of an entry, in this order."""


def add(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(trace)
    app.command()(transcript)
    app.command()(cost)


def trace(run: RunId, summary: Summary = False, otlp: Otlp = False, as_json: AsJson = False) -> None:
    """List every model call, tool call, result, ruling and decision of a run, in order."""
    screen = Screen(as_json=as_json)

    async def work() -> None:
        with Stores(Settings()) as stores:
            entries = await stores.records.entries(run)
            _known(run, entries)
            if otlp:
                screen.show(*await _export(stores, run))
            elif summary:
                tools = await stores.records.tool_summary(run)
                screen.show(tools, views.rows([dict(tool) for tool in tools], right=NUMBERS))
            else:
                screen.show(entries, _story(entries))

    finish(work())


def transcript(run: RunId, as_json: AsJson = False) -> None:
    """Print the conversations of a run word for word, also what the model no longer reads."""
    screen = Screen(as_json=as_json)

    async def work() -> None:
        with Stores(Settings()) as stores:
            talks = await stores.records.transcript(run)
            _known(run, talks)
            screen.show(talks, Group(*(_talk(talk) for talk in talks)))

    finish(work())


def cost(run: RunId, as_json: AsJson = False) -> None:
    """Sum up what a run cost, by agent, item and model: failed attempts, compactions and judges are part of it."""
    screen = Screen(as_json=as_json)

    async def work() -> None:
        with Stores(Settings()) as stores:
            lines = await stores.records.costs(run)
            _known(run, lines)
            found = sums(lines)
            parts = [
                views.rows([_priced(by, name, each) for name, each in found[f"by_{by}"].items()], right=NUMBERS)
                for by in ("agent", "item", "model")
            ]
            total = views.rows([_priced("total", "", found["total"])], right=NUMBERS)
            screen.show({"id": run, **found}, Group(*(line for part in (*parts, total) for line in (part, ""))))

    finish(work())


async def _export(stores: Stores, run: str) -> tuple[dict[str, Any], str]:
    """Export a run's spans again: those that a killed worker still had, or all, to a backend that is new."""
    telemetry = Telemetry.of_spans()
    if not telemetry.traces:
        raise Stopped(
            Exit.MISSING, "nothing says where to: set OTEL_EXPORTER_OTLP_ENDPOINT, e.g. http://localhost:4318"
        )
    spans = Spans(telemetry, Settings())
    try:
        number = await stores.database.read(lambda session: sum(spans.again(session, run)))
    except NotTaken:
        raise Stopped(Exit.UNREACHABLE, f"the spans of {run} were not taken: does the collector run?") from None
    finally:
        telemetry.close()
    return {"id": run, "spans": number}, f"Exported {number} spans of [bold]{escape(run)}[/]"


def _known(run: str, found: Iterable[object]) -> None:
    if not list(found):
        raise Stopped(Exit.UNKNOWN_ID, f"nothing is recorded for {run}")


def _priced(by: str, name: str, each: Sum) -> dict[str, Any]:
    label = name or ("(the run itself)" if by == "item" else "")
    unknown = {"of unknown cost": each["unknown"]} if each["unknown"] else {}
    price = {"cost": dollars(each["micro_usd"])}
    return {by: label, "calls": each["calls"], **each["usage"].model_dump(), **price, **unknown}


def _story(entries: Iterable[LogEntry]) -> Group:
    """Tell a run item by item, each in the order of time."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        item = entry["workflow_id"].partition(":")[2] or entry["data"].get("item", "")
        lines.setdefault(item, []).append(_line(entry))
    parts = [
        (f"\n[bold]{escape(item or 'the run itself')}", views.rows(told, NUMBERS, whole=WHOLE))
        for item, told in lines.items()
    ]
    return Group(*(line for part in parts for line in part))


def _line(entry: LogEntry) -> dict[str, Any]:
    data = entry["data"]
    price = data.get("cost_usd")
    return {
        "time": f"{entry['timestamp']:%H:%M:%S}",
        "agent": entry["agent_name"],
        "turn": entry["turn"] or "",
        "action": entry["action"],
        "what": _what(data),
        "ms": round(data["latency_ms"]) if data.get("latency_ms") else "",
        "cost": f"${price:.4f}" if price else "",
    }


def _what(data: Mapping[str, Any]) -> str:
    return one_line(" ".join(str(data[name]) for name in TOLD if data.get(name)), 140)


def _talk(talk: Mapping[str, Any]) -> Group:
    head = f"\n[bold]{escape(talk['agent'])}[/] {escape(talk['item'])} [dim]{escape(talk['conversation'])}"
    said = [Text.assemble((f"{each['role']}: ", "bold cyan"), _said(each["content"])) for each in talk["messages"]]
    cuts = [f"[dim]at message {cut['position']} the middle was replaced by a summary[/]" for cut in talk["cuts"]]
    return Group(head, *said, *cuts)


def _said(content: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(_block(block) for block in content)


def _block(block: Mapping[str, Any]) -> str:
    match block.get("type"):
        case "text":
            return str(block.get("text", ""))
        case "thinking":
            return f"(thinks) {block.get('thinking', '')}"
        case "tool_use":
            return f"→ {block.get('name')} {json.dumps(block.get('input'), ensure_ascii=False)}"
        case "tool_result":
            return f"← {json.dumps(block.get('content'), ensure_ascii=False)}"
        case "image":
            return f"(image {block.get('source', {}).get('digest', '')})"
        case other:
            return f"({other})"
