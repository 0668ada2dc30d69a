"""The demo: one command from a brief to published images, on this machine alone."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape

from activities.connection import connect_to
from activities.settings import Settings
from console import views
from console.ask import Terminal
from console.bundle import Bundle, Production
from console.costs import sums
from console.desk import one_visit
from console.errors import Exit, Stopped
from console.follow import follow, verdict
from console.orders import read_brief
from console.origin import ordered
from console.runs import PRODUCTION, Look
from console.screen import Screen
from console.session import AsJson, Name, finish, good_id, me, new_id, runs_of
from console.stack import Running, Stack
from console.stores import Stores
from workflows.models import Brief, RunOrder, RunState

SAMPLE = Path("briefs/spring-capsule.yaml")
OUT = Path("out")

File = Annotated[Path, typer.Argument(metavar="[BRIEF]", help="A brief in YAML or JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Approve every question; each is recorded as an override.")]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the stack running; `callsheet dev --stop` ends it.")]
OwnId = Annotated[str, typer.Option("--id", metavar="ID", help="Id of the run; default: made from the brief's title.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    brief: File = SAMPLE,
    yes: Yes = False,
    keep: Keep = False,
    own_id: OwnId = "",
    name: Name = "",
    as_json: AsJson = False,
) -> int:
    """Run a shoot from brief to published images, with everything it needs started here."""
    settings, screen = Settings(), Screen(as_json=as_json)
    return finish(Demo(settings, screen, yes=yes, keep=keep, by=name or me()).run(_sample(brief), own_id))


class Demo:
    """One demo: starts or finds the stack, runs the brief, and leaves a folder behind."""

    def __init__(self, settings: Settings, screen: Screen, *, yes: bool, keep: bool, by: str) -> None:
        """Answer questions in the name of `by`; with `yes` all of them are approved."""
        self._settings, self._screen = settings, screen
        self._yes, self._keep, self._by = yes, keep, by
        self._stack = Stack(settings)

    async def run(self, path: Path, own_id: str) -> int:
        """Run the brief at `path`; returns the exit code."""
        stores = Stores(self._settings)
        data, brief = read_brief(path, stores.profiles)  # before anything is started
        run = good_id(own_id or new_id(brief.title))
        with stores:
            running, ours = await self._stack.up("demo", keep=self._keep, say=lambda text: self._say(f"[dim]{text}"))
            try:
                self._welcome(running, ours=ours)
                return await self._produce(stores, running, run, data, brief, path)
            finally:
                if ours and not self._keep:
                    self._say("[dim]Stopping the stack")
                    self._stack.down()
                else:
                    self._stack.let_go()

    async def _produce(self, stores: Stores, running: Running, run: str, data: bytes, brief: Brief, path: Path) -> int:
        runs = runs_of(await connect_to(running.address), self._settings)
        order = RunOrder(brief=await stores.assets.put(data), title=brief.title, model=self._settings.model)
        with ordered(PRODUCTION, run, self._screen, os.environ) as traceparent:
            await runs.start(PRODUCTION, run, order.model_copy(update={"traceparent": traceparent}), brief.title)
        self._say(f"Run [bold]{run}[/]   [dim]{self._page(running, run)}")
        bundle = Bundle(OUT / run, stores.assets.get, stores.assets.read_published)
        terminal = Terminal(runs, self._screen, bundle.show, by=self._by, yes=self._yes)
        try:
            seen = await follow(runs, run, self._screen, terminal.answer)
        except BaseException:
            self._say(
                f"[yellow]The run {run} is kept and goes on with the next stack; to end it: callsheet cancel {run}"
            )
            raise
        return await self._conclude(stores, running, bundle, seen, path)

    async def _conclude(self, stores: Stores, running: Running, bundle: Bundle, seen: Look, path: Path) -> int:
        if seen.run is None:
            raise Stopped(Exit.RUN_FAILED, f"{seen.id} ended as {seen.status}: {seen.error or 'no reason was given'}")
        production = Production(
            state=seen.run,
            items=await stores.produced(seen.run),
            model=running.model,
            brief=str(path),
            ui=self._page(running, seen.id),
            costs=sums(await stores.records.costs(seen.id)),
        )
        sheet = await bundle.write(production)
        self._farewell(production, sheet, running)
        return int(verdict(seen))

    def _welcome(self, running: Running, *, ours: bool) -> None:
        if not ours:
            self._say(f"[dim]Using the stack that runs at {running.address}")
        self._say(f"Model: [bold]{escape(running.model)}")
        if running.metrics:
            self._say(f"[dim]Metrics at {running.metrics}")
        if visit := one_visit(self._settings, running, self._by):
            self._say(f"Review desk: [bold]{visit}[/]   [dim]the link works once; questions wait there, and here")
        if self._yes:
            self._say("[yellow]--yes: every question is approved unseen and recorded as an override.")

    def _farewell(self, production: Production, sheet: Path, running: Running) -> None:
        state = production.state
        data: dict[str, Any] = {
            "id": state.id,
            "status": state.status,
            "model": running.model,
            "folder": str(sheet.parent),
        }
        data |= {"contact_sheet": str(sheet), "ui": production.ui, "published": _published(state), "state": state}
        left = "leave it with: callsheet dev --stop" if self._keep else "run with --keep to browse it"
        lines = f"\n[bold]Contact sheet[/]  {sheet}\n[bold]Temporal UI[/]    {production.ui} [dim]({left})"
        self._screen.show(data, Group("", views.run(state), lines))

    def _say(self, text: str) -> None:
        self._screen.say(text)

    def _page(self, running: Running, run: str) -> str:
        return f"{running.ui}/namespaces/default/workflows/{run}"


def _published(state: RunState) -> int:
    return max(len(state.published), state.counts.get("published", 0))


def _sample(brief: Path) -> Path:
    # The sample lies beside the code; it is meant wherever the command is run.
    beside = Path(__file__).parent.parent / SAMPLE
    return beside if brief == SAMPLE and not brief.exists() and beside.exists() else brief
