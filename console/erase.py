"""Erasing what is known of candidates, and the legal holds that stop it."""

from typing import Annotated

import typer

from activities.erasure import Eraser
from activities.settings import Settings
from console.errors import Exit, Stopped
from console.looks import ERASURE
from console.runs import Runs
from console.screen import Screen
from console.session import AsJson, Name, finish, me, open_runs
from console.stores import Stores
from workflows.models.hiring import Erased, ErasureOrder

Who = Annotated[str, typer.Argument(metavar="[RUN:CANDIDATE]", help="Whom; none with --due.")]
Held = Annotated[str, typer.Argument(metavar="RUN:CANDIDATE", help="Whom.")]
Due = Annotated[bool, typer.Option("--due", help="Everybody whose retention is over and whom nothing holds.")]
Why = Annotated[str, typer.Option("--reason", help="Why; stays with the tombstone.")]
HoldWhy = Annotated[str, typer.Option("--reason", help="Why what is known must stay.")]


def add(app: typer.Typer) -> None:
    """Add this command; holds are among those of `evaluation`, since `release` gives a question back."""
    app.command()(erase)


def erase(who: Who = "", due: Due = False, reason: Why = "retention", name: Name = "", as_json: AsJson = False) -> None:
    """Erase what a candidate handed in and what was said of it, for good. Digests and the decision stay."""
    if bool(who) == due:
        raise Stopped(Exit.USAGE, "name a candidate as RUN:CANDIDATE, or say --due")
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> None:
        with Stores(settings) as stores:
            eraser = Eraser(stores.database, stores.assets)
            chosen = list(await eraser.due()) if due else [_parts(who)]
        runs = await open_runs(settings)
        done = {f"{run}:{key}": await _erase(runs, run, key, name or me(), reason) for run, key in chosen}
        lines = [f"{each}: {_said(erased)}" for each, erased in done.items()] or ["Nobody's time is over."]
        screen.show({each: erased.model_dump(mode="json") for each, erased in done.items()}, "\n".join(lines))
        if refused := [f"{each}: {erased.refused}" for each, erased in done.items() if erased.refused]:
            raise Stopped(Exit.CONFLICT, "; ".join(refused))

    finish(work())


def hold(who: Held, reason: HoldWhy, as_json: AsJson = False) -> None:
    """Set a legal hold: nothing of this candidate is erased until it is released."""
    _hold(who, reason.strip(), as_json)


def release(who: Held, as_json: AsJson = False) -> None:
    """Release a legal hold."""
    _hold(who, "", as_json)


def _hold(who: str, reason: str, as_json: bool) -> None:
    screen = Screen(as_json=as_json)
    run, key = _parts(who)

    async def work() -> None:
        with Stores(Settings()) as stores:
            known = await Eraser(stores.database, stores.assets).hold(run, key, reason)
        if not known:
            raise Stopped(Exit.UNKNOWN_ID, f"there is no candidate {who}")
        screen.show({"id": who, "hold": reason}, f"{who}: {'held: ' + reason if reason else 'released'}.")

    finish(work())


async def _erase(runs: Runs, run: str, key: str, by: str, reason: str) -> Erased:
    return await runs.carry_out(
        ERASURE, f"erase:{run}:{key}", ErasureOrder(run=run, key=key, by=by, reason=reason), Erased
    )


def _parts(who: str) -> tuple[str, str]:
    run, _, key = who.partition(":")
    if not run or not key:
        raise Stopped(Exit.USAGE, f"{who!r} names no candidate; write RUN:CANDIDATE")
    return run, key


def _said(erased: Erased) -> str:
    if erased.refused:
        return f"not erased: {erased.refused}"
    return f"erased: {erased.messages} messages, {len(erased.assets)} files, the history of {erased.workflows}"
