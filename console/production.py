"""Starting: a production from a brief, or a single agent from an order."""

import os
from pathlib import Path
from typing import Annotated

import typer

from activities.settings import Settings
from console import evaluation, views
from console.errors import Exit
from console.follow import follow, verdict
from console.looks import AGENT, PRODUCTION, SOLO
from console.orders import read_agent_order, read_brief
from console.origin import ordered
from console.runs import Runs
from console.screen import Screen
from console.session import AsJson, finish, good_id, new_id, open_runs
from console.stores import Stores
from workflows.models import AgentOrder, Patience, RunOrder

OwnId = Annotated[str, typer.Option("--id", metavar="ID", help="Id of the run; default: made from its title.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow it until it ends; the exit code says how it ended.")]
Solo = Annotated[bool, typer.Option("--solo", help="One agent makes each image alone; the gate stays the same.")]
Brief = Annotated[Path, typer.Argument(metavar="BRIEF", help="A brief in YAML or JSON.")]
Fallback = Annotated[
    list[str] | None,
    typer.Option("--fallback", metavar="MODEL", help="Asked where the model refuses or is not to be had; repeatable."),
]
Patient = Annotated[
    Patience | None, typer.Option("--patience", help="batch: calls can wait, and are handed in together for less.")
]
Urgency = Annotated[
    int | None, typer.Option("--priority", min=1, max=5, help="Where work waits, 1 goes first and 5 last; default: 3.")
]
Order = Annotated[Path, typer.Argument(metavar="ORDER", help="An order in YAML or JSON: goal, constraints, tools, ...")]


def add(app: typer.Typer) -> None:
    """Add these commands."""
    start = typer.Typer(help="Start a run.", no_args_is_help=True)
    start.command("production")(production)
    start.command("agent")(agent)
    start.command("evaluation")(evaluation.start)
    app.add_typer(start, name="start")


def production(
    brief: Brief,
    own_id: OwnId = "",
    wait: Wait = False,
    patience: Patient = None,
    priority: Urgency = None,
    solo: Solo = False,
    as_json: AsJson = False,
) -> int:
    """Start a production from a brief."""
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> int:
        stores = Stores(settings)
        data, read = read_brief(brief, stores.profiles)  # before anything is opened
        with stores:
            run = good_id(own_id or new_id(read.title))
            runs = await open_runs(settings)
            kept = await stores.assets.put(data)
            order = RunOrder(brief=kept, title=read.title, model=settings.model, patience=patience or "now")
            kind = SOLO if solo else PRODUCTION
            with ordered(kind, run, screen, os.environ) as traceparent:
                order = order.model_copy(update={"traceparent": traceparent})
                await runs.start(kind, run, order, read.title, priority)
            return await _started(runs, run, screen, wait=wait)

    return finish(work())


def agent(
    order: Order,
    own_id: OwnId = "",
    wait: Wait = False,
    patience: Patient = None,
    fallback: Fallback = None,
    priority: Urgency = None,
    as_json: AsJson = False,
) -> int:
    """Start a single durable agent with a goal. Options come before what the order says."""
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> int:
        read = read_agent_order(order)
        wanted: AgentOrder = read.model_copy(
            update={
                "model": read.model or settings.model,
                "patience": patience or read.patience,
                "fallbacks": tuple(fallback) if fallback else read.fallbacks,
            }
        )
        run = good_id(own_id or new_id(order.stem))
        runs = await open_runs(settings)
        with ordered(AGENT, run, screen, os.environ) as traceparent:
            wanted = wanted.model_copy(update={"traceparent": wanted.traceparent or traceparent})
            await runs.start(AGENT, run, wanted, wanted.goal, priority)
        return await _started(runs, run, screen, wait=wait)

    return finish(work())


async def _started(runs: Runs, run: str, screen: Screen, *, wait: bool) -> int:
    if not wait:
        screen.show({"id": run}, f"Started [bold]{run}[/]. Follow it with: callsheet watch {run}")
        return int(Exit.OK)
    screen.say(f"Started [bold]{run}[/]")
    seen = await follow(runs, run, screen)
    screen.show(seen, views.look(seen))
    return int(verdict(seen))
