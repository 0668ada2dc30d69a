"""Pausing and resuming a part of the fleet: durable, signed, and on the record."""

from typing import Annotated

import typer
from rich.markup import escape

from activities.fleet_acts import Act, FleetActs, Part, acts, holds
from activities.fleet_tables import PauseRow
from activities.keys import Keyring
from activities.settings import Settings
from activities.signing import Signer
from console import views
from console.errors import Exit, Stopped
from console.fleet_query import Fleet, good_part
from console.screen import Screen
from console.session import AsJson, Name, finish, me, open_client
from console.stores import Stores

Pipeline = Annotated[str, typer.Option("--pipeline", metavar="NAME", help="Of this pipeline, e.g. image_production.")]
Tenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Of this tenant.")]
All = Annotated[bool, typer.Option("--all", help="Of every pipeline and every tenant.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; is kept, and shown wherever work waits.")]

LONGEST_REASON = 200


def add(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (pause, resume, pauses):
        app.command()(command)


def pause(
    pipeline: Pipeline = "",
    tenant: Tenant = "",
    every: All = False,
    reason: Reason = "",
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """Pause a part of the fleet: no new model call and no new effect, until it is resumed."""
    screen, settings = Screen(as_json=as_json), Settings()
    part, why = good_part(pipeline, tenant, every=every), good_reason(reason)

    async def work() -> None:
        with Stores(settings) as stores:
            fleet = Fleet(await open_client(settings))
            found = sum((await fleet.count(part)).values())
            act = Act("pause", part, name or me(), why, found)
            if not await FleetActs(stores.database, Signer.of(settings, f"starter:{me()}")).pause(act):
                raise Stopped(Exit.CONFLICT, f"{part} is paused already; callsheet pauses lists what is")
        text = (
            f"Paused: [bold]{escape(str(part))}[/]. {found} running now; each waits at its next step, and so does what "
            f"starts from now on.\nTo go on: [bold]callsheet resume {_options(part)}[/]"
        )
        screen.show({"paused": part._asdict(), "by": act.by, "reason": why, "running": found}, text)

    finish(work())


def resume(
    pipeline: Pipeline = "",
    tenant: Tenant = "",
    every: All = False,
    reason: Reason = "",
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """End a pause: name just what was paused. What waits goes on at once where it stood."""
    screen, settings = Screen(as_json=as_json), Settings()
    part, why = good_part(pipeline, tenant, every=every), good_reason(reason)

    async def work() -> None:
        with Stores(settings) as stores:
            fleet = Fleet(await open_client(settings))
            act = Act("resume", part, name or me(), why)
            if not await FleetActs(stores.database, Signer.of(settings, f"starter:{me()}")).resume(act):
                raise Stopped(Exit.CONFLICT, _not_paused(part, await stores.pauses.standing()))
            told, still = await fleet.release(part), await stores.pauses.standing()
        text = f"Resumed: [bold]{escape(str(part))}[/]. {told} that waited {'was' if told == 1 else 'were'} told."
        if still:
            text += f" Still paused: {escape('; '.join(str(_part(row)) for row in still))}."
        screen.show({"resumed": part._asdict(), "by": act.by, "reason": why, "told": told}, text)

    finish(work())


def pauses(as_json: AsJson = False) -> None:
    """List what is paused, by whom, since when and why; and whether the signature of each pause holds."""
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> None:
        with Stores(settings) as stores:
            rows, kept = await stores.pauses.standing(), await acts(stores.database)
        keyring = Keyring(settings.decision_keys, settings.keys)
        proved = {entry["id"] for entry in kept if holds(entry, keyring)}
        found = [_line(row, proved=row.act in proved) for row in rows]
        screen.show(found, views.rows(found, fold=("reason",)) if found else "Nothing is paused.")

    finish(work())


def good_reason(text: str) -> str:
    """Check a reason: it travels to every run that waits."""
    flat = " ".join(text.split())
    if len(flat) > LONGEST_REASON:
        raise Stopped(Exit.USAGE, f"--reason has {len(flat)} characters; at most {LONGEST_REASON} are kept")
    return flat


def _line(row: PauseRow, *, proved: bool) -> dict[str, str]:
    return {
        "pipeline": row.pipeline or "every",
        "tenant": row.tenant or "every",
        "by": row.by,
        "since": f"{row.at:%Y-%m-%d %H:%M:%S} UTC",
        "reason": row.reason,
        "signature": "holds" if proved else "does not hold",
    }


def _not_paused(part: Part, standing: list[PauseRow]) -> str:
    if not standing:
        return "nothing is paused"
    return f"{part} is not paused as such; paused is: {'; '.join(_options(_part(row)) for row in standing)}"


def _part(row: PauseRow) -> Part:
    return Part(row.pipeline, row.tenant)


def _options(part: Part) -> str:
    return " ".join(f"--{name} {value}" for name, value in part._asdict().items() if value) or "--all"
