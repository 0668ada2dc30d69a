"""Tools of other systems as an agent knows them: one that became another meanwhile is no longer run for it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from activities.tools.answers import canonical
from activities.tools.definition import Declined, Tool
from activities.tools.schemas import input_schema

HINT = "its arguments or its meaning may be others now; go on without it, or ask for a person"


class Anything(BaseModel):
    """Whatever was written for a tool that is not run any more."""

    model_config = ConfigDict(frozen=True, extra="allow")


def as_pinned(known: Mapping[str, Tool], told: Mapping[str, Mapping[str, Any]]) -> dict[str, Tool]:
    """Withdraw the tools of other systems that are not what the agent was told when it was pinned."""
    return {name: tool if _same(tool, told.get(name, {})) else _withdrawn(tool) for name, tool in known.items()}


def _same(tool: Tool, told: Mapping[str, Any]) -> bool:
    then = (told.get("description"), told.get("input_schema"))
    return not tool.source or canonical(then) == canonical((tool.description, input_schema(tool.arguments)))


def _withdrawn(tool: Tool) -> Tool:
    async def run(_: Anything) -> Declined:
        return Declined(f"{tool.source} changed {tool.name} since this agent began", HINT, "permission")

    policy = tool.policy._replace(effect="read")
    return replace(tool, arguments=Anything, run=run, policy=policy, needs=(), permit=None, idempotent=False)
