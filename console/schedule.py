"""Schedules: runs that start by the clock, whatever `start` can start. Each is checked when it is created."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from temporalio.client import ScheduleOverlapPolicy

from activities.settings import Settings
from console import views
from console.batch_inputs import TYPES, Kind, Reader, Source, Wanted
from console.durations import duration
from console.errors import Exit, Stopped
from console.schedules import Plan, Schedules
from console.screen import Screen, plain
from console.session import AsJson, finish, good_id, open_client
from console.stores import Stores
from workflows.models import Patience
from workflows.models.scheduled import ScheduledOrder

Overlap = Literal["skip", "buffer-one", "buffer-all", "cancel-other", "terminate-other", "allow-all"]
OVERLAPS: dict[Overlap, ScheduleOverlapPolicy] = {
    "skip": ScheduleOverlapPolicy.SKIP,
    "buffer-one": ScheduleOverlapPolicy.BUFFER_ONE,
    "buffer-all": ScheduleOverlapPolicy.BUFFER_ALL,
    "cancel-other": ScheduleOverlapPolicy.CANCEL_OTHER,
    "terminate-other": ScheduleOverlapPolicy.TERMINATE_OTHER,
    "allow-all": ScheduleOverlapPolicy.ALLOW_ALL,
}
LONGEST_NAME = 60

Name = Annotated[str, typer.Argument(metavar="NAME", help="The schedule.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A brief, an order, or a vacancy: what `start` takes.")]
Of = Annotated[Kind, typer.Option("--kind", help="What the file is.")]
Cron = Annotated[
    list[str] | None, typer.Option("--cron", metavar="'M H D M W'", help="When; may be given several times.")
]
Every = Annotated[str, typer.Option("--every", metavar="TIME", help="Instead, or as well: how often, e.g. 6h or 15m.")]
Zone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Of --cron, e.g. Europe/Berlin; default: UTC.")]
Jitter = Annotated[str, typer.Option("--jitter", metavar="TIME", help="Start up to so much later, by chance.")]
Overlapping = Annotated[Overlap, typer.Option("--overlap", help="What to do while the run before is still going.")]
Catchup = Annotated[str, typer.Option("--catchup", metavar="TIME", help="How late a missed start is made up for.")]
Stop = Annotated[bool, typer.Option("--pause-on-failure", help="Pause the schedule when a run fails.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; shown with the schedule.")]
Tenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose runs these are.")]
Patient = Annotated[Patience | None, typer.Option("--patience", help="batch: calls can wait, for less.")]
Since = Annotated[str, typer.Option("--from", metavar="MOMENT", help="In ISO 8601, e.g. 2026-11-01T00:00:00Z.")]
Until = Annotated[str, typer.Option("--to", metavar="MOMENT", help="In ISO 8601.")]


def add(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Start runs by the clock.", no_args_is_help=True)
    for command in (create, show, pause, resume, trigger, backfill, delete):
        group.command()(command)
    group.command("list")(list_all)
    app.add_typer(group, name="schedule")


def create(  # noqa: PLR0913, PLR0917 - each has a default; together they are what a schedule has
    name: Name,
    file: File,
    kind: Of = "production",
    cron: Cron = None,
    every: Every = "",
    timezone: Zone = "",
    jitter: Jitter = "",
    overlap: Overlapping = "skip",
    catchup: Catchup = "1h",
    pause_on_failure: Stop = False,
    note: Note = "",
    tenant: Tenant = "default",
    patience: Patient = None,
    as_json: AsJson = False,
) -> None:
    """Create a schedule. Its file is read, checked and kept now: what changes in it later changes no run."""
    screen, settings = Screen(as_json=as_json), Settings()
    if not (cron or every):
        raise Stopped(Exit.USAGE, "say when: --cron '0 6 * * 1-5', or --every 6h")
    plan = Plan(
        crons=tuple(cron or ()),
        every=duration("--every", every) if every else None,
        zone=timezone,
        jitter=duration("--jitter", jitter) if jitter else None,
        overlap=OVERLAPS[overlap],
        catchup=duration("--catchup", catchup),
        pause_on_failure=pause_on_failure,
        note=note,
    )
    wanted = Wanted(kind, settings.model, tenant, patience)
    finish(_create(screen, settings, _good_name(name), Source(file), wanted, plan))


async def _create(screen: Screen, settings: Settings, name: str, source: Source, wanted: Wanted, plan: Plan) -> None:
    stores = Stores(settings)
    read = Reader(wanted, stores.profiles).read_one(source)
    with stores:
        schedules = Schedules(await open_client(settings), settings.task_queue)
        body = (await read.order(stores.assets)).model_dump(mode="json")
        await schedules.create(
            ScheduledOrder(schedule=name, kind=TYPES[wanted.kind], title=read.title, order=body), plan
        )
        seen = await schedules.look(name)
    following = f" Next: {seen.next[0]:%Y-%m-%d %H:%M:%S} UTC." if seen.next else ""
    screen.show(seen, f"Created [bold]{escape(name)}[/].{following} Look at it with: callsheet schedule show {name}")


def list_all(as_json: AsJson = False) -> None:
    """List the schedules."""
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> None:
        found = await Schedules(await open_client(settings), settings.task_queue).every()
        lines = [
            {
                "schedule": each.id,
                "kind": each.kind,
                "when": each.when,
                "next": f"{each.next[0]:%Y-%m-%d %H:%M:%S} UTC" if each.next and not each.paused else "-",
                "state": "paused" if each.paused else "on",
                "note": each.note,
            }
            for each in found
        ]
        screen.show(found, views.rows(lines, fold=("when", "note")) if lines else "There is no schedule.")

    finish(work())


def show(name: Name, as_json: AsJson = False) -> None:
    """Show a schedule: when it starts what, its last runs and its next ones."""
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> None:
        seen = await Schedules(await open_client(settings), settings.task_queue).look(name)
        data = plain(seen)
        lines = [f"[bold]{key.replace('_', ' ')}[/]  {escape(_said(value))}" for key, value in data.items() if value]
        screen.show(seen, "\n".join(lines))

    finish(work())


def pause(name: Name, note: Note = "", as_json: AsJson = False) -> None:
    """Pause a schedule: it starts nothing until it is resumed. Runs that are under way go on."""
    _do(name, as_json, "Paused", lambda schedules: schedules.pause(name, note))


def resume(name: Name, note: Note = "", as_json: AsJson = False) -> None:
    """Resume a schedule."""
    _do(name, as_json, "Resumed", lambda schedules: schedules.resume(name, note))


def trigger(name: Name, as_json: AsJson = False) -> None:
    """Start a run of a schedule now, besides those that are due."""
    _do(name, as_json, "Triggered", lambda schedules: schedules.trigger(name))


def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete a schedule. Its runs stay, and go on."""
    _do(name, as_json, "Deleted", lambda schedules: schedules.delete(name))


def backfill(
    name: Name, since: Since, until: Until, overlap: Overlapping = "buffer-all", as_json: AsJson = False
) -> None:
    """Start the runs that would have been due between two moments, by default one after the other."""
    first, last = _moment("--from", since), _moment("--to", until)
    if not first < last <= datetime.now(UTC) + timedelta(minutes=1):
        raise Stopped(Exit.USAGE, "--from has to be before --to, and --to is not in the future")
    _do(name, as_json, "Backfills", lambda schedules: schedules.backfill(name, first, last, OVERLAPS[overlap]))


def _do(name: str, as_json: bool, word: str, act: Callable[[Schedules], Awaitable[None]]) -> None:
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> None:
        await act(Schedules(await open_client(settings), settings.task_queue))
        screen.show({"schedule": name, "done": word.lower()}, f"{word}: [bold]{escape(name)}[/]")

    finish(work())


def _good_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise Stopped(
            Exit.USAGE, f"the name of a schedule has {LONGEST_NAME} characters at most; its runs get longer ones"
        )
    return good_id(name)


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Stopped(Exit.USAGE, f"{option} {text[:40]!r}: write a moment in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
