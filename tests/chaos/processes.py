"""Parts of the house as processes of the test's own: started one by one, killed by their pid alone."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from screentest.servers import wait_for

ROOT = Path(__file__).parent.parent.parent
WORKER = ROOT / "worker.py"
OWN_WORKER = Path(__file__).parent / "own_worker.py"


def environment(stage, address, model=""):
    """What a worker for a stage needs to know, and nothing of the tester's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "CALLSHEET_"))}
    settings = stage.world.settings
    stores = {"CALLSHEET_DATABASE": settings.database, "CALLSHEET_ASSETS": settings.assets}  # empty: in the home folder
    return (
        kept
        | stores
        | {
            "TEMPORAL_ADDRESS": address,
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "ANTHROPIC_BASE_URL": model or stage.rehearsal.url,
            "ANTHROPIC_API_KEY": "rehearsal",
            "CALLSHEET_HOME": str(settings.home),
            "CALLSHEET_TASK_QUEUE": stage.queue,
            "CALLSHEET_DECISION_KEYS": ",".join(settings.decision_keys),
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
    )


def start_worker(env, program=WORKER, stderr=subprocess.DEVNULL):
    """Start a worker; it is ready once it has said its first line."""
    command = [sys.executable, str(program)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=stderr, text=True)


async def ready(process):
    """Wait for the first line of a worker, and return it; empty when it ended instead.

    What comes after it is let go: the engine's own warnings go the same way, and nobody may write to a full pipe.
    """
    line = await asyncio.to_thread(process.stdout.readline)
    threading.Thread(target=_let_go, args=(process.stdout,), daemon=True).start()
    return line


def _let_go(stream):
    with contextlib.suppress(ValueError, OSError):  # closed meanwhile
        while stream.read(4_096):
            pass


@contextlib.asynccontextmanager
async def worker(env, program=WORKER):
    """A worker that serves; it is killed at the end if the test has not done so."""
    process = start_worker(env, program)
    try:
        assert await ready(process), f"the worker ended with {process.wait()}"
        yield process
    finally:
        kill(process)


@contextlib.contextmanager
def endpoint(port):
    """`python -m rehearsal` on a port."""
    process = subprocess.Popen([sys.executable, "-m", "rehearsal", "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield process
    finally:
        kill(process)


def kill(process):
    """`kill -9`, and wait until it is gone."""
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
