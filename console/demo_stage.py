"""What every demo stands on: a stack that is found or started, and left or stopped at the end."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rich.console import RenderableType
from rich.markup import escape

from activities.settings import Settings
from console.desk import one_visit
from console.screen import Screen
from console.stack import Running, Stack
from console.stores import Stores

OUT = Path("out")
T = TypeVar("T")


class DemoStage:
    """Starts or finds the stack for a demo. Questions are answered in the name of `by`; with `yes` all are approved."""

    def __init__(self, settings: Settings, screen: Screen, *, yes: bool, keep: bool, by: str) -> None:
        """With `keep` the stack is left running."""
        self.settings, self.screen = settings, screen
        self.yes, self.keep, self.by = yes, keep, by
        self._stack = Stack(settings)

    async def staged(self, work: Callable[[Stores, Running], Awaitable[int]]) -> int:
        """Do the work of the demo on a stack; returns its exit code."""
        with Stores(self.settings) as stores:
            running, ours = await self._stack.up("demo", keep=self.keep, say=lambda text: self.say(f"[dim]{text}"))
            try:
                if not ours:
                    self.say(f"[dim]Using the stack that runs at {running.address}")
                self._welcome(running)
                return await work(stores, running)
            finally:
                if ours and not self.keep:
                    self.say("[dim]Stopping the stack")
                    self._stack.down()
                else:
                    self._stack.let_go()

    def _welcome(self, running: Running) -> None:
        self.say(f"Model: [bold]{escape(running.model)}")
        if running.metrics:
            self.say(f"[dim]Metrics at {running.metrics}")
        if visit := one_visit(self.settings, running, self.by):
            self.say(f"Review desk: [bold]{visit}[/]   [dim]the link works once; questions wait there, and here")

    async def kept(self, run: str, following: Awaitable[T]) -> T:
        """Follow a run; when that breaks off, say that the run does not."""
        try:
            return await following
        except BaseException:
            self.say(
                f"[yellow]The run {run} is kept and goes on with the next stack; to end it: callsheet cancel {run}"
            )
            raise

    def say(self, text: RenderableType) -> None:
        """Tell what is going on."""
        self.screen.say(text)

    def page_of(self, running: Running, run: str) -> str:
        """Give the address of a run's page in the Temporal UI."""
        return f"{running.ui}/namespaces/default/workflows/{run}"
