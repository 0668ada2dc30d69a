"""The fleet, live: every run with its progress, cost and questions, from the server's list and its workflows alone."""

import asyncio
import json
import sys
from typing import Annotated

import typer
from rich.live import Live
from temporalio.service import RPCError

from activities.pollers import queues_of
from activities.pools import pools_of
from activities.settings import Settings
from activities.tools import TOOLS
from console.burn import LastMinute
from console.errors import explain
from console.fleet import Frame
from console.fleet_view import FleetView
from console.lookout import Lookout
from console.screen import Screen, plain
from console.session import AsJson, finish, open_client

Once = Annotated[bool, typer.Option("--once", help="Show one look and end; so it is where stdout is no terminal.")]
Every = Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.2, max=3_600, help="Pause between looks.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(top)


def top(once: Once = False, every: Every = 2.0, as_json: AsJson = False) -> None:
    """Watch the whole fleet: runs, progress, cost, open questions. With --json, one JSON document for each look."""
    screen, settings = Screen(as_json=as_json), Settings()
    queues = queues_of(settings.pools(pools_of(TOOLS)), settings.task_queue)

    async def work() -> None:
        ledger = LastMinute(settings.database_url)
        try:
            lookout = Lookout(await open_client(settings), ledger, queues)
            first = await lookout.look()  # a server that is not there ends the command before the screen is taken
            if once or not (as_json or screen.live):
                screen.show(first.data(), FleetView(first))
            elif as_json:
                await _stream(lookout, first, every)
            else:
                await _watch(lookout, first, every, screen)
        finally:
            ledger.close()

    finish(work())


async def _stream(lookout: Lookout, frame: Frame, every: float) -> None:
    """Print one line of JSON for each look, for ever."""
    while True:
        sys.stdout.write(json.dumps(plain(frame.data()), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        await asyncio.sleep(every)
        frame = await _again(lookout, frame)


async def _watch(lookout: Lookout, frame: Frame, every: float, screen: Screen) -> None:
    """Redraw the screen after each look, for ever."""
    console = screen.console
    with Live(FleetView(frame, console.height), console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(FleetView(frame, console.height), refresh=True)
            await asyncio.sleep(every)
            frame = await _again(lookout, frame)


async def _again(lookout: Lookout, last: Frame) -> Frame:
    """Look again; while the server is away the last frame stays, and says so."""
    try:
        return await lookout.look()
    except RPCError as error:
        problem = f"{explain(error) or error}; what is shown is of {last.at:%H:%M:%S} UTC"
        return last.model_copy(update={"problem": problem})
