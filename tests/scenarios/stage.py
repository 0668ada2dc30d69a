"""The stage that scenarios play on: a real Temporal server, a rehearsal of the model, a worker, stores of their own."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
from pydantic import Field
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.records import Records
from activities.settings import Settings
from activities.telemetry import Telemetry
from activities.tools import TOOLS
from activities.tools.definition import Arguments, tool
from activities.tools.references import Ref
from activities.world import World
from rehearsal.player import Player
from rehearsal.server import Rehearsal
from tests.scenarios.signing import DESK
from workflows.models import AgentOrder, AgentOutcome, Brief, ItemState, RunOrder, RunState
from workflows.pipelines import PIPELINES

PATIENCE = 120


class Notebook:
    """What the test's own tools did: how often, and with what."""

    def __init__(self) -> None:
        self.lines: list[str] = []


class Look(Arguments):
    place: str = Field(max_length=2_000)


class Write(Arguments):
    line: str = Field(max_length=2_000)


class Booking(Arguments):
    model_id: Annotated[str, Ref("model")]


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def look(at: Look) -> dict[str, str]:
    """Look at a place; it always looks the same."""
    return {"seen": f"nothing new at {at.place}"}


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def read_page(at: Look) -> dict[str, str]:
    """Read a page of two kilobytes."""
    return {"page": (at.place + " ") * (2_000 // (len(at.place) + 1))}


@tool(effect="write", timeout=timedelta(seconds=5))
async def write_line(what: Write, notebook: Notebook) -> dict[str, int]:
    """Write a line."""
    notebook.lines.append(what.line)
    return {"lines": len(notebook.lines)}


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def book(what: Booking, notebook: Notebook) -> dict[str, str]:
    """Book a fashion model."""
    notebook.lines.append(what.model_id)
    return {"booked": what.model_id}


@tool(effect="read", timeout=timedelta(seconds=5))
async def break_down(at: Look) -> dict[str, str]:
    """Break down."""
    raise RuntimeError(f"no road to {at.place}")


OWN_TOOLS = (look, read_page, write_line, book, break_down)


class Stage:
    """One scenario's world. Every scenario has its own task queue, so that they never meet."""

    def __init__(
        self, client: Client, world: World, rehearsal: Rehearsal, notebook: Notebook, model: AsyncAnthropic
    ) -> None:
        self.client, self.world, self.rehearsal, self.notebook = client, world, rehearsal, notebook
        self.model = model
        self.records = Records(world.database)
        self.queue = world.settings.task_queue

    async def start_agent(self, goal: str = "Find the way.", **order) -> WorkflowHandle:
        tools = order.pop("tools", (*(each.name for each in OWN_TOOLS), "escalate_to_human"))
        return await self.client.start_workflow(
            "SingleAgent",
            AgentOrder(goal=goal, tools=tools, **order),
            id=f"agent-{uuid.uuid4().hex[:8]}",
            task_queue=self.queue,
            result_type=AgentOutcome,
        )

    async def run_agent(self, goal: str = "Find the way.", **order) -> AgentOutcome:
        handle = await self.start_agent(goal, **order)
        return await asyncio.wait_for(handle.result(), PATIENCE)

    async def start_production(self, brief: Brief, **order) -> WorkflowHandle:
        digest = await self.world.assets.put(brief.model_dump_json().encode())
        return await self.client.start_workflow(
            "ImageProduction",
            RunOrder(brief=digest, title=brief.title, **order),
            id=f"run-{uuid.uuid4().hex[:8]}",
            task_queue=self.queue,
            result_type=RunState,
        )

    async def produce(self, brief: Brief, **order) -> RunState:
        handle = await self.start_production(brief, **order)
        return await asyncio.wait_for(handle.result(), PATIENCE)

    def item(self, run: str, key: str) -> WorkflowHandle:
        return self.client.get_workflow_handle(f"{run}:{key}", result_type=ItemState)

    async def until_asked(self, handle: WorkflowHandle):
        """Wait until a workflow asks a person, and return the question."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(Exception):
                if (question := await handle.query("question")) is not None:
                    return question
            await asyncio.sleep(0.1)
        raise AssertionError("nobody was asked")

    async def notes(self, of: str, word: str) -> list[str]:
        """The user's texts in a workflow's conversations that hold a word, as the model was given them."""
        return [
            block["text"]
            for talk in await self.records.transcript(of)
            for message in talk["messages"]
            for block in message["content"]
            if message["role"] == "user" and block["type"] == "text" and word in block["text"]
        ]


@asynccontextmanager
async def staged(  # noqa: PLR0913 - each is what some scenario sets
    server: str,
    home: Path,
    player: Player,
    *,
    tools=(*TOOLS, *OWN_TOOLS),
    pipelines=PIPELINES,
    working: bool = True,
    settings=None,
    telemetry=None,
    **rehearsal_options,
) -> AsyncIterator[Stage]:
    """Set the stage: rehearsal up, world open, workers running unless the scenario runs them itself.

    `settings` are those that are not the standard ones; without `telemetry` nothing is exported.
    """
    telemetry = telemetry or Telemetry()
    own = {"home": home, "task_queue": f"q-{uuid.uuid4().hex[:8]}", "decision_keys": (DESK.public_key,)}
    settings = Settings(**own | (settings or {}))
    notebook = Notebook()
    async with contextlib.AsyncExitStack() as stack:
        rehearsal = await stack.enter_async_context(Rehearsal(player, **rehearsal_options))
        http = await stack.enter_async_context(DefaultAsyncHttpxClient(verify=False))
        model = AsyncAnthropic(api_key="rehearsal", base_url=rehearsal.url, max_retries=0, http_client=http)
        parts = {"tools": tools, "pipelines": pipelines, "dependencies": (notebook,), "client": model}
        world = await World.open(settings, telemetry=telemetry, **parts)
        stack.callback(world.close)
        client = await Client.connect(server, data_converter=pydantic_data_converter, runtime=telemetry.runtime)
        for worker in world.workers(client) if working else ():
            await stack.enter_async_context(worker)
        yield Stage(client, world, rehearsal, notebook, model)
