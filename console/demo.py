"""The demo: one command from a brief to published images, on this machine alone."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Group

from activities.connection import connect_to
from activities.settings import Settings
from activities.studio.profiles import Profiles
from console import views
from console.ask import Terminal
from console.bundle import Bundle, Production
from console.costs import sums
from console.demo_stage import OUT, DemoStage
from console.errors import Exit, Stopped
from console.evaluation_demo import SAMPLES, EvaluationDemo
from console.follow import follow, verdict
from console.looks import PRODUCTION, Look
from console.orders import read_brief
from console.origin import ordered
from console.screen import Screen
from console.session import AsJson, Name, finish, good_id, me, new_id, runs_of
from console.stack import Running
from console.stores import Stores
from workflows.models import Brief, RunOrder, RunState

SAMPLE = Path("briefs/spring-capsule.yaml")

File = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="A brief, or with --pipeline evaluation a vacancy.")
]
Which = Annotated[Literal["production", "evaluation"], typer.Option("--pipeline", help="Which pipeline is shown.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Approve every question; each is recorded as an override.")]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the stack running; `callsheet dev --stop` ends it.")]
OwnId = Annotated[str, typer.Option("--id", metavar="ID", help="Id of the run; default: made from the brief's title.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    file: File = None,
    pipeline: Which = "production",
    yes: Yes = False,
    keep: Keep = False,
    own_id: OwnId = "",
    name: Name = "",
    as_json: AsJson = False,
) -> int:
    """Run a pipeline from its order to its end, with everything it needs started here: a shoot, or an evaluation."""
    settings, screen = Settings(), Screen(as_json=as_json)
    chosen, sample = (EvaluationDemo, SAMPLES) if pipeline == "evaluation" else (Demo, SAMPLE)
    show = chosen(settings, screen, yes=yes, keep=keep, by=name or me())
    return finish(show.run(_sample(file or sample), own_id))


class Demo(DemoStage):
    """Runs a brief, and leaves a folder behind."""

    async def run(self, path: Path, own_id: str) -> int:
        """Run the brief at `path`; returns the exit code."""
        data, brief = read_brief(path, Profiles.load())  # before anything is started
        run = good_id(own_id or new_id(brief.title))

        async def work(stores: Stores, running: Running) -> int:
            if self.yes:
                self.say("[yellow]--yes: every question is approved unseen and recorded as an override.")
            return await self._produce(stores, running, run, data, brief, path)

        return await self.staged(work)

    async def _produce(self, stores: Stores, running: Running, run: str, data: bytes, brief: Brief, path: Path) -> int:
        runs = runs_of(await connect_to(running.address), self.settings)
        order = RunOrder(brief=await stores.assets.put(data), title=brief.title, model=self.settings.model)
        with ordered(PRODUCTION, run, self.screen, os.environ) as traceparent:
            await runs.start(PRODUCTION, run, order.model_copy(update={"traceparent": traceparent}), brief.title)
        self.say(f"Run [bold]{run}[/]   [dim]{self.page_of(running, run)}")
        bundle = Bundle(OUT / run, stores.assets.get, stores.assets.read_published)
        terminal = Terminal(runs, self.screen, bundle.show, by=self.by, yes=self.yes)
        seen = await self.kept(run, follow(runs, run, self.screen, terminal.answer))
        return await self._conclude(stores, running, bundle, seen, path)

    async def _conclude(self, stores: Stores, running: Running, bundle: Bundle, seen: Look, path: Path) -> int:
        if seen.run is None:
            raise Stopped(Exit.RUN_FAILED, f"{seen.id} ended as {seen.status}: {seen.error or 'no reason was given'}")
        production = Production(
            state=seen.run,
            items=await stores.produced(seen.run),
            model=running.model,
            brief=str(path),
            ui=self.page_of(running, seen.id),
            costs=sums(await stores.records.costs(seen.id)),
        )
        sheet = await bundle.write(production)
        self._farewell(production, sheet, running)
        return int(verdict(seen))

    def _farewell(self, production: Production, sheet: Path, running: Running) -> None:
        state = production.state
        data: dict[str, Any] = {
            "id": state.id,
            "status": state.status,
            "model": running.model,
            "folder": str(sheet.parent),
        }
        data |= {"contact_sheet": str(sheet), "ui": production.ui, "published": _published(state), "state": state}
        left = "leave it with: callsheet dev --stop" if self.keep else "run with --keep to browse it"
        lines = f"\n[bold]Contact sheet[/]  {sheet}\n[bold]Temporal UI[/]    {production.ui} [dim]({left})"
        self.screen.show(data, Group("", views.run(state), lines))


def _published(state: RunState) -> int:
    return max(len(state.published), state.counts.get("published", 0))


def _sample(path: Path) -> Path:
    # The samples lie beside the code; they are meant wherever the command is run.
    beside = Path(__file__).parent.parent / path
    return beside if path in {SAMPLE, SAMPLES} and not path.exists() and beside.exists() else path
