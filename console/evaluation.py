"""Evaluations: start them, report on them, compare two, export rates, hold and erase."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from activities.assets import segment
from activities.hiring_records import CandidateFile
from activities.settings import Settings
from console import views
from console.costs import sums
from console.erase import hold, release
from console.errors import Exit, Stopped
from console.evaluation_page import applied_of, render, sheet_of
from console.follow import follow, verdict
from console.looks import EVALUATION
from console.origin import ordered
from console.rates import as_csv, read_groups, tables
from console.reproduced import reproduced
from console.runs import Runs
from console.screen import Screen
from console.session import AsJson, RunId, finish, good_id, new_id, open_runs
from console.stores import Stores
from console.vacancies import Filed, vacancies
from workflows.models import Patience
from workflows.models.hiring import EvaluationOrder
from workflows.models.rubrics import Docket

OUT = Path("out")

Place = Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A vacancy, or a folder with one or with several.")]
OwnId = Annotated[str, typer.Option("--id", metavar="ID", help="Id of the run; default: made from its title.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow it until everybody is decided about.")]
Patient = Annotated[Patience | None, typer.Option("--patience", help="batch: calls can wait, for less.")]
Groups = Annotated[Path | None, typer.Option("--groups", metavar="CSV", help="Who named which group; kept nowhere.")]
File = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write it.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="A second run over the same vacancy.")]


def add(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Look at evaluations of candidates, from the records.", no_args_is_help=True)
    for command in (page, rates, compare, notices, hold, release):
        group.command()(command)
    app.add_typer(group, name="evaluation")


def start(
    place: Place, own_id: OwnId = "", wait: Wait = False, patience: Patient = None, as_json: AsJson = False
) -> int:
    """Start the evaluation of everybody who applied. A person decides about each of them."""
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> int:
        found = [Filed(each) for each in vacancies(place)]  # before anything is opened
        if own_id and len(found) > 1:
            raise Stopped(Exit.USAGE, f"{place} holds {len(found)} vacancies; --id names one run")
        with Stores(settings) as stores:
            runs = await open_runs(settings)
            started = [
                await begin(stores, runs, filed, own_id, settings.model, screen, patience or "now") for filed in found
            ]
        return await _started(runs, started, screen, wait=wait)

    return finish(work())


async def begin(
    stores: Stores, runs: Runs, filed: Filed, own_id: str, model: str, screen: Screen, patience: Patience = "now"
) -> str:
    """Hand a vacancy in and start its run; returns the id."""
    vacancy = filed.vacancy
    if problem := await stores.hiring_desk.frozen(vacancy.role):
        raise Stopped(Exit.BAD_FILE, f"{filed.path}: role.version: {problem}")
    run = good_id(own_id or new_id(vacancy.title))
    docket = await filed.hand_in(stores.assets)
    order = EvaluationOrder(docket=docket, title=vacancy.title, model=model, patience=patience)
    with ordered(EVALUATION, run, screen, os.environ) as traceparent:
        await runs.start(EVALUATION, run, order.model_copy(update={"traceparent": traceparent}), vacancy.title)
    return run


def page(run: RunId, groups: Groups = None, out: File = None, as_json: AsJson = False) -> None:
    """Write a self-contained page: everybody, the evidence, the doubts, the decisions. Needs no server."""
    screen = Screen(as_json=as_json)
    path = out or OUT / segment(run) / "evaluation.html"

    async def work() -> None:
        with Stores(Settings()) as stores:
            await write_page(stores, run, path, groups=groups)
        screen.show({"id": run, "page": str(path)}, escape(str(path)))

    finish(work())


async def write_page(
    stores: Stores, run: str, path: Path, *, model: str = "", groups: Path | None = None, sample: bool = False
) -> None:
    """Write the page of a run."""
    files = await read_files(stores, run)
    docket = Docket.model_validate_json(await stores.assets.get(files[0].docket))
    named = _groups(groups) if groups else None
    told = model or next((file.state.evaluation.model for file in files if file.state and file.state.evaluation), "")
    cost = sums(await stores.records.costs(run))["total"]["micro_usd"]
    sheet = sheet_of(run, docket, files, model=told, micro_usd=cost, groups=named, sample=sample)
    await asyncio.to_thread(_write, path, render(sheet))


def rates(run: RunId, groups: Groups = None, out: File = None, as_json: AsJson = False) -> None:
    """Export selection rates, scoring rates and impact ratios by group, with intervals. What an auditor starts from."""
    screen = Screen(as_json=as_json)
    if groups is None:
        raise Stopped(Exit.USAGE, "say with --groups which file holds the groups that candidates named")
    named = _groups(groups)

    async def work() -> None:
        with Stores(Settings()) as stores:
            found = tables(applied_of(await read_files(stores, run), named))
        if out is not None:
            await asyncio.to_thread(_write, out, as_csv(found))
        lines = [
            {
                "measure": table.measure,
                "group": rate.group,
                "n": rate.applicants,
                "rate": f"{100 * (rate.rate or 0):.0f} %",
                "95 %": f"{100 * (rate.low or 0):.0f} to {100 * (rate.high or 0):.0f} %",
                "ratio": "-" if rate.ratio is None else f"{rate.ratio:.2f}{' below 0.80' * rate.flagged}",
                "caveat": rate.caveat,
            }
            for table in found
            for rate in table.rates
        ]
        screen.show([table.model_dump() for table in found], views.rows(lines, right=("n", "rate")))

    finish(work())


def compare(run: RunId, other: Other, as_json: AsJson = False) -> None:
    """Compare two runs over the same vacancy: what moved, though nothing went in that was new."""
    screen = Screen(as_json=as_json)

    async def work() -> None:
        with Stores(Settings()) as stores:
            found = reproduced(await read_files(stores, run), await read_files(stores, other))
        lines = [
            {
                "candidate": each.key,
                "input": "same" if each.same_input else "differs",
                "total": " → ".join("none" if total is None else str(total) for total in each.totals),
                "standing": " → ".join(dict.fromkeys(each.standings)),
                "moved": "; ".join((*each.scores, *each.evidence, *each.flags)) or "nothing",
            }
            for each in found.candidates
        ]
        number = len(found.candidates)
        screen.say(f"{found.unmoved} of {number} came to the very same; totals moved by at most {found.widest}.")
        data = found.model_dump() | {"unmoved": found.unmoved, "widest": found.widest}
        screen.show(data, views.rows(lines, fold=("moved",)))

    finish(work())


def notices(run: RunId, as_json: AsJson = False) -> None:
    """Print the notices that are due to candidates; they are drafts for counsel, and name nobody."""
    screen = Screen(as_json=as_json)

    async def work() -> None:
        with Stores(Settings()) as stores:
            files = await read_files(stores, run)
        data = {file.key: file.notices for file in files}
        parts = [
            f"[bold]{file.key} · {kind}[/]\n{escape(text)}\n" for file in files for kind, text in file.notices.items()
        ]
        screen.show(data, "\n".join(parts))

    finish(work())


async def read_files(stores: Stores, run: str) -> tuple[CandidateFile, ...]:
    """Read everybody of a run; an unknown one is an error."""
    files = await stores.hiring.of_run(run)
    if not files:
        raise Stopped(Exit.UNKNOWN_ID, f"there is no evaluation {run}")
    return files


async def _started(runs: Runs, started: list[str], screen: Screen, *, wait: bool) -> int:
    if not wait:
        lines = "\n".join(f"Started [bold]{run}[/]. Follow it with: callsheet watch {run}" for run in started)
        screen.show([{"id": run} for run in started] if len(started) > 1 else {"id": started[0]}, lines)
        return int(Exit.OK)
    codes = []
    for run in started:
        screen.say(f"Started [bold]{run}[/]")
        seen = await follow(runs, run, screen)
        screen.show(seen, views.look(seen))
        codes.append(int(verdict(seen)))
    return max(codes)


def _groups(path: Path) -> dict[str, dict[str, str]]:
    try:
        return read_groups(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Stopped(Exit.BAD_FILE, f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Stopped(Exit.BAD_FILE, f"{path}: {error}") from None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
