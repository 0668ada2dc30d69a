"""What telemetry costs: CPU time of a worker per turn, with telemetry off, on, and on with content.

    python bench/telemetry.py [--rounds 5] [--agents 4] [--turns 50] [--json]

A worker is a process of its own, from its environment alone; beside it run an embedded Temporal server, the rehearsal
of the model API, and a collector that takes everything over OTLP/HTTP. Some agents run side by side, each turn with one
model call and one tool call. What is counted is the CPU time of the worker's process alone, with all its threads, until
its last agent has ended and its exports are sent (Linux: it is read from /proc). The modes take turns in every round,
so that all of them have the same machine; what is compared are the ratios within a round.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from console.processes import free_port
from screentest.servers import serve, wait_for
from workflows.models import AgentOrder, AgentOutcome, Limits

ROOT = Path(__file__).parent.parent
MODES: dict[str, dict[str, str]] = {
    "off": {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
    "on": {},
    "on, with content": {"CALLSHEET_TRACE_CONTENT": "1"},
}
PATIENCE = 120
SYLLABLES = ("la", "mo", "ri", "su", "te")
TICKS = os.sysconf("SC_CLK_TCK")


class Sink:
    """Takes what is exported, and counts its bytes."""

    def __init__(self) -> None:
        """Have taken nothing."""
        self.bytes = 0
        self.url = ""


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    """Run a sink on loopback."""
    taken = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.bytes += len(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield taken
    server.shutdown()


@contextlib.contextmanager
def rehearsal(folder: Path, turns: int) -> Iterator[str]:
    """Play agents of so many turns: all but the last make a call that no other turn makes."""
    names = ["".join(each) for each in itertools.product(SYLLABLES, repeat=3)][: turns - 1]
    calls = [{"call": {"name": "find_model", "input": {"name": name}}} for name in names]
    script = folder / "script.json"
    script.write_text(json.dumps({"assistant": [*calls, {"answer": {"answer": "Found."}}]}))
    port = free_port()
    command = [sys.executable, "-m", "rehearsal", "--port", str(port), "--script", str(script)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextlib.asynccontextmanager
async def worker(env: dict[str, str]):  # noqa: ANN201 - a process that is ready
    """Run a worker."""
    command = [sys.executable, str(ROOT / "worker.py")]
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, env=env, stdout=pipe, stderr=null)
    try:
        if process.stdout is None or not await process.stdout.readline():
            raise RuntimeError(f"the worker ended with {await process.wait()}")
        yield process
    finally:
        process.terminate()
        await process.wait()


def cpu(pid: int) -> float:
    """Read how many seconds of CPU time a process has used, in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def agent(client: Client, queue: str, number: int, turns: int) -> None:
    """Run one agent to its end."""
    plenty = Limits(micro_usd=10**9, tokens=10**9, turns=turns + 5, tool_calls=turns + 5, window=1_000_000)
    name = f"bench-{number}-{uuid.uuid4().hex[:8]}"
    order = AgentOrder(goal=f"Find them all, for {name}.", tools=("find_model",), limits=plenty)  # a script for each
    work = client.execute_workflow("SingleAgent", order, id=name, task_queue=queue, result_type=AgentOutcome)
    outcome = await asyncio.wait_for(work, PATIENCE)
    if (outcome.status, outcome.spend.turns) != ("complete", turns):
        raise RuntimeError(f"the agent did not take its {turns} turns: {outcome}")


async def measure(env: dict[str, str], agents: int, turns: int) -> float:
    """Return the milliseconds of CPU time that a turn takes in the worker."""
    client = await Client.connect(env["TEMPORAL_ADDRESS"], data_converter=pydantic_data_converter)
    async with worker(env) as process:
        await agent(client, env["CALLSHEET_TASK_QUEUE"], 0, turns)  # what is loaded at the first use is no turn's
        before = cpu(process.pid)
        await asyncio.gather(*(agent(client, env["CALLSHEET_TASK_QUEUE"], n + 1, turns) for n in range(agents)))
        await asyncio.sleep(1)  # the last batch leaves half a second later
        return (cpu(process.pid) - before) * 1_000 / (agents * turns)


def environment(address: str, model: str, collector: str, home: Path) -> dict[str, str]:
    """Say what a worker needs to know, and nothing of the caller's own."""
    prefixes = ("TEMPORAL_", "CALLSHEET_", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return kept | {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "ANTHROPIC_BASE_URL": model,
        "ANTHROPIC_API_KEY": "rehearsal",
        "CALLSHEET_HOME": str(home),
        "CALLSHEET_TASK_QUEUE": f"bench-{uuid.uuid4().hex[:8]}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


async def main(rounds: int, agents: int, turns: int, as_json: bool) -> None:
    """Measure every mode in every round, and print what came out."""
    found: dict[str, list[float]] = {mode: [] for mode in MODES}
    sent: dict[str, list[float]] = {mode: [] for mode in MODES}
    port = free_port()
    with tempfile.TemporaryDirectory() as name, serve(port, Path(name) / "temporal.db"), sink() as taken:
        folder = Path(name)
        with rehearsal(folder, turns) as model:
            for number in range(rounds):
                for mode, own in MODES.items():
                    env = environment(
                        f"127.0.0.1:{port}", model, taken.url, folder / f"{number}-{len(found[mode])}-{mode}"
                    )
                    before = taken.bytes
                    found[mode].append(await measure(env | own, agents, turns))
                    sent[mode].append((taken.bytes - before) / ((agents + 1) * turns))
    report(found, sent, as_json)


def report(found: dict[str, list[float]], sent: dict[str, list[float]], as_json: bool) -> None:
    """Print the medians, and the ratios to `off` of the same round."""
    rows = []
    for mode, times in found.items():
        ratios = [time / off for time, off in zip(times, found["off"], strict=True)]
        row = {"mode": mode, "cpu_ms_per_turn": round(statistics.median(times), 2)}
        row |= {
            "ratio": round(statistics.median(ratios), 3),
            "least": round(min(ratios), 3),
            "most": round(max(ratios), 3),
        }
        rows.append(row | {"bytes_per_turn": round(statistics.median(sent[mode]))})
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{'telemetry':<18}{'CPU ms/turn':>12}{'ratio':>8}{'least':>8}{'most':>8}{'bytes sent/turn':>17}")
    for row in rows:
        print(
            f"{row['mode']:<18}{row['cpu_ms_per_turn']:>12}{row['ratio']:>8}{row['least']:>8}{row['most']:>8}{row['bytes_per_turn']:>17}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each mode is measured")
    parser.add_argument("--agents", type=int, default=4, help="how many agents run side by side")
    parser.add_argument("--turns", type=int, default=50, help="how many turns each of them takes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    asyncio.run(main(options.rounds, options.agents, options.turns, options.json))
