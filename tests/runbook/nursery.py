"""Has the command line and the worker imported once, and forks a process of its own for each that is asked for.

What runs is the same as `starter.py WORDS` and `worker.py`; only the seconds of importing are spent once, which is most
of the time of a page of commands. `python -m tests.runbook.nursery SOCKET` serves; `CLIENT` asks.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from activities.leave import leave
from activities.serving import run as serve_worker
from activities.tools import TOOLS
from activities.world import World
from console.app import run
from workflows.pipelines import PIPELINES

CLIENT = """
import json, os, socket, sys
asked = {"words": sys.argv[2:], "folder": os.getcwd(), "environ": dict(os.environ)}
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
socket.send_fds(line, [json.dumps(asked).encode()], [0, 1, 2])
line.shutdown(socket.SHUT_WR)
sys.exit(int(line.recv(16) or 70))
"""
WORKER = "worker"


def be(asked: dict[str, Any], files: list[int]) -> int:
    """Become the process that was asked for, and return its exit code."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    words = asked["words"]
    if words[0] != WORKER:
        return run(words)
    os.setsid()
    Path(f"{words[1]}.pid").write_text(str(os.getpid()))
    for number, end in ((1, "out"), (2, "log")):
        os.dup2(os.open(f"{words[1]}.{end}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    return serve_worker(lambda: World.open(tools=TOOLS, pipelines=PIPELINES))


def main(place: str) -> None:
    """Serve for ever."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(place)
    door.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a child here: its caller hears its code
    while True:
        line, _ = door.accept()
        message, files, _, _ = socket.recv_fds(line, 1 << 20, 3)
        while more := line.recv(1 << 20):
            message += more
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            door.close()
            asked = json.loads(message)
            if asked["words"][0] == WORKER:
                line.sendall(b"0")
                line.close()
            code = be(asked, files)
            sys.stdout.flush()
            if asked["words"][0] != WORKER:
                line.sendall(str(code).encode())
            leave(code)
        for file in files:
            os.close(file)
        line.close()


if __name__ == "__main__":
    main(sys.argv[1])
