"""Looking: status, watch, pending."""

import typer

from activities.settings import Settings
from console import views
from console.follow import follow, verdict
from console.looks import Look
from console.screen import Screen
from console.session import AsJson, RunId, finish, open_runs


def add(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(status)
    app.command()(watch)
    app.command()(pending)


def status(run: RunId, as_json: AsJson = False) -> None:
    """Show how far a run, an item or an agent is."""
    screen = Screen(as_json=as_json)

    async def work() -> None:
        seen = await (await open_runs(Settings())).look(run)
        screen.show(seen, views.look(seen))

    finish(work())


def watch(run: RunId, as_json: AsJson = False) -> int:
    """Follow a run until it ends. With --json, prints the end only."""
    screen = Screen(as_json=as_json)

    async def work() -> Look:
        return await follow(await open_runs(Settings()), run, screen)

    seen = finish(work())
    screen.show(seen, views.look(seen))
    return int(verdict(seen))


def pending(as_json: AsJson = False) -> None:
    """List the questions that wait for a person, oldest first."""
    screen = Screen(as_json=as_json)

    async def work() -> None:
        found = await (await open_runs(Settings())).open_questions()
        screen.show(found, views.questions(found))

    finish(work())
