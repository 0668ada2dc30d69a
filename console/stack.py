"""The embedded stack of one home: a Temporal server, the rehearsal unless there is a key, a worker, the review desk."""

import asyncio
import fcntl
import os
from collections.abc import Callable, Mapping
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from activities.settings import Settings
from console.errors import Exit, Stopped
from console.launch import Launch, Parts
from console.processes import Child, free_port

GRACE = {"desk": 5.0, "worker": 12.0, "rehearsal": 3.0, "temporal": 8.0}
"""Seconds that each process gets to end by itself."""

DESK = 8400
"""The desk's port in a stack for development."""

Mode = Literal["demo", "dev"]


class Running(BaseModel):
    """A stack as kept in `stack.json`. A `kept` one outlives the command that started it."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    kept: bool = False
    address: str = ""
    ui: str = ""
    model: str = ""
    metrics: str = ""
    desk: str = ""
    ending: bool = False
    children: tuple[Child, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether it was started whole, and every process of it runs."""
        return bool(self.address and self.model) and not self.ending and all(child.alive for child in self.children)

    def end(self) -> tuple[str, ...]:
        """End exactly these processes: the worker first, so that it can hand back what it holds."""
        living = [child for child in reversed(self.children) if child.alive]
        for child in living:
            child.end(GRACE.get(child.name, 5.0))
        return tuple(child.name for child in living)


class Stack:
    """Finds, starts and ends the embedded stack of one home folder."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str] | None = None, parts: Parts | None = None
    ) -> None:
        """Work in `settings.home`; the processes get `environ`, and `parts` says which programs they are."""
        self._settings = settings
        self._environ = os.environ if environ is None else environ
        self._parts = parts
        self._file = settings.home / "stack.json"
        self._lock: IO[str] | None = None
        self._running = Running(mode="demo")

    def find(self) -> Running | None:
        """Find a stack that runs in this home."""
        found = self._read()
        return found if found and found.alive else None

    @property
    def ended(self) -> bool:
        """Whether somebody ends it, or has ended it, on purpose."""
        found = self._read()
        return found is None or found.ending

    async def up(self, mode: Mode, *, keep: bool = False, say: Callable[[str], None]) -> tuple[Running, bool]:
        """Use the stack that runs, or start one; the second value says whether it is ours to end.

        Raises:
            Stopped: when a part is missing or does not start, or another command starts one in this home.
        """
        found = self.find()
        if found and (found.kept or found.mode == "dev"):
            return found, False
        self._take_lock()
        if found := self._read():
            found.end()
        try:
            return await self._start(Running(mode=mode, kept=keep), say), True
        except BaseException:
            self.down()
            raise

    def down(self) -> tuple[str, ...]:
        """End the stack of this home, or what is left of one; returns the names of the processes that were ended."""
        found = self._read()
        if found:
            self._keep(found.model_copy(update={"ending": True}))  # so that whoever serves it knows why it ends
        ended = found.end() if found else ()
        self._file.unlink(missing_ok=True)
        self.let_go()
        return ended

    def let_go(self) -> None:
        """Leave the stack to run by itself."""
        if self._lock:
            self._lock.close()
            self._lock = None

    async def _start(self, running: Running, say: Callable[[str], None]) -> Running:
        parts = self._parts or Parts.installed()
        launch = Launch(self._settings, self._environ, parts, self._note)
        self._keep(running)
        by_choice = running.mode == "dev"  # a stack for development is where every tool looks by default
        port, ui = free_port(7233 if by_choice else 0), free_port(8233 if by_choice else 0)
        say("Starting Temporal")
        address = await launch.temporal(port, ui)
        say("Starting the model")
        model, reach = await launch.model()
        desk = f"http://127.0.0.1:{free_port(DESK if by_choice else 0)}" if parts.desk else ""
        say(f"Starting the worker{' and the review desk' * bool(desk)}")
        metrics, _ = await asyncio.gather(  # side by side: each takes seconds to read its modules
            launch.worker(address, reach, free_port(9464 if by_choice else 0), desk), launch.desk(address, desk)
        )
        found = {"address": address, "ui": f"http://127.0.0.1:{ui}", "model": model, "metrics": metrics, "desk": desk}
        return self._keep(self._running.model_copy(update=found))

    def _note(self, child: Child) -> None:
        # Written at every start: should this command be killed, the next one still finds what to end.
        self._keep(self._running.model_copy(update={"children": (*self._running.children, child)}))

    def _keep(self, running: Running) -> Running:
        self._running = running
        draft = self._file.with_suffix(".new")
        draft.write_text(running.model_dump_json(indent=2))
        draft.replace(self._file)
        return running

    def _read(self) -> Running | None:
        try:
            return Running.model_validate_json(self._file.read_text())
        except (OSError, ValidationError):
            return None

    def _take_lock(self) -> None:
        # The system gives the lock back when its holder dies, however that happens.
        self._settings.home.mkdir(parents=True, exist_ok=True)
        lock = (self._settings.home / "stack.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            place = self._settings.home
            raise Stopped(Exit.CONFLICT, f"another command runs its own stack in {place}; try again later") from None
        self._lock = lock
