"""What an agent costs at list prices, beside the least that it could cost.

    python bench/cost.py [--turns 10 50 200] [--fan-out 16] [--json]

Plays a single agent on the real thing: an embedded Temporal server, the rehearsal of the model API, a world and its
workers. Each turn says a sentence and reads a page of two kilobytes; every fifth is reminded of its goal; nothing is
compacted. The rehearsal accounts caching as the API documents it (by prefix, breakpoint and lifetime) and bills each
reply by a price list of its own. The least is what remains when each token is written to the cache once, at the price
of five minutes, and read from it in every later turn; output is the same in both.

`--fan-out` starts so many agents of one kind at once. Their least has the shared part (tools and instructions) written
once altogether.
"""

import argparse
import asyncio
import json
import tempfile
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from bench.history import TOOLS, agent_of
from console.processes import free_port
from rehearsal.bill import TARIFFS
from rehearsal.journal import Entry
from screentest.servers import serve
from tests.scenarios.stage import Stage, staged
from workflows.models import Limits
from workflows.terms import DEFAULT_MODEL

TURNS = (10, 50, 200)
PATIENCE = 1_800
MILLION = 1_000_000


@dataclass(frozen=True)
class Cost:
    """What some agents cost, in micro-dollars and tokens."""

    what: str
    calls: int
    billed: int
    least: int
    booked: int
    read: int
    written: int
    uncached: int
    output: int

    @property
    def ratio(self) -> float:
        """Billed over the least."""
        return self.billed / max(self.least, 1)

    @property
    def hits(self) -> float:
        """The share of the prompts that was read from the cache."""
        return self.read / max(self.read + self.written + self.uncached, 1)


def limits(turns: int) -> Limits:
    """Give an agent room for so many turns, and no reason to compact."""
    return Limits(micro_usd=10**9, tokens=10**9, turns=turns + 5, tool_calls=turns + 5, window=10_000_000)


async def one_agent(stage: Stage, turns: int) -> Cost:
    """Run one agent of so many turns."""
    handle = await stage.start_agent("Read every page of the catalog.", tools=("read_page",), limits=limits(turns))
    await asyncio.wait_for(handle.result(), PATIENCE)
    entries = [entry for entry in stage.rehearsal.requests if entry.usage]
    return await _cost(f"{turns} turns", stage, [handle.id], entries, [entries])


async def fan_out(stage: Stage, agents: int, turns: int) -> Cost:
    """Run several agents of one kind, started at once."""
    goals = [f"Read page {number} of the catalog and the pages behind it." for number in range(agents)]
    order = {"tools": tuple(TOOLS), "limits": limits(turns), "instructions": LONG}
    handles = [await stage.start_agent(goal, **order) for goal in goals]
    await asyncio.gather(*(asyncio.wait_for(handle.result(), PATIENCE) for handle in handles))
    entries = [entry for entry in stage.rehearsal.requests if entry.usage]
    talks = [[entry for entry in entries if goal in json.dumps(entry.body)] for goal in goals]
    return await _cost(f"{agents} agents x {turns} turns", stage, [handle.id for handle in handles], entries, talks)


LONG = "You are the assistant of one run.\n" + "\n".join(
    f"Rule {number}: read the page that was asked for, whole, and say what it holds." for number in range(120)
)


async def _cost(what: str, stage: Stage, runs: list[str], entries: list[Entry], talks: list[list[Entry]]) -> Cost:
    lines = [line for run in runs for line in await stage.records.costs(run)]
    return Cost(
        what=what,
        calls=len(entries),
        billed=sum(entry.micro_usd or 0 for entry in entries),
        least=_least(talks, _shared(talks)),
        booked=sum(line["micro_usd"] for line in lines),
        read=sum(entry.usage["cache_read_input_tokens"] for entry in entries),
        written=sum(entry.usage["cache_creation_input_tokens"] for entry in entries),
        uncached=sum(entry.usage["input_tokens"] for entry in entries),
        output=sum(entry.usage["output_tokens"] for entry in entries),
    )


def _shared(talks: list[list[Entry]]) -> int:
    """Count the tokens that all conversations begin with: what the first ones read, or wrote for an hour."""
    if len(talks) == 1:
        return 0
    firsts = [talk[0].usage for talk in talks]
    hour = max(usage["cache_creation"]["ephemeral_1h_input_tokens"] for usage in firsts)
    return max(hour, *(usage["cache_read_input_tokens"] for usage in firsts))


def _least(talks: list[list[Entry]], shared: int) -> int:
    price = TARIFFS[DEFAULT_MODEL].standard
    total = Fraction(shared * (price.write_5m - price.read)) if shared else Fraction(0)
    for talk in talks:
        before = shared
        for entry in talk:
            usage = entry.usage
            prompt = sum(
                usage[name] for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
            )
            total += before * price.read + (prompt - before) * price.write_5m + usage["output_tokens"] * price.output
            before = prompt
    return round(total)


async def main(turns: list[int], agents: int, as_json: bool) -> None:
    """Measure, and print what came out."""
    costs: list[Cost] = []
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, serve(port, Path(folder) / "temporal.db"):
        server = f"127.0.0.1:{port}"
        for count in turns:
            script, home = agent_of(count, "read_page"), Path(folder) / str(count)
            async with staged(server, home, script, tools=tuple(TOOLS.values())) as stage:
                costs.append(await one_agent(stage, count))
        if agents:
            script, home = agent_of(5, "read_page"), Path(folder) / "fan-out"
            async with staged(server, home, script, tools=tuple(TOOLS.values())) as stage:
                costs.append(await fan_out(stage, agents, 5))
    if as_json:
        print(json.dumps([{**asdict(cost), "ratio": cost.ratio, "hits": cost.hits} for cost in costs], indent=1))
        return
    print(f"{'run':<22}{'calls':>6}{'billed':>11}{'least':>11}{'ratio':>8}{'booked':>11}{'cache hits':>12}")
    for cost in costs:
        print(
            f"{cost.what:<22}{cost.calls:>6}{_dollars(cost.billed):>11}{_dollars(cost.least):>11}{cost.ratio:>8.3f}"
            f"{_dollars(cost.booked):>11}{cost.hits:>12.1%}"
        )
    print(f"{DEFAULT_MODEL} at list prices. 'booked' is what our ledger says; it has to equal 'billed'.")


def _dollars(micro_usd: int) -> str:
    return f"${micro_usd / MILLION:.6f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, nargs="+", default=list(TURNS), help="how many turns the agent takes")
    parser.add_argument("--fan-out", type=int, default=16, help="agents of one kind at once; 0: none")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    asyncio.run(main(options.turns, options.fan_out, options.json))
