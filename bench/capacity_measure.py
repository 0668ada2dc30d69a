"""Measures what an accepted item takes, on a fleet in small: see `bench.capacity`."""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import case, create_engine, func, select
from temporalio.client import WorkflowExecutionStatus

from activities.ledger_tables import AttemptRow
from bench.capacity_actions import NOTHING, History, read
from bench.capacity_house import ROOT, Fleet, House, Snapshot
from bench.history import chain_of
from console.evaluation import begin
from console.runs import PRODUCTION, Runs
from console.screen import Screen
from console.session import runs_of
from console.stores import Stores
from console.vacancies import Filed, vacancies
from workflows.models import Decision, RunOrder
from workflows.terms import DEFAULT_MODEL

PATIENCE = 1_800.0
BEAT = 0.5
HEAD = "title: {title}\nmodel: Ama\nguidelines:\n  brand: Fern & Thread\nproducts:\n"
PRODUCT = "  - id: {name}\n    title: {name}\n    garment: {garment}\n    fabric: linen\n    colours: [{colours}]\n"
TAIL = "venues:\n  - profile: amazon.main\n    views: [front]\nbudget:\n  run_usd: 20.00\n  item_usd: 1.00\n"
GOOD = ("#1f2a44", "#a8452e", "#24513a", "#5b2a5e", "#7a3b1d")
"""Colours that pass the gate at the first take; an optic white one is refined three times, and a person decides."""
Work = Callable[[House, Runs, Stores, str], Awaitable[int]]


def brief(title: str, items: int, *, white: bool = False) -> bytes:
    """Write a brief of so many images, all of which pass at once, or none of which ever does."""
    text = HEAD.format(title=title)
    colours = ("#f8f8f6",) if white else GOOD
    for number in range(0, items, len(colours)):
        part = colours[: items - number]
        written = ", ".join(f'{{ name: colour {n}, hex: "{each}" }}' for n, each in enumerate(part))
        garment = "tee" if white else "dress"
        text += PRODUCT.format(name=f"{garment}-{number}", garment=garment, colours=written)
    return (text + TAIL).encode()


def shoot(items: int, *, white: bool = False) -> Work:
    """Produce so many images, and approve those that a person is asked about."""

    async def work(house: House, runs: Runs, stores: Stores, run: str) -> int:
        digest = await stores.assets.put(brief(run, items, white=white))
        await runs.start(PRODUCTION, run, RunOrder(brief=digest, title=run, model=DEFAULT_MODEL), run)
        return await approve_all(house, runs, run)

    return work


async def evaluate(house: House, runs: Runs, stores: Stores, run: str) -> int:
    """Evaluate the sample candidates, and decide about each as the system would."""
    filed = Filed(vacancies(ROOT / "samples" / "evaluation" / "backend-engineer")[0])
    await begin(stores, runs, filed, run, DEFAULT_MODEL, Screen(as_json=True))
    return await approve_all(house, runs, run)


async def approve_all(house: House, runs: Runs, run: str) -> int:
    """Answer every question with its first option until the run ends; returns how many there were."""
    answered, end, handle = set(), time.monotonic() + PATIENCE, house.client.get_workflow_handle(run)
    while (await handle.describe()).status == WorkflowExecutionStatus.RUNNING:
        if time.monotonic() > end:
            raise RuntimeError(f"{run} did not end")
        for each in await runs.open_questions(run):
            if each.question.id not in answered:
                answered.add(each.question.id)
                chosen = Decision(
                    choice=each.question.options[0],
                    by="Vera",
                    note="Seen.",
                    question=each.question.id,
                    digest=each.question.digest,
                )
                await runs.decide(each.id, chosen)
        await asyncio.sleep(BEAT)
    if (status := (await handle.describe()).status) != WorkflowExecutionStatus.COMPLETED:
        raise RuntimeError(f"{run} ended as {status}")
    return len(answered)


