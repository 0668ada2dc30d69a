"""Locks: what a server said of its tools when somebody looked, as a file to be reviewed like code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from activities.tools.answers import canonical
from activities.tools.definition import BadTool


class Definition(BaseModel):
    """What the model is told of a tool. `destructive` is a hint of the server, heeded only where it warns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = Field(default="", max_length=16_000)
    input_schema: dict[str, Any]
    destructive: bool = False

    @property
    def digest(self) -> str:
        """Tell it from any other."""
        return canonical(self.model_dump(mode="json"))


class Lock(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server: str
    tools: dict[str, Definition]


def read_lock(path: Path, server: str) -> dict[str, Definition]:
    """Read what was locked of a server.

    Raises:
        BadTool: the file is no lock, or one of another server.
    """
    try:
        lock = Lock.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        first = next(iter(str(error).splitlines()), "")
        raise BadTool(
            f"{path.name} is no lock of MCP tools: {first[:200]}", "delete it, and it is written anew"
        ) from None
    if lock.server != server:
        raise BadTool(
            f"{path.name} is the lock of {lock.server}, not of {server}", "give each server a lock of its own"
        )
    return lock.tools


def write_lock(path: Path, server: str, tools: Mapping[str, Definition]) -> None:
    """Write what a server says of its tools now."""
    kept = {name: tool.model_dump(mode="json") for name, tool in sorted(tools.items())}
    path.write_text(
        json.dumps({"server": server, "tools": kept}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
