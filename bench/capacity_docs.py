"""The tables of `docs/sizing.md`, from the measured figures and the assumptions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.capacity_actions import __doc__ as counted
from bench.capacity_assumptions import Assumptions, listed
from bench.capacity_bounds import Bound, bounds, cells
from bench.capacity_model import POOLS, Item, Plan, model_usd, plan

PAGE = Path(__file__).parent.parent / "docs" / "sizing.md"
SIZES = (1_000, 100_000, 10_000_000)
KINDS = {
    "image": "an image, first take",
    "refined_image": "an image, four takes and a person",
    "candidate": "a candidate",
}
MB = 1e6
KB = 1e3


def amount(value: float) -> str:
    """Write a number with three digits that count, and no more."""
    if value == 0:
        return "0"
    if abs(value) >= 1_000:  # noqa: PLR2004 - from here on separators help, and decimals do not
        digits = len(str(int(abs(value)))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; all columns but the first are numbers."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'--:|' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def items_of(found: Mapping[str, Any], given: Assumptions) -> dict[str, Item]:
    """Read the kinds of items, and mix what a day of images is made of."""
    kinds = {kind: Item.of(found["postgresql"]["items"][kind]) for kind in KINDS}
    return kinds | {"images": kinds["image"].mixed(kinds["refined_image"], given.refined_share)}


def plans_of(item: Item, found: Mapping[str, Any], given: Assumptions, sizes: Sequence[float] = SIZES) -> list[Plan]:
    """Plan every size."""
    ledger = found["ledger"]
    return [plan(size, item, given, ledger["hold_ms"], ledger["held_statements"]) for size in sizes]


def measured_table(found: Mapping[str, Any], given: Assumptions) -> str:
    """Say what an accepted item takes."""
    items = {kind: Item.of(each) for kind, each in found["postgresql"]["items"].items()}
    columns = [items[kind] for kind in KINDS]
    raw = [found["postgresql"]["items"][kind] for kind in KINDS]
    lite = [found["sqlite"]["items"][kind] for kind in KINDS]

    def row(name: str, values: Iterable[float]) -> list[str]:
        return [name, *map(amount, values)]

    rows = [
        row("items in the run", [each["items"] for each in raw]),
        row("questions to people", [each.questions for each in columns]),
        row("model calls", [each.calls for each in columns]),
        row("tokens read uncached", [each.input for each in columns]),
        row("tokens written to the cache", [each.written for each in columns]),
        row("tokens read from the cache", [each.read for each in columns]),
        row("tokens of output, of the rehearsal", [each.output for each in columns]),
        row("dollars as the ledger has it", [each["micro_usd"] / MB for each in raw]),
        row(f"dollars with {given.output_factor:g} times the output", [model_usd(each, given) for each in columns]),
        row("Temporal: events", [each.events for each in columns]),
        row("Temporal: KB of history", [each.history_bytes / KB for each in columns]),
        row("Temporal: billed actions", [each.actions for each in columns]),
        row("the same by the server's own counter, queries included", [_counted(each) for each in raw]),
        row("rows in the database", [sum(each["rows"].values()) for each in raw]),
        row("PostgreSQL: transactions", [each.commits for each in columns]),
        row("PostgreSQL: KB in tables and indexes", [each.table_bytes / KB for each in columns]),
        row("PostgreSQL: KB of log", [each.wal_bytes / KB for each in columns]),
        row("SQLite: KB in the file", [each["table_bytes"] / KB for each in lite]),
        row("KB of assets", [each.asset_bytes / KB for each in columns]),
        row("KB of telemetry, OTLP uncompressed", [each.telemetry_bytes / KB for each in columns]),
        row("KB of logs", [each.log_bytes / KB for each in columns]),
        *(row(f"CPU ms of {pool}", [getattr(each, f"{pool}_ms") for each in columns]) for pool in POOLS),
        row("CPU ms of the Temporal dev server", [each["cpu_ms"]["temporal"] for each in raw]),
    ]
    return table(["for one accepted item", *KINDS.values()], rows)


def _counted(found: Mapping[str, Any]) -> float:
    """Add up what the server counted; changes of memos it counts too, but the Cloud does not bill them."""
    return sum(count for name, count in found["server_actions"].items() if name != "command_ModifyWorkflowProperties")


def memory_line(found: Mapping[str, Any]) -> str:
    """Say what the processes hold."""
    held = found["postgresql"]["resident_bytes"]
    said = ", ".join(f"{pool} {amount(held[pool] / MB)}" for pool in POOLS)
    ledger, on = found["ledger"], sorted({each["on"] for each in found.values()})
    return (
        f"Measured on {' and '.join(on)}. Memory of a worker afterwards, in MB: {said}; the four held "
        f"{found['postgresql']['connections']} connections to PostgreSQL. The ledger: a call holds the fleet's row for "
        f"{ledger['hold_ms']:g} ms in its two bookings, {ledger['held_statements']:g} statements with their commits; "
        f"{ledger['callers']} callers who did nothing else paid for {ledger['calls_a_second']:g} calls a second."
    )


def needs_table(plans: Sequence[Plan], given: Assumptions) -> str:
    """Say what each size needs."""
    found = [bounds(each, given) for each in plans]
    rows = [
        *([f"pods of {pool}", *(f"{each.pods[pool]:,}" for each in plans)] for pool in POOLS),
        ["model calls under way at the peak", *(amount(each.in_flight) for each in plans)],
        ["items open", *(amount(each.open_items) for each in plans)],
        ["connections at most", *(f"{each.connections:,}" for each in plans)],
        ["transactions a second", *(amount(each.commits_a_second) for each in plans)],
        ["database GB a month", *(amount(each.database_gb) for each in plans)],
        [f"database GB kept for {given.database_days:g} days", *(amount(each.database_gb_kept) for each in plans)],
        ["assets GB a month", *(amount(each.asset_gb) for each in plans)],
        ["telemetry GB a month", *(amount(each.telemetry_gb) for each in plans)],
        ["logs GB a month", *(amount(each.log_gb) for each in plans)],
        ["Temporal actions a month, millions", *(amount(each.actions / MB) for each in plans)],
        ["Temporal actions a second", *(amount(each.actions_a_second) for each in plans)],
        ["requests a minute", *(amount(each.requests_a_minute) for each in plans)],
        ["input tokens a minute, thousands", *(amount(each.input_a_minute / KB) for each in plans)],
        ["output tokens a minute, thousands", *(amount(each.output_a_minute / KB) for each in plans)],
        ["reviewers", *(f"{each.reviewers:,}" for each in plans)],
        ["longest wait for the model, minutes", *(_wait(each) for each in plans)],
        ["cells", *(f"{cells(each):,}" for each in found)],
        ["**model, dollars a month**", *(amount(each.model_usd) for each in plans)],
        ["**Temporal Cloud, dollars a month**", *(amount(each.temporal_usd) for each in plans)],
        [
            f"**assets kept for {given.asset_days:g} days, dollars a month**",
            *(amount(each.asset_usd) for each in plans),
        ],
    ]
    return table(["in the busiest hour, or a month", *(f"{each.items:,.0f} a day" for each in plans)], rows)


def _wait(of: Plan) -> str:
    return "never catches up" if of.model_day.left >= 1 else amount(of.model_day.worst)


def breaks_table(plans: Sequence[Plan], given: Assumptions) -> str:
    """Say what each size asks of every bound, the worst at the largest size in front."""
    by_name = [{bound.name: bound for bound in bounds(each, given)} for each in plans]
    rows = [
        [f"{name}{f', {first.unit}' if (first := by_name[0][name]).unit else ''}", amount(first.there)]
        + [_use(size[name]) for size in by_name]
        for name in by_name[-1]
    ]
    return table(
        ["needed at the peak, in parts of what there is", "there is", *(f"{each.items:,.0f} a day" for each in plans)],
        rows,
    )


def _use(bound: Bound) -> str:
    said = f"{bound.use:.2f}" if bound.use < 10 else amount(bound.use)  # noqa: PLR2004
    return f"**{said}**" if bound.use > 1 else said


def cures(plans: Sequence[Plan], given: Assumptions) -> str:
    """Say for each size what breaks, in its order, and what to do, once."""
    told: set[str] = set()
    parts = []
    for each in plans:
        broken = [bound for bound in bounds(each, given) if bound.use > 1]
        lines = [f"**{each.items:,.0f} a day.** " + ("Nothing breaks." if not broken else f"First {broken[0].name}.")]
        again = [f"{bound.name} ({amount(bound.use)} times)" for bound in broken if bound.cure in told]
        if again:
            lines.append(f"- As above: {', '.join(again)}.")
        for bound in broken:
            if bound.cure not in told:
                lines.append(f"- {bound.name[0].upper()}{bound.name[1:]} ({amount(bound.use)} times): {bound.cure}.")
            told.add(bound.cure)
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def assumptions_table(given: Assumptions) -> str:
    """List what is taken for granted."""
    head = "| name | value | what | from where |\n|---|--:|---|---|\n"
    return head + "\n".join(
        f"| `{each.name}` | {each.value:,.10g} | {each.says} | {each.source} |" for each in listed(given)
    )


def blocks(found: Mapping[str, Any], given: Assumptions) -> dict[str, str]:
    """Write everything that stands between marks on the page."""
    items = items_of(found, given)
    images, candidates = plans_of(items["images"], found, given), plans_of(items["candidate"], found, given)
    return {
        "measured": f"{measured_table(found, given)}\n\n{memory_line(found)}",
        "actions": (counted or "").partition("\n\n")[2].strip(),
        "images": needs_table(images, given),
        "candidates": needs_table(candidates, given),
        "breaks": f"{breaks_table(images, given)}\n\n{cures(images, given)}",
        "assumptions": assumptions_table(given),
    }


def written(page: str, texts: Mapping[str, str]) -> str:
    """Put each text between the marks of its name.

    Raises:
        ValueError: the page has no such marks.
    """
    for name, text in texts.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        page, times = marks.subn(lambda found, text=text: f"{found[1]}\n{text}\n\n{found[2]}", page)
        if times != 1:
            raise ValueError(f"the page has {times} places for {name}, where it should have one")
    return page
