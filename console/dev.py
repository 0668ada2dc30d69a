"""The embedded stack in the foreground, for development."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from activities.settings import Settings
from console.desk import one_visit
from console.errors import Exit, Stopped
from console.launch import Parts
from console.processes import last_words
from console.screen import Screen
from console.session import AsJson, finish, me
from console.stack import Running, Stack

BEAT = 1.0

Stop = Annotated[bool, typer.Option("--stop", help="End the stack of this home, whoever started it.")]

Worker = Annotated[
    Path | None, typer.Option("--worker", metavar="FILE", help="Your own worker, in the place of the one that ships.")
]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(dev)


def dev(stop: Stop = False, worker: Worker = None, as_json: AsJson = False) -> None:
    """Run Temporal, the model's stand-in (unless a key is set), a worker and the review desk here until Ctrl-C."""
    screen = Screen(as_json=as_json)
    settings = Settings()
    if stop:
        ended = Stack(settings).down()
        screen.show({"ended": list(ended)}, f"Ended: {', '.join(ended)}." if ended else "Nothing was running.")
        return
    finish(_serve(Stack(settings, parts=_parts(worker)), settings, screen))


def _parts(worker: Path | None) -> Parts | None:
    if worker is None:
        return None
    if not worker.is_file():
        raise Stopped(Exit.BAD_FILE, f"there is no file {worker}; --worker names a worker of your own, e.g. worker.py")
    return replace(Parts.installed(), worker=(sys.executable, str(worker.absolute())))


async def _serve(stack: Stack, settings: Settings, screen: Screen) -> None:
    running, ours = await stack.up("dev", say=lambda text: screen.say(f"[dim]{text}"))
    if not ours:
        raise Stopped(Exit.CONFLICT, f"a stack runs already at {running.address}; end it with: callsheet dev --stop")
    try:
        visit = one_visit(settings, running, me())
        screen.show(running.model_copy(update={"desk": visit or running.desk}), _card(running, visit))
        while running.alive:  # noqa: ASYNC110 - nobody tells us when a process ends
            await asyncio.sleep(BEAT)
        if stack.ended:
            return
        dead = next((child.name for child in running.children if not child.alive), "a part")
        raise Stopped(Exit.MISSING, f"the {dead} ended: {last_words(dead, settings.logs)}")
    finally:
        stack.down()


def _card(running: Running, visit: str) -> str:
    desk = f"[bold]Desk[/]      {visit or running.desk}{'  [dim](the link works once)[/]' * bool(visit)}\n"
    metrics = f"[bold]Metrics[/]   {running.metrics}\n" if running.metrics else ""
    return (
        f"[bold]Temporal[/]  {running.address}   [bold]UI[/]  {running.ui}\n"
        f"[bold]Model[/]     {escape(running.model)}\n{desk if running.desk else ''}{metrics}"
        "[dim]In another terminal: callsheet start production briefs/spring-capsule.yaml. Ctrl-C ends the stack."
    )
