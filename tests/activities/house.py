"""What the tests of tools and catalog stand on: a real database, assets in memory, a plain log of calls."""

from dataclasses import dataclass, field
from typing import Any

from activities.assets import Assets
from activities.database import Database
from activities.effects import Effects
from activities.tools.definition import RawCall, Tool, ToolResult
from activities.tools.references import References
from activities.tools.toolbox import Toolbox, Toolset
from workflows.models import Outcome, Scope, ToolUse

SCOPE = Scope(run="run-1", item="shot-1", agent="generator")


@dataclass
class Log:
    """One conversation's calls and results, in memory."""

    said: list[RawCall]
    pinned: tuple[str, ...]
    results: dict[str, ToolResult] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    async def pinned_tools(self, pin):
        return self.pinned

    async def pinned_definitions(self, pin):
        return self.told

    async def calls(self, conversation, position):
        return tuple(self.said)

    async def find_result(self, conversation, call_id) -> Outcome | None:
        kept = self.results.get(call_id)
        return kept.outcome if kept else None

    async def put_result(self, result: ToolResult) -> Outcome:
        return self.results.setdefault(result.call_id, result).outcome


class House:
    """A toolbox over given tools."""

    def __init__(self, folder, tools: tuple[Tool, ...], directories=None, world=(), database=None):
        self.database = database or Database(f"sqlite:///{folder}/house.db")
        self.database.prepare()
        self.assets = Assets.at("memory://")
        self.effects = Effects(self.database)
        self.log = Log([], tuple(tool.name for tool in tools))
        self.references = directories if isinstance(directories, References) else References(directories or {})
        self.toolbox = self.box(tools, world)
        self.log.told = {each["name"]: each for each in Toolset(tools).definitions(self.log.pinned)}

    def box(self, tools, world=()):
        return Toolbox(Toolset(tools), world, self.references, self.log, self.effects, self.assets)

    async def use(self, tool: str, arguments: Any, *, call_id="c1", scope=SCOPE, grants=()) -> Outcome:
        self.log.said.append(RawCall(call_id, tool, arguments))
        return await self.again(call_id, scope=scope, grants=grants)

    async def again(self, *call_ids, scope=SCOPE, grants=()) -> Outcome:
        outcomes = await self.toolbox.use(use_of(*call_ids, scope=scope, grants=grants))
        return outcomes.each[0]

    def seen(self, call_id="c1") -> str:
        """What the model sees of a result."""
        return self.log.results[call_id].content


def use_of(*call_ids, scope=SCOPE, grants=()) -> ToolUse:
    return ToolUse(
        conversation="talk", scope=scope, pin="pin", position=1, calls=call_ids, key="batch", grants=tuple(grants)
    )
