"""Does a long conversation stay bounded? Two thousand turns with compaction: cost, window, history and work per turn.

    python -m bench.endurance [--turns 2000] [--window 60000] [--json]

Plays a single agent on the real thing: an embedded Temporal server, the rehearsal of the model API, a world and its
workers. Each turn says a sentence and reads a page of two kilobytes; at three quarters of its window the conversation
is shortened. Prints for each stretch of turns what one turn cost on average at list prices, how much the model read at
most, what stood in history, and the CPU time of this process (worker, rehearsal and stores together).
"""

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.history import TOOLS, agent_of, chain_of
from console.processes import free_port
from rehearsal.journal import Entry
from rehearsal.player import Performance, Request
from screentest.servers import serve
from tests.scenarios.stage import Stage, staged
from workflows.models import Limits

STRETCHES = 10
PATIENCE = 3_600
MILLION = 1_000_000


@dataclass(frozen=True)
class Stretch:
    """Some turns in a row."""

    turns: str
    dollars_per_turn: float
    largest_prompt: int
    cache_hits: float
    compactions: int
    cpu_ms_per_turn: float


class Timed:
    """A player that notes the CPU time of the process at every request."""

    def __init__(self, turns: int) -> None:
        """Play an agent of so many turns."""
        self._agent = agent_of(turns, "read_page")
        self.cpu: list[float] = []

    def reply(self, request: Request) -> Performance:
        """Note the time, and play on."""
        self.cpu.append(time.process_time())
        return self._agent.reply(request)


async def measure(stage: Stage, player: Timed, turns: int, window: int) -> tuple[list[Stretch], list[dict[str, int]]]:
    """Run the agent to its end, and take apart what it did."""
    plenty = Limits(micro_usd=10**9, tokens=10**10, turns=turns + 5, tool_calls=turns + 5, window=window)
    handle = await stage.start_agent("Read every page of the catalog.", tools=("read_page",), limits=plenty)
    outcome = await asyncio.wait_for(handle.result(), PATIENCE)
    if outcome.status != "complete":
        raise RuntimeError(f"the agent ended with {outcome.status}: {outcome.reason}")
    entries = [entry for entry in stage.rehearsal.requests if entry.usage]
    size = -(-len(entries) // STRETCHES)
    stretches = [
        _stretch(entries[at : at + size], at, player.cpu[at : at + size + 1]) for at in range(0, len(entries), size)
    ]
    runs = [
        {"events": len(events), "bytes": sum(event.ByteSize() for event in events)}
        async for events in chain_of(stage.client, handle)
    ]
    return stretches, runs


def _stretch(entries: list[Entry], at: int, cpu: list[float]) -> Stretch:
    parts = [(entry.usage.get("iterations") or [entry.usage])[-1] for entry in entries]
    reads = [part["cache_read_input_tokens"] for part in parts]
    prompts = [
        part["input_tokens"] + part["cache_creation_input_tokens"] + read
        for part, read in zip(parts, reads, strict=True)
    ]
    return Stretch(
        turns=f"{at + 1}..{at + len(entries)}",
        dollars_per_turn=round(sum(entry.micro_usd or 0 for entry in entries) / len(entries) / MILLION, 6),
        largest_prompt=max(prompts),
        cache_hits=round(sum(reads) / sum(prompts), 3),
        compactions=sum(part.get("type") == "compaction" for part in parts),
        cpu_ms_per_turn=round((cpu[-1] - cpu[0]) / max(len(cpu) - 1, 1) * 1_000, 1),
    )


async def main(turns: int, window: int, as_json: bool) -> None:
    """Measure, and print what came out."""
    port, player = free_port(), Timed(turns)
    with tempfile.TemporaryDirectory() as folder, serve(port, Path(folder) / "temporal.db"):
        async with staged(
            f"127.0.0.1:{port}", Path(folder) / "home", player, tools=tuple(TOOLS.values()), remembered=3 * turns
        ) as stage:
            stretches, runs = await measure(stage, player, turns, window)
    if as_json:
        print(json.dumps({"stretches": [asdict(each) for each in stretches], "runs": runs}, indent=1))
        return
    print(
        f"{'requests':<14}{'$/turn':>10}{'largest prompt':>16}{'cache hits':>12}{'compactions':>13}{'CPU ms/turn':>13}"
    )
    for each in stretches:
        print(
            f"{each.turns:<14}{each.dollars_per_turn:>10.6f}{each.largest_prompt:>16,}{each.cache_hits:>12.1%}"
            f"{each.compactions:>13}{each.cpu_ms_per_turn:>13}"
        )
    largest = max(runs, key=lambda run: run["bytes"])
    print(f"window {window:,}; {len(runs)} workflow runs, the largest with {largest['events']:,} events, ", end="")
    print(f"{largest['bytes']:,} bytes of history")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=2_000)
    parser.add_argument("--window", type=int, default=60_000, help="the agent's window in tokens")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    asyncio.run(main(options.turns, options.window, options.json))
