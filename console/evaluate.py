"""The command `eval`: run a suite, say what came of it with confidence intervals, and compare with the last time."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from temporalio.client import Client

from activities.candidate_papers import CandidatePapers
from activities.connection import connect, connect_to
from activities.database import now
from activities.settings import Settings
from console.errors import Exit
from console.evals.figures import Interval
from console.evals.hiring import Vacancies
from console.evals.results import COST, Change, Results, Shelf, Trial, changes, shortfalls, summary
from console.evals.suites import Suite, read_suite
from console.evals.targets import target
from console.evals.trials import Trials
from console.screen import Screen, dollars
from console.session import AsJson, finish
from console.stack import Stack
from console.stores import Stores

File = Annotated[
    Path, typer.Argument(metavar="SUITE", help="A suite in YAML or JSON, e.g. evals/image-production.yaml.")
]
Model = Annotated[str, typer.Option("--model", metavar="MODEL", help="Asked in the place of each agent's own model.")]
Repetitions = Annotated[int | None, typer.Option("--repetitions", "-n", min=1, max=1_000, help="Trials of each case.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command("eval")(evaluate)


def evaluate(suite: File, model: Model = "", repetitions: Repetitions = None, as_json: AsJson = False) -> int:
    """Run a suite of cases against a pipeline; the exit code is for CI."""
    settings, screen = Settings(), Screen(as_json=as_json)
    read = read_suite(suite)
    if repetitions:
        read = read.model_copy(update={"repetitions": repetitions})
    return finish(_evaluate(settings, screen, read, model, suite.parent))


async def _evaluate(settings: Settings, screen: Screen, suite: Suite, model: str, at: Path) -> int:
    stores = Stores(settings)
    vacancies = Vacancies(stores.assets, stores.hiring, CandidatePapers(stores.database, stores.assets), at)
    aim = target(suite, model, stores.assets, stores.profiles, vacancies)  # before anything is started
    shelf = Shelf(settings.home)
    with stores:
        async with _reached(settings, screen, own=aim.own) as reached:

            async def costs(run: str) -> int:
                return sum(line["micro_usd"] for line in await stores.records.costs(run))

            trials = Trials(reached.client, settings.task_queue, suite, aim, costs)
            done = await trials.run(lambda trial: screen.say(_heard(trial)))
        results = Results(
            suite=suite.name,
            model=model or settings.model,
            played_by=reached.model,
            at=now(),
            pass_rate=suite.pass_rate,
            trials=tuple(done),
            left_out=trials.left_out,
        )
    return _conclude(screen, results, shelf)


@dataclass(frozen=True)
class Reached:
    """A server with a worker, and what replies where it is ours."""

    client: Client
    model: str = ""


@asynccontextmanager
async def _reached(settings: Settings, screen: Screen, *, own: bool) -> AsyncIterator[Reached]:
    """Reach the server that the environment names, or the stack of this home; else start one for the while."""
    stack = Stack(settings)
    running = stack.find()
    if running is not None:
        yield Reached(await connect_to(running.address), running.model)
    elif own or any(name.startswith("TEMPORAL_") and name != "TEMPORAL_CONFIG_FILE" for name in os.environ):
        yield Reached(await connect())
    else:
        started, _ = await stack.up("demo", say=lambda text: screen.say(f"[dim]{text}"))
        try:
            yield Reached(await connect_to(started.address), started.model)
        finally:
            screen.say("[dim]Stopping the stack")
            stack.down()


def _conclude(screen: Screen, results: Results, shelf: Shelf) -> int:
    before = shelf.last(results.suite)
    path = shelf.keep(results)
    changed = list(changes(results, before)) if before else []
    wrong = shortfalls(results, before)
    data = {
        "suite": results.suite,
        "model": results.model,
        "played_by": results.played_by,
        "figures": {name: interval.model_dump() for name, interval in summary(results)},
        "changes": {each.name: {**each.interval.model_dump(), "word": each.word} for each in changed},
        "compared_with": before.at if before else None,
        "trials": [trial.model_dump(mode="json") | {"passed": trial.passed} for trial in results.trials],
        "shortfalls": wrong,
        "kept": str(path),
    }
    screen.show(data, _view(results, before, changed, wrong))
    return int(Exit.RUN_FAILED if wrong else Exit.OK)


def _view(results: Results, before: Results | None, changed: list[Change], wrong: list[str]) -> RenderableType:
    by = f" [dim]({escape(results.played_by)})" if results.played_by else ""
    head = f"[bold]{results.suite}[/] on {escape(results.model)}{by}"
    parts: list[RenderableType] = ["", head, _cases(results), "", _figures(results, changed)]
    if before is not None:
        other = f" on {before.model}" if before.model != results.model else ""
        parts.append(f"[dim]compared with {before.at:%Y-%m-%d %H:%M} UTC{escape(other)}; intervals hold 95 %")
    parts += [f"[red]![/] {escape(each)}" for each in wrong]
    return Group(*parts)


def _cases(results: Results) -> Table:
    table = _table("case", "passed", "95 %", "cost each", "first miss")
    for case in results.cases:
        only = results.of(case)
        passed, of = only.score
        interval = dict(summary(only))["pass-rate"]
        miss = next((miss for trial in only.trials for miss in trial.misses), "")
        cost = dollars(only.micro_usd // of)
        table.add_row(case, f"{passed} of {of}", f"{interval.low:.0%} to {interval.high:.0%}", cost, escape(miss))
    return table


def _figures(results: Results, changed: list[Change]) -> Table:
    table = _table("figure", "value", "95 %", "change", "")
    known = {each.name: each for each in changed}
    for name, interval in summary(results):
        write = _percent if name == "pass-rate" else _dollars if name == COST else _number
        change = known.get(name)
        moved = (_signed(write, change.interval), change.word) if change else ("", "")
        table.add_row(name, write(interval.value), f"{write(interval.low)} to {write(interval.high)}", *moved)
    table.add_row("cost altogether", dollars(results.micro_usd), "", "", "")
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _heard(trial: Trial) -> str:
    glyph = "[green]✓[/]" if trial.passed else "[red]✗[/]"
    why = "" if trial.passed else f"  [dim]{escape(trial.misses[0])}"
    return f"{glyph} {trial.case}  [dim]{trial.run}[/]  {dollars(trial.micro_usd)}{why}"


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _dollars(value: float) -> str:
    return f"${value:.4f}"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _signed(write: Callable[[float], str], interval: Interval) -> str:
    return f"{'-' if interval.value < 0 else '+'}{write(abs(interval.value))}"
