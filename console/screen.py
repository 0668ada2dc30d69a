"""Where output goes: data to stdout, everything said on the way to stderr when a program is listening."""

import json
import sys
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from rich.console import Console, RenderableType

from workflows.tracing import dollars

__all__ = ["Screen", "bar", "dollars", "plain"]

WIDE = 180
"""Columns where no terminal sets them, e.g. in a file or a pipe."""
GLYPHS = {
    "published": "[green]✓[/]",
    "decided": "[green]✓[/]",
    "complete": "[green]✓[/]",
    "partial": "[yellow]✓[/]",
    "awaiting_review": "[magenta]?[/]",
    "rejected": "[yellow]✗[/]",
    "failed": "[red]✗[/]",
    "cancelled": "[dim]✗[/]",
    "waiting": "[dim]·[/]",
    "paused": "[yellow]‖[/]",
}


class Screen:
    """Prints for a person, or for a program when `as_json` is set: then stdout holds one JSON document only."""

    def __init__(self, *, as_json: bool = False) -> None:
        """Choose the listener."""
        self.as_json = as_json
        listener = sys.stderr if as_json else sys.stdout
        width = None if listener.isatty() else WIDE
        # No emoji: `run:x:` is an account, not a picture.
        self.console = Console(stderr=as_json, highlight=False, emoji=False, soft_wrap=width is not None, width=width)

    @property
    def live(self) -> bool:
        """Whether a display that redraws itself makes sense."""
        return not self.as_json and self.console.is_terminal

    def say(self, text: RenderableType) -> None:
        """Tell what is going on."""
        self.console.print(text)

    def show(self, data: Any, view: RenderableType) -> None:  # noqa: ANN401 - whatever is to be shown
        """Print the result: `data` for a program, `view` for a person."""
        if self.as_json:
            sys.stdout.write(json.dumps(plain(data), ensure_ascii=False, indent=2) + "\n")
        else:
            self.console.print(view)


def plain(data: Any) -> Any:  # noqa: ANN401 - whatever is to be shown
    """Turn values into what JSON can hold."""
    if isinstance(data, BaseModel):
        return data.model_dump(mode="json")
    if isinstance(data, dict):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, datetime):
        return data.isoformat()
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    return data if data is None or isinstance(data, str | int | float | bool) else str(data)


def bar(score: int, width: int = 10) -> str:
    """Draw a score of 0 to 100."""
    full = round(score / 100 * width)
    colour = "green" if score >= 80 else "yellow" if score >= 60 else "red"  # noqa: PLR2004 - the default threshold
    return f"[{colour}]{'█' * full}[/][dim]{'░' * (width - full)}[/] {score:3d}" if score else "[dim]-[/]"
