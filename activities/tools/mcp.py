"""MCP: tools of any server that speaks the Model Context Protocol, under our checks, effects, limits and approvals.

    files = McpServer(
        "files",
        command=("npx", "@modelcontextprotocol/server-filesystem", "/srv/briefs"),
        tools={"read_file": Remote("read"), "write_file": Remote("write")},
        lock=Path("files.lock.json"),
    )
    world = await World.open(tools=(*TOOLS, *await files.tools()))

Only declared tools are offered, under the name `files_read_file`, with the effect that you declare. What a server says
of its tools is a hint, never a policy. Its descriptions and schemas are kept in the lock, to be reviewed like code: a
server that changes them is noticed, and its tool refused until somebody has looked.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import mcp_types
import structlog

from activities.assets import Assets
from activities.tools.conditions import conditions
from activities.tools.definition import Approval, BadTool, Context, Declined, Policy, Tool
from activities.tools.given import Given, given
from activities.tools.mcp_line import Line, NoLine, Open, by_command, by_url
from activities.tools.mcp_locks import Definition, read_lock, write_lock
from activities.tools.mcp_results import told
from workflows.models import Effect

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
RECHECK = 5.0
"""Seconds for which a server is believed not to have changed its tools."""
UNREACHED = "nothing was done; go on without it, or try again later"
CHANGED = "a person has to look at what it does now; go on without it, or ask for a person"


@dataclass(frozen=True)
class Remote:
    """How one tool of a server may be used. `name` is what the model calls it, by default `SERVER_TOOL`.

    `permit`, `approval` and `idempotent` are as in `@tool`; the key of a call goes to the server, in its `_meta`, as
    `callsheet/key`.
    """

    effect: Effect
    timeout: timedelta = timedelta(seconds=30)
    permit: str | None = None
    approval: Approval = ""
    idempotent: bool = False
    name: str = ""


class McpServer:
    """One server, as a source of tools. Reached when a tool is first called, and again whenever the line broke."""

    def __init__(
        self,
        name: str,
        *,
        tools: Mapping[str, Remote],
        command: tuple[str, ...] = (),
        url: str = "",
        secrets: Mapping[str, str] | None = None,
        lock: Path | None = None,
        patience: timedelta = timedelta(seconds=10),
    ) -> None:
        """Start `command` and speak over its standard input and output, or speak to `url` over streamable HTTP.

        `secrets` are environment variables of the command, or headers for the URL. `lock` is the file that holds what
        the server said of its tools: written when it is missing, and heeded from then on. `patience` is how long the
        server has to answer when it is first spoken to.

        Raises:
            BadTool: neither or both ways to reach it are given.
        """
        if bool(command) == bool(url):
            raise BadTool(
                f"the MCP server {name} needs one way to be reached", "give it either command=(...) or url=..."
            )
        self.name = name
        self._declared = dict(tools)
        self._lock = lock
        seconds, given_secrets = patience.total_seconds(), dict(secrets or {})
        way: Open = by_url(url, given_secrets, seconds) if url else by_command(command, given_secrets, None)
        self._line = Line(name, way, seconds)
        self._seen: dict[str, str] = {}
        self._seen_at = 0.0

    async def tools(self) -> tuple[Tool, ...]:
        """Give the declared tools, as the lock has them, or as the server lists them now.

        Raises:
            BadTool: one is unknown, contradicts what the server says of it, or does not fulfil the conditions.
            ConnectionError: there is no lock, and the server is not to be reached.
        """
        known = read_lock(self._lock, self.name) if self._lock and self._lock.exists() else None
        if known is None:
            known = {name: _definition(tool) for name, tool in (await self._line.list_tools()).items()}
            if self._lock:
                write_lock(self._lock, self.name, {name: known[name] for name in self._declared if name in known})
        return tuple(self._tool(name, remote, known) for name, remote in self._declared.items())

    async def close(self) -> None:
        """Hang up."""
        await self._line.close()

    async def __aenter__(self) -> Self:
        """Be ready; nothing is opened yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        await self.close()

    def _tool(self, name: str, remote: Remote, known: Mapping[str, Definition]) -> Tool:
        if (definition := known.get(name)) is None:
            listed = ", ".join(sorted(known)) or "none"
            fix = f"declare only tools that it has: {listed}" + (
                "; a lock may be out of date: delete it" * bool(self._lock)
            )
            raise BadTool(f"the MCP server {self.name} has no tool {name}", fix)
        called = remote.name or f"{self.name}_{name}"
        if not NAME.fullmatch(called):
            fix = f'give it another one: "{name}": Remote(..., name="...")'
            raise BadTool(f"{called!r} is no name for a tool: letters, digits, _ and -, at most 64", fix)
        if remote.effect == "read" and definition.destructive:
            fix = f'declare "{name}" as "write" or "once", whichever it is'
            raise BadTool(f'{called} is declared "read", but its server says that it may destroy', fix)
        arguments = given(called, definition.input_schema)
        if remote.permit is not None and remote.permit not in arguments.properties():
            fix = f"name one of its arguments: {', '.join(arguments.properties()) or 'none'}"
            raise BadTool(f"{called}: permit names no argument: {remote.permit}", fix)
        tool = Tool(
            name=called,
            description=definition.description or f"The tool {name} of {self.name}.",
            arguments=arguments,
            run=self._runner(name, remote, definition),
            policy=Policy(remote.effect, False, "tools", remote.timeout),
            needs=(Context, Assets),
            permit=remote.permit,
            approval=remote.approval,
            idempotent=remote.idempotent,
            source=self.name,
        )
        conditions(tool)
        return tool

    def _runner(self, name: str, remote: Remote, definition: Definition) -> Any:  # noqa: ANN401 - a tool's function
        async def run(arguments: Given, context: Context, assets: Assets) -> dict[str, Any] | Declined:
            try:
                if await self._changed(name, definition):
                    return Declined(
                        f"{self.name} changed its tool {name} since it was registered", CHANGED, "permission"
                    )
                seconds = remote.timeout.total_seconds()
                result = await self._line.call(name, arguments.root, context.key, seconds)
            except NoLine as error:
                return Declined(str(error), UNREACHED, "raised")
            return await told(result, self.name, assets)

        return run

    async def _changed(self, name: str, definition: Definition) -> bool:
        """Tell whether the server says something else of the tool now than when it was registered."""
        if self._seen_at < await self._line.open() or time.monotonic() - self._seen_at > RECHECK:
            listed = await self._line.list_tools()
            self._seen = {each: _definition(tool).digest for each, tool in listed.items()}
            self._seen_at = time.monotonic()
        same = self._seen.get(name) == definition.digest
        if not same:
            structlog.get_logger("callsheet.tools").warning("mcp_tool_changed", server=self.name, tool_name=name)
        return not same


def _definition(tool: mcp_types.Tool) -> Definition:
    hints = tool.annotations
    destructive = hints is not None and hints.read_only_hint is not True and hints.destructive_hint is True
    return Definition(description=tool.description or "", input_schema=tool.input_schema, destructive=destructive)
