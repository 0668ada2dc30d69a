"""Dispatch: runs an admitted call. What happens once has a record that is written before it happens."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import structlog
from pydantic import BaseModel
from temporalio.exceptions import ApplicationError

from activities.effects import Effects
from activities.tools.answers import Answer, canonical, refused, success
from activities.tools.definition import BadTool, Context, Declined, NotDone, Run, Tool


class Dispatch:
    """Runs tools with the dependencies they ask for by type."""

    def __init__(self, world: Iterable[object], effects: Effects) -> None:
        """Take dependencies from `world` and keep the records of side effects in `effects`."""
        self._world = tuple(world)
        self._effects = effects
        self._log = structlog.get_logger("callsheet.tools")

    def check(self, tool: Tool) -> None:
        """Prove that every dependency of a tool is there.

        Raises:
            BadTool: a dependency is missing, or more than one object of the world fits.
        """
        for need in tool.needs:
            if need is not Context:
                self._find(tool, need)

    async def run(self, tool: Tool, arguments: BaseModel, context: Context) -> Answer:
        """Run a call; whatever goes wrong inside the tool becomes an answer."""
        if tool.policy.effect == "once":
            return await self._once(tool, arguments, context)
        try:
            return await self._act(tool, arguments, context)
        except Exception as error:  # noqa: BLE001 - a tool may raise anything, and no agent may die of it
            return self._raised(tool, context, error)

    async def _once(self, tool: Tool, arguments: BaseModel, context: Context) -> Answer:
        digest = canonical(arguments)
        claim = await self._effects.claim(context.key, tool.name, context.scope, digest)
        if claim.arguments_digest != digest:
            return refused("conflict", "another call with other arguments was made under this key", "make a new call")
        if claim.status in ("done", "failed") and claim.result is not None:
            return Answer(**json.loads(claim.result))
        if claim.fresh:
            return await self._first(tool, arguments, context)
        return await self._again(tool, arguments, context)

    async def _again(self, tool: Tool, arguments: BaseModel, context: Context) -> Answer:
        """Go on where an earlier attempt was cut off. It may still be running, for as long as the tool may take."""
        ours = await self._effects.retake(context.key, tool.policy.timeout)
        happened = await self._look_up(tool, arguments, context)
        if not isinstance(happened, NotDone):
            return await self._settle(context.key, happened)
        if not ours:
            problem = f"{tool.name} may still be running elsewhere under this key"
            raise ApplicationError(problem, type="EffectInFlight", next_retry_delay=tool.policy.timeout)
        return await self._first(tool, arguments, context)

    async def _first(self, tool: Tool, arguments: BaseModel, context: Context) -> Answer:
        try:
            answer = await self._act(tool, arguments, context)
        except Exception as error:  # noqa: BLE001 - an exception does not say whether the effect happened
            raised = self._raised(tool, context, error)
            happened = await self._look_up(tool, arguments, context)
            answer = raised if isinstance(happened, NotDone) else happened
        return await self._settle(context.key, answer)

    async def _settle(self, key: str, answer: Answer) -> Answer:
        """Record the answer under its key; an unknown outcome stays open for the next look."""
        if answer.refusal == "unknown_outcome":
            await self._effects.finish(key, "unknown")
        else:
            await self._effects.finish(key, "done" if answer.ok else "failed", json.dumps(answer._asdict()))
        return answer

    async def _look_up(self, tool: Tool, arguments: BaseModel, context: Context) -> Answer | NotDone:
        """Ask the target whether the effect happened; without a clear answer nothing is repeated.

        A target that does a thing once for each key is asked by making the same call again.
        """
        found, ask = None, tool.run if tool.idempotent else tool.reconcile
        if ask is not None:
            try:
                found = await self._call(tool, ask, arguments, context)
                if found is not None and not isinstance(found, NotDone):
                    return self._answer(tool, found)
            except Exception as error:  # noqa: BLE001 - then it cannot tell
                self._raised(tool, context, error)
                found = None
        return found if isinstance(found, NotDone) else _unknown(tool)

    async def _act(self, tool: Tool, arguments: BaseModel, context: Context) -> Answer:
        return self._answer(tool, await self._call(tool, tool.run, arguments, context))

    async def _call(self, tool: Tool, run: Run, arguments: BaseModel, context: Context) -> Any:  # noqa: ANN401
        given = [context if need is Context else self._find(tool, need) for need in tool.needs]
        limit = asyncio.timeout(tool.policy.timeout.total_seconds())
        try:
            async with limit:
                return await run(arguments, *given)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimeoutError(f"took longer than {tool.policy.timeout.total_seconds():g} s") from error

    def _answer(self, tool: Tool, result: Any) -> Answer:  # noqa: ANN401
        plain = tool.summary is None or isinstance(result, Declined) or not isinstance(result, BaseModel)
        return success(result, None if plain or tool.summary is None else tool.summary(result))

    def _raised(self, tool: Tool, context: Context, error: Exception) -> Answer:
        self._log.warning(
            "tool_raised",
            tool_name=tool.name,
            run=context.scope.run,
            item=context.scope.item,
            agent_name=context.scope.agent,
            key=context.key,
            exc_info=error,
        )
        first_line = next(iter(str(error).strip().splitlines()), "")
        hint = "the tool failed, not your arguments alone; try once more, differently, or go on without it"
        return refused("raised", f"{type(error).__name__}: {first_line[:200]}", hint)

    def _find(self, tool: Tool, need: type) -> object:
        found = [thing for thing in self._world if isinstance(thing, need)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(sorted(type(thing).__name__ for thing in self._world)) or "nothing"
        problem = "nothing in the world is one" if not found else "several things in the world are one"
        fix = f"give World.open exactly one {need.__name__} among its dependencies"
        raise BadTool(f"{tool.name} needs a {need.__name__}, but {problem}: {names}", fix)


def _unknown(tool: Tool) -> Answer:
    error = f"it is not known whether {tool.name} happened; it was not repeated"
    return refused("unknown_outcome", error, "do not call it again; a person has to look first")