async def histories(house: House, run: str) -> History:
    """Add up the histories of a run and of all that it started."""
    total = NOTHING
    ids = [each.id async for each in house.client.list_workflows(f"CallsheetRun = '{run}'")]
    for name in {run, *ids}:
        first = [each async for each in house.client.list_workflows(f"WorkflowId = '{name}'")]
        handle = house.client.get_workflow_handle(name, first_execution_run_id=first[-1].run_id)
        async for events in chain_of(house.client, handle):
            total += read(events)
    return total


def calls(url: str, run: str) -> dict[str, int]:
    """Add up what the ledger has of a run: attempts, tokens by class, micro-dollars."""
    thought = func.sum(case((AttemptRow.state == "billed", 1), else_=0))
    names = ("input", "output", "thinking", "cache_read", "write_5m", "write_1h", "micro_usd")
    sums = [func.coalesce(func.sum(getattr(AttemptRow, name)), 0) for name in names]
    where = AttemptRow.conversation.startswith(run)
    engine = create_engine(url)
    with engine.connect() as connection:
        row = connection.execute(select(thought, *sums).where(where)).one()
    engine.dispose()
    return dict(zip(("calls", *names), map(int, row), strict=True))


async def measured(house: House, runs: Runs, stores: Stores, run: str, items: int, work: Work) -> dict[str, Any]:
    """Do one piece of work and say what each item took."""
    before = await house.look()
    questions = await work(house, runs, stores, run)
    after, history = await house.look(), await histories(house, run)
    spent = calls(house.url, run)
    return {"items": items, "questions": questions / items, **_per_item(before, after, history, spent, items)}


def _per_item(
    before: Snapshot, after: Snapshot, history: History, spent: Mapping[str, int], items: int
) -> dict[str, Any]:
    plain = ("table_bytes", "commits", "wal_bytes", "asset_bytes", "asset_files", "telemetry_bytes", "log_bytes")
    seconds = {name: after.cpu[name] - before.cpu[name] for name in after.cpu}
    return {
        "events": round(history.events / items, 1),
        "history_bytes": round(history.bytes / items),
        "actions": {name: round(count / items, 2) for name, count in sorted(history.actions.items())},
        "server_actions": _less(after.actions, before.actions, items),
        **{name: round(count / items, 2) for name, count in spent.items()},
        "rows": _less(after.rows, before.rows, items),
        **{name: round((getattr(after, name) - getattr(before, name)) / items, 1) for name in plain},
        "cpu_ms": {name: round(each * 1_000 / items, 1) for name, each in seconds.items()},
    }


def _less(after: Mapping[str, float], before: Mapping[str, float], items: int) -> dict[str, float]:
    grown = Counter(after)
    grown.subtract(before)
    return {name: round(count / items, 2) for name, count in sorted(grown.items()) if count}


async def measure_items(*, postgres: bool, images: int, refined: int, candidates: int) -> dict[str, Any]:
    """Measure the three kinds of items on one database; what is loaded at the first use is no item's."""
    works: dict[str, tuple[int, Work]] = {
        "image": (images, shoot(images)),
        "refined_image": (refined, shoot(refined, white=True)),
        "candidate": (candidates, evaluate),
    }
    with tempfile.TemporaryDirectory(prefix="callsheet-capacity-") as name:
        async with Fleet(Path(name), postgres=postgres) as house:
            runs = runs_of(house.client, house.settings)
            with Stores(house.settings) as stores:
                await shoot(2)(house, runs, stores, "warm-up")
                items = {
                    kind: await measured(house, runs, stores, kind.replace("_", "-"), number, work)
                    for kind, (number, work) in works.items()
                }
            return {
                "items": items,
                "resident_bytes": house.resident(),
                "connections": house.connections(),
            }


def keep(path: Path, part: str, found: Mapping[str, Any]) -> None:
    """Write one part of the figures, with today's date; the others stay."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[part] = {"on": f"{datetime.now(UTC):%Y-%m-%d}", **found}
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
