"""Batches: many inputs, each a run of its own, so many at once; the batch goes on without this command."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from activities.settings import Settings
from activities.slate_tables import SlateRow
from activities.slates import AGAIN, Entry, Misfit, SlateStore
from console.amounts import amount
from console.batch_inputs import PIPELINES, TYPES, Input, Inputs, Kind, Reader, Wanted
from console.batch_view import Summary, view
from console.errors import Exit, Stopped
from console.follow import follow
from console.runs import Runs
from console.screen import Screen
from console.session import AsJson, finish, good_id, me, open_runs, slug
from console.stores import Stores
from workflows.models import Cap, Patience
from workflows.models.slates import BATCH, SlateOrder

LONGEST_NAME = 30
DIGITS = 10
"""Digits of an input's digest in the id of its run."""
PUTS = 20

Place = Annotated[Path, typer.Argument(metavar="DIR|FILE.jsonl", help="A folder of files, or a JSON document a line.")]
OwnName = Annotated[
    str, typer.Option("--name", metavar="NAME", help="Of the batch; default: that of the folder or file.")
]
Of = Annotated[Kind, typer.Option("--kind", help="What each input is.")]
AtOnce = Annotated[int, typer.Option("--at-once", metavar="N", min=1, max=100, help="How many runs work at once.")]
Tenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose runs these are.")]
TheCap = Annotated[str, typer.Option("--cap", metavar="DOLLARS", help="What the whole batch may cost.")]
Patient = Annotated[Patience | None, typer.Option("--patience", help="batch: calls can wait, for less.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Run the sound inputs; say which were skipped.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Also run again what failed or was cancelled.")]
Detach = Annotated[bool, typer.Option("--detach", help="Do not wait for the end.")]
SummaryFile = Annotated[Path | None, typer.Option("--summary", metavar="FILE", help="Write every run as JSON here.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(batch)


def batch(  # noqa: PLR0913, PLR0917 - each has a default; together they are what a batch has
    place: Place,
    name: OwnName = "",
    kind: Of = "production",
    at_once: AtOnce = 4,
    tenant: Tenant = "default",
    cap: TheCap = "",
    patience: Patient = None,
    skip_bad: SkipBad = False,
    retry_failed: RetryFailed = False,
    detach: Detach = False,
    summary: SummaryFile = None,
    as_json: AsJson = False,
) -> int:
    """Run many inputs, so many at once. The same command again resumes: what has ended is not started twice."""
    screen, settings = Screen(as_json=as_json), Settings()
    named = _good_name(name or slug(place.stem if place.suffix == ".jsonl" else place.resolve().name))
    micro_usd = amount(cap) if cap else None
    caps = (Cap(account=f"{BATCH}{named}", micro_usd=micro_usd),) if micro_usd else ()
    wanted = Wanted(kind, settings.model, tenant, patience, caps)
    slate = SlateRow(name=named, kind=TYPES[kind], tenant=tenant, by=me(), micro_usd=micro_usd)

    async def work() -> int:
        stores = Stores(settings)
        inputs = _checked(Reader(wanted, stores.profiles).read(place), skip_bad=skip_bad)  # before anything is opened
        with stores:
            desk = Desk(await open_runs(settings), stores, screen)
            order = SlateOrder(name=named, pipeline=PIPELINES[kind], tenant=tenant, at_once=at_once)
            await desk.hand_in(slate, inputs.sound, retry_failed=retry_failed)
            await desk.run(order, detach=detach)
            return await desk.sum_up(named, inputs, summary, detach=detach)

    return finish(work())


class Desk:
    """Hands a batch in, has it run, and sums it up."""

    def __init__(self, runs: Runs, stores: Stores, screen: Screen) -> None:
        """Work with these."""
        self._runs, self._stores, self._screen = runs, stores, screen
        self._slates = SlateStore(stores.database)
        self._cap = 0

    async def hand_in(self, slate: SlateRow, inputs: list[Input], *, retry_failed: bool) -> None:
        """Keep all inputs, and what is to be run; whatever was handed in before stays as it is."""
        name, say = slate.name, self._screen.say
        try:
            kept = await self._slates.open(slate)
        except Misfit as error:
            raise Stopped(Exit.CONFLICT, str(error)) from None
        self._cap = kept.micro_usd or 0
        known = {row.input for row in await self._slates.runs(name)}
        fresh = [each for each in inputs if each.digest not in known]
        entries = []
        for start in range(0, len(fresh), PUTS):
            entries += await asyncio.gather(*(self._entry(name, each) for each in fresh[start : start + PUTS]))
        added = await self._slates.hand_in(name, entries)
        again = await self._slates.try_again(name) if retry_failed else 0
        more = f", {again} are tried again" if again else ""
        say(f"Batch [bold]{escape(name)}[/]: {len(inputs)} inputs, {added} of them new{more}")

    async def run(self, order: SlateOrder, *, detach: bool) -> None:
        """Have the batch go on if anything is left to do, and follow it to its end."""
        workflow = f"{BATCH}{order.name}"
        if not (await self._slates.state(order.name)).open:
            return
        await self._runs.go_on(workflow, order.model_copy(update={"micro_usd": self._cap}))
        if detach:
            return
        try:
            await follow(self._runs, workflow, self._screen)
        except asyncio.CancelledError:
            self._screen.say(f"\nThe batch goes on without this command. {_hints(order.name)}")
            raise

    async def sum_up(self, name: str, inputs: Inputs, path: Path | None, *, detach: bool) -> int:
        """Say what became of every run."""
        rows = await self._slates.runs(name)
        running = [row.run for row in rows if row.state == "running"]
        questions = [each for run in running[:PUTS] for each in await self._runs.open_questions(run)]
        summary = Summary.of(name, rows, questions, skipped=inputs.bad, cap_micro_usd=self._cap)
        if path is not None:
            await asyncio.to_thread(_write, path, summary.model_dump_json(indent=2))
        self._screen.show(summary, view(summary, _hints(name) if summary.open else ""))
        failed = any(summary.counts.get(state) for state in AGAIN) or (summary.open and not detach)
        return int(Exit.RUN_FAILED if failed else Exit.OK)

    async def _entry(self, name: str, each: Input) -> Entry:
        order = await each.order(self._stores.assets)
        run = f"{name}.{slug(each.title)[:LONGEST_NAME].strip('-')}.{each.digest[:DIGITS]}"
        return Entry(each.digest, each.place, each.title, run, order.model_dump_json())


def _good_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise Stopped(Exit.USAGE, f"the name of a batch has {LONGEST_NAME} characters at most; give one with --name")
    return good_id(name)


def _checked(inputs: Inputs, *, skip_bad: bool) -> Inputs:
    if inputs.problems and not (skip_bad and inputs.sound):
        bad, of = len(inputs.bad), len(inputs.bad) + len(inputs.sound)
        hint = "" if skip_bad or not inputs.sound else "; --skip-bad runs the others"
        raise Stopped(
            Exit.BAD_FILE, f"{bad} of {of} inputs cannot be used, and nothing was started{hint}", inputs.problems
        )
    return inputs


def _hints(name: str) -> str:
    return (
        f"Follow it: callsheet watch {BATCH}{name} · resume with the same command · "
        f"stop it: callsheet cancel --batch {name} --yes"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{path} cannot be written: {error.strerror}") from None
