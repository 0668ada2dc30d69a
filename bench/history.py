"""What a turn of an agent costs in workflow history: events and bytes per turn, and whether they grow.

    python bench/history.py [--turns 200] [--tool look|read_page|write_page] [--json]

Plays a single agent of so many turns on the real thing: an embedded Temporal server, the rehearsal of the model API, a
world and its workers. Each turn says a sentence and makes one call, whose result is two kilobytes (`look`: a line).
Every fifth turn is reminded of its goal. What a turn costs is all that stands in history from its model call to the
next one. An agent goes on in a new workflow run when its history has 2,000 events or 1 MB; the runs of the chain are
added up, and what carrying over costs is counted as part of the turn in which it happens.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import Field
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from activities.tools.definition import Arguments, Tool, tool
from console.processes import free_port
from rehearsal.player import Performance, Request
from rehearsal.scripts import Script, answer, call, calls, forever, say
from screentest.servers import serve
from tests.scenarios.stage import Stage, staged
from workflows.models import Limits

PAGE = 2_048
SENTENCE = "I read on where the last page ended, because the goal asks for every page that there is. "
MARKS = (10, 50, 200)
PATIENCE = 900


class Place(Arguments):
    """Where to look."""

    place: str = Field(max_length=200)


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def look(at: Place) -> dict[str, str]:
    """Look at a place."""
    return {"seen": f"nothing new at {at.place}"}


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def read_page(at: Place) -> dict[str, str]:
    """Read a page of two kilobytes."""
    return {"page": _page(at.place)}


@tool(effect="write", timeout=timedelta(seconds=5))
async def write_page(at: Place) -> dict[str, str]:
    """Write a page, and give it back."""
    return {"written": _page(at.place)}


TOOLS: dict[str, Tool] = {each.name: each for each in (look, read_page, write_page)}


def _page(place: str) -> str:
    return (f"{place} has a line. " * PAGE)[:PAGE]


@dataclass(frozen=True)
class Span:
    """What some turns cost in history."""

    turns: int
    events: int
    bytes: int

    @property
    def events_per_turn(self) -> float:
        """The mean."""
        return self.events / max(self.turns, 1)

    @property
    def bytes_per_turn(self) -> float:
        """The mean."""
        return self.bytes / max(self.turns, 1)


@dataclass(frozen=True)
class Measured:
    """One agent's history. `each` has a span of one turn for every turn but the last, which has nothing after it."""

    tool: str
    runs: int
    each: tuple[Span, ...]

    def between(self, first: int, last: int) -> Span:
        """Add up the turns from `first` to `last`, counted from 1, both included."""
        part = self.each[first - 1 : last]
        return Span(len(part), sum(turn.events for turn in part), sum(turn.bytes for turn in part))


def agent_of(turns: int, name: str) -> Script:
    """Write a script of so many turns: all but the last make a call that no other turn makes."""

    def play(request: Request) -> Performance:
        if request.turn >= turns:
            return answer({"answer": "That was the last page."})
        return calls(say(SENTENCE * 2), call(name, place=f"page {request.turn} of the big green catalog"))

    return Script({"assistant": [forever(play)]})


async def measure(stage: Stage, name: str, turns: int) -> Measured:
    """Run an agent of so many turns to its end and take its history apart."""
    plenty = Limits(micro_usd=10**9, tokens=10**9, turns=turns + 5, tool_calls=turns + 5, window=1_000_000)
    handle = await stage.start_agent("Read every page of the catalog.", tools=(name,), limits=plenty)
    outcome = await asyncio.wait_for(handle.result(), PATIENCE)
    if outcome.status != "complete" or outcome.spend.turns != turns:
        raise RuntimeError(f"the agent did not take its {turns} turns: {outcome}")
    chain = [run async for run in chain_of(stage.client, handle)]
    return Measured(name, len(chain), tuple(_turns(event for run in chain for event in run)))


async def chain_of(client: Client, handle: WorkflowHandle):  # noqa: ANN201 - lists of protobuf events
    """Read the histories of a workflow's runs, one after the other."""
    run = handle.first_execution_run_id
    while run:
        history = await client.get_workflow_handle(handle.id, run_id=run).fetch_history()
        yield history.events
        run = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id


def _turns(events) -> Iterator[Span]:  # noqa: ANN001 - protobuf events
    span: Span | None = None
    for event in events:
        if _begins_turn(event):
            if span is not None:
                yield span
            span = Span(1, 0, 0)
        if span is not None:
            span = Span(1, span.events + 1, span.bytes + event.ByteSize())


def _begins_turn(event) -> bool:  # noqa: ANN001 - a protobuf event
    scheduled = event.activity_task_scheduled_event_attributes
    return event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED and (
        scheduled.activity_type.name == "call_model"
    )


def _rows(measured: Measured) -> Iterator[dict[str, object]]:
    last = len(measured.each)
    for mark in (*(mark for mark in MARKS if mark < last), last):
        span = measured.between(min(10, mark), mark)
        yield {
            "tool": measured.tool,
            "turns": f"{min(10, mark)}..{mark}",
            "events_per_turn": round(span.events_per_turn, 2),
            "bytes_per_turn": round(span.bytes_per_turn),
            "this_turn": asdict(measured.each[mark - 1]),
            "runs": measured.runs,
        }


async def main(turns: int, names: list[str], as_json: bool) -> None:
    """Measure each tool and print what came out."""
    rows: list[dict[str, object]] = []
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, serve(port, Path(folder) / "temporal.db"):
        for name in names:
            script, home = agent_of(turns, name), Path(folder) / name
            async with staged(f"127.0.0.1:{port}", home, script, tools=(TOOLS[name],)) as stage:
                rows += _rows(await measure(stage, name, turns))
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{'tool':<12}{'turns':<12}{'events/turn':>12}{'bytes/turn':>12}{'runs':>6}")
    for row in rows:
        print(
            f"{row['tool']:<12}{row['turns']:<12}{row['events_per_turn']:>12}{row['bytes_per_turn']:>12}{row['runs']:>6}"
        )
    print("Runs of one chain (continue-as-new at 2,000 events or 1 MB) are added up.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=201, help="how many turns the agent takes")
    parser.add_argument("--tool", choices=tuple(TOOLS), action="append", help="which tool; all of them by default")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    asyncio.run(main(options.turns, options.tool or list(TOOLS), options.json))
