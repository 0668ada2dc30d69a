"""The report: what a run did, cost and decided, as one page, from the durable records alone."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from activities.assets import segment
from activities.database import now
from activities.people import Told
from activities.settings import Settings
from console.archive import Archive, waits
from console.costs import sums
from console.dossier import Dossier, Item, asked_of
from console.errors import Exit, Stopped
from console.report_page import render
from console.screen import Screen
from console.session import AsJson, RunId, finish
from console.stores import Stores
from workflows.models import Notice

OUT = Path("out")

File = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: out/ID/report.html.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(report)


def report(run: RunId, out: File = None, as_json: AsJson = False) -> None:
    """Write a page about a run: timeline, costs, scores, tokens, tools, decisions, errors. Needs no server."""
    screen = Screen(as_json=as_json)
    path = out or OUT / segment(run) / "report.html"

    async def work() -> None:
        with Stores(Settings()) as stores:
            page = render(await gather(stores, run), now())
        await asyncio.to_thread(_write, path, page)
        screen.show({"id": run, "report": str(path)}, escape(str(path)))

    finish(work())


async def gather(stores: Stores, of: str) -> Dossier:
    """Read everything that is kept of a run, or of one item of it.

    Raises:
        Stopped: nothing is recorded under this id.
    """
    archive = Archive(stores.database, of)
    head = await archive.head()
    if head is None:
        raise Stopped(Exit.UNKNOWN_ID, f"nothing is recorded for {of}")
    asked = asked_of([each for each in await Told(stores.database).questions(archive.run) if _about(each, archive)])
    worked = await archive.spans()
    latest = max([head.created_at, *(span.end for span in worked), *(each.question.asked_at for each in asked)])
    spans = (*worked, *waits(asked, latest))
    return Dossier(
        id=of,
        run=archive.run,
        goal=head.contract.partition("\n")[0].removeprefix("Goal: "),
        pipeline=head.pipeline,
        tenant=head.tenant,
        started=min([head.created_at, *(span.start for span in spans)]),
        ended=max([latest, *(span.end for span in spans)]),
        standing=await stores.books.standing(f"item:{of}" if archive.item else f"run:{archive.run}"),
        costs=sums(await stores.records.costs(of)),
        turns=await archive.turns(),
        tools=tuple(await stores.records.tool_summary(of)),
        spans=spans,
        asked=asked,
        rulings=await archive.rulings(),
        errors=await archive.errors(),
        items=await _items(stores, archive),
        answered=await archive.answered(),
    )


async def _items(stores: Stores, archive: Archive) -> tuple[Item, ...]:
    kept = await stores.catalog.items(archive.run)
    return tuple(Item(shot=shot, state=state) for shot, state in kept if archive.item in {"", shot.key})


def _about(notice: Notice, archive: Archive) -> bool:
    return archive.item in {"", notice.question.scope.item}


def _write(path: Path, page: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
