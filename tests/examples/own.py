"""An example as somebody's own: copied out of this repository, and run as they would run it."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.chaos.processes import environment, kill, ready

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


class Own:
    """A folder of somebody's own, with an example in it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self._env = folder, env

    @classmethod
    def copied(cls, example: str, to: Path, env: dict[str, str]) -> "Own":
        # Without PYTHONPATH: what is found is found because Callsheet is installed.
        return cls(Path(shutil.copytree(EXAMPLES / example, to / example)), {**env, "PYTHONPATH": ""})

    def start(self, *command: str) -> subprocess.Popen[str]:
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, *command], cwd=self.folder, env=self._env, **out)

    @contextlib.asynccontextmanager
    async def worker(self):
        """Their worker, ready."""
        process = self.start("worker.py")
        try:
            if not await ready(process):
                raise AssertionError(f"the worker ended: {process.stderr.read()}")
            yield process
        finally:
            kill(process)


async def said(process: subprocess.Popen[str], seconds: float = 120) -> str:
    """Wait for a program to end well, and return what it printed."""
    out, err = await asyncio.to_thread(process.communicate, timeout=seconds)
    assert process.returncode == 0, err
    return out


def mypy(folder: Path, *paths: str) -> list[str]:
    """Check somebody's own code with mypy, strictly, and return what it finds wrong."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-color-output", "--no-error-summary", *paths]
    env = {**os.environ, "PYTHONPATH": "", "MYPYPATH": ""}
    checked = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert not checked.stderr, checked.stderr
    return checked.stdout.splitlines()


__all__ = ["EXAMPLES", "Own", "environment", "mypy", "said"]
