"""Replays histories against the code that is here: would a deploy break what is under way?"""

import importlib
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import RenderableType
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from activities.rigging import sandbox
from activities.settings import Settings
from activities.world import HOUSE
from console import views
from console.errors import Exit, Stopped, one_line
from console.screen import Screen
from console.session import AsJson, finish, open_client
from workflows.pipelines import PIPELINES
from workflows.tracing import literal

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Runs with their items, items, or agents.")]
Open = Annotated[bool, typer.Option("--open", help="Everything of this task queue that is under way.")]
Most = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many, the latest first.")]
Pipelines = Annotated[
    str, typer.Option("--pipelines", metavar="MODULE:NAME", help="Your own, as your worker has them; default: ours.")
]


class Replayed(BaseModel):
    """What became of a history: `ok`, `changed` (this code takes another way), or `unknown` (no such workflow here)."""

    model_config = ConfigDict(frozen=True)

    id: str
    run_id: str
    type: str
    events: int
    result: str
    why: str = ""


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(replay)


def replay(
    ids: Ids = None, under_way: Open = False, limit: Most = 200, pipelines: Pipelines = "", as_json: AsJson = False
) -> int:
    """Replay histories against the code that is here, before it is deployed. Nothing is run, and nothing is changed."""
    screen, settings = Screen(as_json=as_json), Settings()
    if bool(ids) == under_way:
        raise Stopped(Exit.USAGE, "name runs, or say --open for all that are under way")
    workflows = (*_named(pipelines), *HOUSE) if pipelines else (*PIPELINES, *HOUSE)

    async def work() -> int:
        client = await open_client(settings)
        queries = [_family(each) for each in ids or ()] or [_open(settings.task_queue)]
        found = [each for query in queries async for each in replayed(_histories(client, query, limit), workflows)]
        if ids and not found:
            raise Stopped(Exit.UNKNOWN_ID, f"there is no history of {', '.join(ids)}")
        screen.show([each.model_dump() for each in found], _shown(found))
        return int(Exit.OK if all(each.result == "ok" for each in found) else Exit.RUN_FAILED)

    return finish(work())


async def replayed(histories: AsyncIterator[WorkflowHistory], workflows: Sequence[type]) -> AsyncIterator[Replayed]:
    """Replay one history after the other; one that fails keeps no other from being replayed."""
    replayer = Replayer(workflows=workflows, data_converter=pydantic_data_converter, workflow_runner=sandbox())
    known = {_name(each) for each in workflows}
    async for history in histories:
        kind = history.events[0].workflow_execution_started_event_attributes.workflow_type.name
        told = {"id": history.workflow_id, "run_id": history.run_id, "type": kind, "events": len(history.events)}
        if kind not in known:
            yield Replayed(**told, result="unknown", why="no workflow here has this name; say --pipelines")
            continue
        error = (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure
        yield Replayed(**told, result="changed" if error else "ok", why=one_line(error, 200) if error else "")


async def _histories(client: Client, query: str, limit: int) -> AsyncIterator[WorkflowHistory]:
    async for each in client.list_workflows(query, limit=limit):
        handle = client.get_workflow_handle(each.id, run_id=each.run_id)
        yield await handle.fetch_history()


def _family(name: str) -> str:
    return f"WorkflowId = {literal(name)} or CallsheetRun = {literal(name)}"


def _open(queue: str) -> str:
    return f"ExecutionStatus = 'Running' and TaskQueue = {literal(queue)}"


def _name(workflow: type) -> str:
    definition: Any = getattr(workflow, "__temporal_workflow_definition", None)  # where the SDK keeps the name
    return str(definition.name if definition else workflow.__name__)


def _named(place: str) -> tuple[type, ...]:
    module, _, name = place.partition(":")
    sys.path.insert(0, str(Path.cwd()))  # as for `python worker.py`: your own packages lie where you stand
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise Stopped(
            Exit.USAGE, f"--pipelines {place}: {one_line(error)}; it is MODULE:NAME, e.g. shop.flows:PIPELINES"
        ) from None
    return tuple(found)


def _shown(found: Sequence[Replayed]) -> RenderableType:
    if not found:
        return "Nothing is under way."
    rows = [each.model_dump(exclude={"run_id"}) for each in found]
    return views.rows(rows, fold=("why",))
