"""Records the histories that the replay test replays: `python -m tests.replay.record`.

Record again after a change that old runs need not survive; a run in flight will not survive it either.
"""

import asyncio
import base64
import contextlib
import json
import socket
import tempfile
from pathlib import Path

from temporalio.client import WorkflowFailureError

from activities.tools import TOOLS
from console.processes import free_port
from rehearsal.roles import Roles
from rehearsal.scripts import answer, call, calls
from screentest.servers import serve
from tests.scenarios import slates, test_pauses, vacancies
from tests.scenarios.shoots import GREY, KEY, asked, brief, cast, decide, ended
from tests.scenarios.stage import staged
from tests.scenarios.test_agreement import order_goods
from workflows.models import Limits
from workflows.models.hiring import ErasureOrder
from workflows.models.scheduled import ScheduledOrder

HISTORIES = Path(__file__).parent / "histories"
LARGEST = 400_000
ASSISTANT = [
    calls(call("look", place="left"), call("look", place="right")),
    call("write_line", line="nothing there"),
    call("escalate_to_human", reason="Where else?"),
    answer({"answer": "It is above."}),
]


async def record(server: str, home: Path) -> None:
    """Play each scene and keep its histories."""
    await record_shoots(server, home)
    await record_agents(server, home)
    await record_evaluation(server, home / "evaluated")
    await record_gated(server, home / "gated")
    await record_fleet(server, home / "fleet")


async def record_shoots(server: str, home: Path) -> None:
    """Play shoots: refined, decided by a person, cancelled, and by one agent alone."""
    async with staged(server, home / "refined", cast(GREY)) as stage:
        run = await stage.start_production(brief())
        await ended(run)
        await keep("image-production", run)
        await keep("shoot-item-refined-and-published", stage.item(run.id, KEY))
    async with staged(server, home / "asked", cast(GREY)) as stage:
        run = await stage.start_production(brief(), refinements=0)
        item = stage.item(run.id, KEY)
        await asked(stage, item)
        await keep("shoot-item-waiting-for-a-person", item)
        await keep("image-production-waiting", run)
        await decide(item, "reassign", to="art-direction")
        await decide(item, "approve")
        await ended(run)
        await keep("shoot-item-approved-by-a-person", item)
    async with staged(server, home / "cancelled", cast(GREY)) as stage:
        run = await stage.start_production(brief("dress", "tee"), refinements=0)
        await asked(stage, stage.item(run.id, KEY))
        await run.cancel()
        with contextlib.suppress(WorkflowFailureError):
            await ended(run)
        await keep("image-production-cancelled", run)
        await keep("shoot-item-cancelled", stage.item(run.id, KEY))
    async with staged(server, home / "solo", cast(GREY)) as stage:
        run = await stage.start_production(brief(), kind="SoloProduction")
        await ended(run)
        await keep("solo-production", run)
        await keep("solo-item-refined-and-published", stage.item(run.id, KEY))


async def record_agents(server: str, home: Path) -> None:
    """Play single agents: one that asks, and one that runs out of money."""
    async with staged(server, home / "agent", cast(assistant=ASSISTANT)) as stage:
        agent = await stage.start_agent("Find the way.")
        await asked(stage, agent)
        await decide(agent, "revise", note="Look up.")
        await ended(agent)
        await keep("single-agent", agent)
    async with staged(server, home / "funded", cast(assistant=ASSISTANT[1::2])) as stage:
        agent = await stage.start_agent("Find the way.", limits=Limits(micro_usd=5_000, judge_every=1))
        await asked(stage, agent)
        await keep("single-agent-out-of-money", agent)
        await decide(agent, "top_up", micro_usd=100_000)
        await ended(agent)
        await keep("single-agent-topped-up", agent)


