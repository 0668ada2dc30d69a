"""The line to one MCP server: held by a task of its own, and opened anew after it broke."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar, cast

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, RequestParamsMeta, Tool

R = TypeVar("R")

KEY = "callsheet/key"
"""Under this name the idempotency key of a call goes to the server, among the call's `_meta`."""
MOST_PAGES = 100
PING = 2.0
"""Seconds for a server to show, after a call took too long, that it still lives."""

Open = Callable[[AsyncExitStack], Awaitable[Client]]


class NoLine(ConnectionError):  # noqa: N818 - named by what happened
    """The server is not to be reached: nothing was asked of it."""


class LineBroke(ConnectionError):  # noqa: N818 - named by what happened
    """The line broke while something was asked: nobody knows whether the server did it."""


def by_command(command: tuple[str, ...], env: dict[str, str], folder: str | None) -> Open:
    """Reach a server that is a program of this machine: it is started, and ended with the line."""
    first, *rest = command

    async def enter(stack: AsyncExitStack) -> Client:
        program = StdioServerParameters(command=first, args=rest, env=env, cwd=folder)
        return await stack.enter_async_context(Client(program, cache=None))

    return enter


def by_url(url: str, headers: dict[str, str], patience: float) -> Open:
    """Reach a server over streamable HTTP."""

    async def enter(stack: AsyncExitStack) -> Client:
        # No limit on reading: how long a call may take is the tool's own policy.
        limits = httpx2.Timeout(patience, read=None)
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=limits))
        transport = streamable_http_client(url, http_client=http)
        return await stack.enter_async_context(Client(transport, cache=None))

    return enter


class Line:
    """Calls one server. A call that hangs, or a server that dies, is never more than a `ConnectionError`."""

    def __init__(self, name: str, enter: Open, patience: float) -> None:
        """Wait for `patience` seconds until the server answers."""
        self._name, self._enter, self._patience = name, enter, patience
        self._door = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._opened_at = 0.0

    async def open(self) -> float:
        """Reach the server if it is not reached yet; tells since when this line is open."""
        await self._reach()
        return self._opened_at

    async def list_tools(self) -> dict[str, Tool]:
        """List the server's tools by name."""
        client = await self._reach()
        found: dict[str, Tool] = {}
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._ask(client.list_tools(cursor=cursor), self._patience)
            found |= {tool.name: tool for tool in page.tools}
            if (cursor := page.next_cursor) is None:
                break
        return found

    async def call(self, tool: str, arguments: dict[str, Any], key: str, seconds: float) -> CallToolResult:
        """Call a tool once.

        Raises:
            NoLine: the server is not to be reached.
            LineBroke: it was asked, and no answer came.
        """
        client = await self._reach()
        meta = cast("RequestParamsMeta", {KEY: key})  # which names its own entries only, and lets others be
        return await self._ask(client.call_tool(tool, arguments, meta=meta), seconds)

    async def close(self) -> None:
        """Hang up; the next call opens the line again."""
        keeper, self._keeper, self._client = self._keeper, None, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait({keeper})

    async def _reach(self) -> Client:
        async with self._door:
            if self._client is not None and self._keeper is not None and not self._keeper.done():
                return self._client
            await self.close()
            opened: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._hold(opened), name=f"mcp {self._name}")
            either: set[asyncio.Future[Any]] = {opened, self._keeper}
            await asyncio.wait(either, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
            if opened.done():
                self._client, self._opened_at = opened.result(), time.monotonic()
                return self._client
            why = _reason(self._keeper) if self._keeper.done() else f"no answer in {self._patience:g} s"
            await self.close()
            raise NoLine(f"the MCP server {self._name} is not to be reached: {why}")

    async def _hold(self, opened: "asyncio.Future[Client]") -> None:
        # The library's connections have to be entered and left in one task, which outlives every call.
        async with AsyncExitStack() as stack:
            client = await self._enter(stack)
            if not opened.done():
                opened.set_result(client)
            await asyncio.Event().wait()

    async def _ask(self, question: Coroutine[Any, Any, R], seconds: float) -> R:
        # A task of its own: whatever scopes the library opens and cancels, ours are not touched.
        asked = asyncio.create_task(question)
        try:
            await asyncio.wait({asked, *self._keepers()}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if asked.done() and asked.exception() is None:
                return asked.result()
        finally:
            asked.cancel()
        if not asked.done():
            await self._hang_up_on_the_dead()
            raise LineBroke(f"the MCP server {self._name} gave no answer in {seconds:g} s")
        why = _reason(asked)
        await self._hang_up_on_the_dead()
        raise LineBroke(f"the MCP server {self._name} failed: {why}")

    def _keepers(self) -> set["asyncio.Task[None]"]:
        return {self._keeper} if self._keeper is not None else set()

    async def _hang_up_on_the_dead(self) -> None:
        """Give the line up unless the server still answers: other calls may be waiting on it."""
        client = self._client
        if client is None:
            return
        ping = asyncio.create_task(client.session.send_ping())
        await asyncio.wait({ping}, timeout=PING)
        lives = ping.done() and not ping.cancelled() and ping.exception() is None
        ping.cancel()
        if not lives and self._client is client:
            await self.close()


def _reason(task: "asyncio.Task[Any]") -> str:
    """Say in one line why a task failed: of a group of errors the first that says something."""
    error: BaseException | None = None if task.cancelled() else task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(str(error).split()) if error else "it hung up"
    return (text or type(error).__name__)[:200]
