"""The stage: a real Temporal server, somebody who plays the model, a worker, and stores of their own."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper

from activities.records import Records
from activities.settings import Settings
from activities.signing import Signer
from activities.telemetry import Telemetry
from activities.tools import TOOLS
from activities.tools.definition import Tool
from activities.tools.references import Directory
from activities.world import World
from rehearsal.player import Player
from rehearsal.server import Rehearsal
from screentest.stories import Story
from workflows.models import (
    AgentOrder,
    AgentOutcome,
    Brief,
    Choice,
    Decision,
    Identity,
    ItemState,
    Question,
    Receipt,
    Role,
    RunOrder,
    RunState,
)
from workflows.pipelines import PIPELINES

R = TypeVar("R")

PATIENCE = 120.0
"""Seconds that anything may take on a busy machine. Nothing here depends on how long it really takes."""
BEAT = 0.1

Handle = WorkflowHandle[Any, Any]


class Stage:
    """One test's world. Every stage has a task queue and stores of its own, so that tests never meet."""

    def __init__(
        self, client: Client, world: World, rehearsal: Rehearsal, model: AsyncAnthropic, signer: Signer
    ) -> None:
        """Play in `world`, which trusts `signer`; the workers come and go with `work` and `rest`."""
        self.client, self.world, self.rehearsal, self.model, self.signer = client, world, rehearsal, model, signer
        self.records = Records(world.database)
        self.queue = world.settings.task_queue
        self._workers = AsyncExitStack()

    async def start(self, workflow: Callable[[Any, Any], Awaitable[R]], order: BaseModel, run: str = "") -> Handle:
        """Start a workflow of yours, e.g. `stage.start(Bouquets.run, BouquetOrder(...))`."""
        name = run or f"{workflow.__qualname__.split('.')[0].lower()}-{uuid.uuid4().hex[:8]}"
        return await self.client.start_workflow(workflow, order, id=name, task_queue=self.queue)

    async def outcome(self, handle: Handle) -> Any:  # noqa: ANN401 - what the workflow returns
        """Wait for what a workflow returns.

        Raises:
            WorkflowFailureError: it failed, or was called off.
        """
        return await asyncio.wait_for(handle.result(), PATIENCE)

    async def run(self, workflow: Callable[[Any, Any], Awaitable[R]], order: BaseModel) -> R:
        """Start a workflow and wait for what it returns."""
        result: R = await self.outcome(await self.start(workflow, order))
        return result

    async def start_agent(self, goal: str = "Find the way.", **order: Any) -> Handle:  # noqa: ANN401 - fields of the order
        """Start a single agent."""
        return await self.client.start_workflow(
            "SingleAgent",
            AgentOrder(goal=goal, **order),
            id=f"agent-{uuid.uuid4().hex[:8]}",
            task_queue=self.queue,
            result_type=AgentOutcome,
        )

    async def run_agent(self, goal: str = "Find the way.", **order: Any) -> AgentOutcome:  # noqa: ANN401 - as above
        """Start a single agent and wait for its outcome."""
        outcome: AgentOutcome = await self.outcome(await self.start_agent(goal, **order))
        return outcome

    async def start_production(self, brief: Brief, kind: str = "ImageProduction", **order: Any) -> Handle:  # noqa: ANN401
        """Start a catalog shoot."""
        digest = await self.world.assets.put(brief.model_dump_json().encode())
        return await self.client.start_workflow(
            kind,
            RunOrder(brief=digest, title=brief.title, **order),
            id=f"run-{uuid.uuid4().hex[:8]}",
            task_queue=self.queue,
            result_type=RunState,
        )

    async def produce(self, brief: Brief, **order: Any) -> RunState:  # noqa: ANN401 - fields of the order
        """Start a catalog shoot and wait for its end."""
        state: RunState = await self.outcome(await self.start_production(brief, **order))
        return state

    def item(self, run: str, key: str) -> Handle:
        """Find one item of a run."""
        return self.client.get_workflow_handle(f"{run}:{key}", result_type=ItemState)

    async def asked(self, handle: Handle, *, after: str = "") -> Question:
        """Wait until a workflow asks a person; `after` is the id of a question that was answered already.

        Raises:
            AssertionError: nobody was asked.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(RPCError):  # it is being started, or its worker is resting
                question: Question | None = await handle.query("question", result_type=Question)
                if question is not None and question.id != after:
                    return question
            await asyncio.sleep(BEAT)
        raise AssertionError(f"{handle.id} asked nobody")

    async def decide(
        self,
        handle: Handle,
        choice: Choice,
        note: str = "",
        by: str = "Vera",
        role: Role = "operator",
        **more: Any,  # noqa: ANN401 - fields of the decision
    ) -> Receipt:
        """Answer the question that a workflow asks, or is about to ask, signed as by a person at the desk."""
        question = await self.asked(handle)
        shown = {call.call_id: call.digest for call in question.calls}.get(more.get("call", ""), question.digest)
        decision = Decision(choice=choice, by=by, note=note, **{"question": question.id, "digest": shown, **more})
        signed = self.signer.sign(decision, handle.id, Identity(name=by, role=role))
        receipt: Receipt = await handle.execute_update("decide", signed, result_type=Receipt)
        return receipt

    async def pass_time(self, handle: Handle, time: timedelta) -> None:
        """Let time pass for one workflow: its timers fire, and nobody waits.

        Only what the workflow waits for is skipped, never its work. What it starts later is in real time again.
        """
        await TimeSkipper(self.client).fast_forward(handle, time)

    async def story(self, of: Handle | str) -> Story:
        """Read what happened, from the durable records."""
        name = of if isinstance(of, str) else of.id
        return Story(name, await self.records.entries(name), await self.records.costs(name))

    async def work(self) -> None:
        """Let the workers begin."""
        for worker in self.world.workers(self.client):
            await self._workers.enter_async_context(worker)

    async def rest(self) -> None:
        """Let the workers drain and end: what runs then waits for others to come."""
        await self._workers.aclose()
        self._workers = AsyncExitStack()

    async def restart(self) -> None:
        """Put new workers in the place of the old: whatever goes on is replayed from its history, as after a deploy."""
        await self.rest()
        await self.work()

    async def until_asked(self, handle: Handle) -> dict[str, Any]:
        """Wait until a workflow asks a person, and return the question as JSON has it."""
        return (await self.asked(handle)).model_dump(mode="json")

    async def notes(self, of: str, word: str) -> list[str]:
        """Give the user's texts in a workflow's conversations that hold a word, as the model was given them."""
        return [
            block["text"]
            for talk in await self.records.transcript(of)
            for message in talk["messages"]
            for block in message["content"]
            if message["role"] == "user" and block["type"] == "text" and word in block["text"]
        ]


S = TypeVar("S", bound=Stage)


@asynccontextmanager
async def staged(  # noqa: PLR0913 - each has a default; together they are what a world has
    server: str,
    home: Path,
    player: Player,
    *,
    tools: Iterable[Tool] = TOOLS,
    pipelines: Sequence[type] = PIPELINES,
    dependencies: Iterable[object] = (),
    directories: Mapping[str, Directory] | None = None,
    working: bool = True,
    settings: Mapping[str, Any] | None = None,
    model: AsyncAnthropic | None = None,
    telemetry: Telemetry | None = None,
    signer: Signer | None = None,
    stage: Callable[[Client, World, Rehearsal, AsyncAnthropic, Signer], S] = Stage,  # type: ignore[assignment]
    **rehearsal_options: Any,  # noqa: ANN401 - those of the rehearsal
) -> AsyncIterator[S]:
    """Set the stage: `player` plays the model, and workers work unless `working` is false.

    `settings` are those that are not the standard ones; without `telemetry` nothing is exported. `model` is asked in
    the place of the player: see `taped`. `signer` signs what people decide, by default with a key of this stage alone.
    """
    telemetry, signer = telemetry or Telemetry(), signer or Signer(Ed25519PrivateKey.generate(), "stage")
    named = {"home": home, "task_queue": f"q-{uuid.uuid4().hex[:8]}", "decision_keys": (signer.public_key,)}
    own = Settings(**{**named, **(settings or {})})
    async with AsyncExitStack() as stack:
        rehearsal = await stack.enter_async_context(Rehearsal(player, **rehearsal_options))
        played = await _client_of(rehearsal, stack)
        world = await World.open(
            own,
            tools=tools,
            pipelines=pipelines,
            dependencies=dependencies,
            directories=directories,
            client=model or played,
            telemetry=telemetry,
        )
        stack.callback(world.close)
        client = await Client.connect(server, data_converter=pydantic_data_converter, runtime=telemetry.runtime)
        play = stage(client, world, rehearsal, model or played, signer)
        stack.push_async_callback(play.rest)
        if working:
            await play.work()
        yield play


async def _client_of(rehearsal: Rehearsal, stack: AsyncExitStack) -> AsyncAnthropic:
    http = await stack.enter_async_context(DefaultAsyncHttpxClient(verify=False))
    return AsyncAnthropic(api_key="rehearsal", base_url=rehearsal.url, max_retries=0, http_client=http)