async def record_gated(server: str, home: Path) -> None:
    """Play two calls that need somebody's word: while both wait, and once one is allowed and the other edited."""
    orders = calls(call("order_goods", what="linen"), call("order_goods", what="wool", pieces=40))
    turns = [orders, answer({"answer": "Ordered."})]
    async with staged(server, home, cast(assistant=turns), tools=(*TOOLS, order_goods)) as stage:
        agent = await stage.start_agent("Order the cloth.", tools=("order_goods",))
        question = await asked(stage, agent)
        await keep("single-agent-waiting-for-a-call", agent)
        first, second = (each.call_id for each in question.calls)
        await decide(agent, "approve", call=first)
        await decide(agent, "edit", call=second, edited='{"what": "wool", "pieces": 4}')
        await ended(agent)
        await keep("single-agent-with-gated-calls", agent)


async def record_evaluation(server: str, home: Path) -> None:
    """Play a vacancy of one: a first view, an evaluation, a decision, and the erasure of it all."""
    async with staged(server, home, Roles()) as stage:
        run = await vacancies.open_vacancy(stage, {"ada": ("Ada Blum", vacancies.GOOD)}, policy={"first_view": True})
        one = vacancies.candidate(stage, run, "ada")
        await asked(stage, one)
        await keep("evaluate-candidate-before-the-first-view", one)
        await vacancies.decide(stage, run, "ada", note="Bakes well.")
        await asked(stage, one)
        await vacancies.decide(stage, run, "ada")
        await ended(run)
        await keep("candidate-evaluation", run)
        await keep("evaluate-candidate", one)
        order = ErasureOrder(run=run.id, key="ada", by="Vera")
        erasure = await stage.client.start_workflow(
            "CandidateErasure", order, id=f"erase:{run.id}:ada", task_queue=stage.queue
        )
        await erasure.result()
        await keep("candidate-erasure", erasure)


async def record_fleet(server: str, home: Path) -> None:
    """Play what operators do: a pause and its end, a batch, a schedule."""
    async with staged(server, home / "paused", cast(assistant=[ASSISTANT[3]])) as stage:
        await test_pauses.pause(stage)
        agent = await stage.start_agent("Find the way.")
        await test_pauses.standing(agent, "paused")
        await test_pauses.listed_as_paused(stage, agent.id)
        await test_pauses.resume(stage)
        await ended(agent)
        await keep("single-agent-paused", agent)
    async with staged(server, home / "together", cast(assistant=[ASSISTANT[3]])) as stage:
        slate = await slates.hand_in(stage, "recorded", "One.", "Two.", "Three.")
        await ended(slate)
        await keep("slate", slate)
        order = ScheduledOrder(schedule="nightly", kind="SingleAgent", title="Nightly", order={"goal": "Four."})
        name = "schedule:nightly-2026-11-26T18:00:00Z"
        due = await stage.client.start_workflow("Scheduled", order, id=name, task_queue=stage.queue)
        await due.result()
        await keep("scheduled", due)


async def keep(name: str, handle) -> None:
    """Write one history, without a word about where it was made."""
    history = scrubbed(json.loads((await handle.fetch_history()).to_json()))
    text = json.dumps(history, separators=(",", ":"), ensure_ascii=False) + "\n"
    told = [
        word for word in (socket.gethostname(), str(Path.cwd()), tempfile.gettempdir()) if word in readable(history)
    ]
    if told or len(text) > LARGEST:
        raise ValueError(f"{name} is {len(text)} bytes long and names {told or 'nothing'} of this machine")
    (HISTORIES / f"{name}.json").write_text(text)


def scrubbed(node):
    """Replace the names of processes and of their own task queues."""
    if isinstance(node, list):
        return [scrubbed(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("kind") == "TASK_QUEUE_KIND_STICKY":
        node = {**node, "name": "recorder"}
    return {key: "recorder" if key == "identity" else scrubbed(value) for key, value in node.items()}


def readable(node) -> str:
    """Every text of a history, that of payloads included."""
    if isinstance(node, list):
        return "\n".join(map(readable, node))
    if not isinstance(node, dict):
        return str(node)
    own = base64.b64decode(node["data"]).decode(errors="replace") if isinstance(node.get("data"), str) else ""
    return "\n".join([own, *map(readable, node.values())])


if __name__ == "__main__":
    HISTORIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with serve(port, Path(folder) / "temporal.db"):
            asyncio.run(record(f"127.0.0.1:{port}", Path(folder)))
