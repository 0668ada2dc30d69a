"""The stage of the kit, with a few tools of the scenarios' own."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

import screentest
from activities.tools import TOOLS
from activities.tools.definition import Arguments, tool
from activities.tools.references import Ref
from screentest import PATIENCE
from tests.scenarios.signing import DESK

__all__ = ["OWN_TOOLS", "PATIENCE", "Look", "Notebook", "Stage", "Write", "staged"]


class Notebook:
    """What the test's own tools did: how often, and with what."""

    def __init__(self) -> None:
        self.lines: list[str] = []


class Look(Arguments):
    place: str = Field(max_length=2_000)


class Write(Arguments):
    line: str = Field(max_length=2_000)


class Booking(Arguments):
    model_id: Annotated[str, Ref("model")]


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def look(at: Look) -> dict[str, str]:
    """Look at a place; it always looks the same."""
    return {"seen": f"nothing new at {at.place}"}


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def read_page(at: Look) -> dict[str, str]:
    """Read a page of two kilobytes."""
    return {"page": (at.place + " ") * (2_000 // (len(at.place) + 1))}


@tool(effect="write", timeout=timedelta(seconds=5))
async def write_line(what: Write, notebook: Notebook) -> dict[str, int]:
    """Write a line."""
    notebook.lines.append(what.line)
    return {"lines": len(notebook.lines)}


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def book(what: Booking, notebook: Notebook) -> dict[str, str]:
    """Book a fashion model."""
    notebook.lines.append(what.model_id)
    return {"booked": what.model_id}


@tool(effect="read", timeout=timedelta(seconds=5))
async def break_down(at: Look) -> dict[str, str]:
    """Break down."""
    raise RuntimeError(f"no road to {at.place}")


OWN_TOOLS = (look, read_page, write_line, book, break_down)


class Stage(screentest.Stage):
    """A stage with a notebook; its agents have the scenarios' own tools."""

    notebook: Notebook

    async def start_agent(self, goal: str = "Find the way.", **order):
        tools = order.pop("tools", (*(each.name for each in OWN_TOOLS), "escalate_to_human"))
        return await super().start_agent(goal, tools=tools, **order)


def staged(server, home, player, *, tools=(*TOOLS, *OWN_TOOLS), dependencies=(), **more):
    """Set a stage of this kind; it trusts the scenarios' own desk."""
    notebook = Notebook()

    def with_notebook(*parts) -> Stage:
        stage = Stage(*parts)
        stage.notebook = notebook
        return stage

    own = {"tools": tools, "dependencies": (notebook, *dependencies), "signer": DESK, "stage": with_notebook}
    return screentest.staged(server, home, player, **own, **more)
