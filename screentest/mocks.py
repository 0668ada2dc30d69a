"""Mocks: tools that are checked, limited and recorded like the real ones, and do nothing but count."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from activities.tools.definition import Context, NotDone, Tool
from workflows.models import Scope

Answer = Any
"""What a mocked tool does: a value, `Declined(...)`, an exception to raise, or a function of the arguments."""


@dataclass(frozen=True)
class Call:
    """One call that passed every check and was run."""

    arguments: BaseModel
    scope: Scope
    key: str


@dataclass
class Mock:
    """A tool in the place of `real`: the same name, arguments, references, effect, permit and limits.

    It gives `answers` one after the other, the last one for ever. Calls that were refused never reach it.
    """

    real: Tool
    answers: tuple[Answer, ...]
    calls: list[Call] = field(default_factory=list)

    def __init__(self, real: Tool, *answers: Answer) -> None:
        """Give these answers."""
        self.real, self.answers, self.calls = real, answers or ({},), []
        self._done: dict[str, Answer] = {}

    @property
    def tool(self) -> Tool:
        """The tool to be given to the world."""

        async def run(arguments: BaseModel, context: Context) -> Any:  # noqa: ANN401 - whatever it is to answer
            self.calls.append(Call(arguments, context.scope, context.key))
            result = await self._answer(arguments)
            self._done[context.key] = result
            return result

        async def look_up(_: BaseModel, context: Context) -> Any:  # noqa: ANN401 - as above
            return self._done.get(context.key, NotDone())

        once = self.real.policy.effect == "once"
        return replace(self.real, run=run, needs=(Context,), reconcile=look_up if once else None, idempotent=False)

    @property
    def count(self) -> int:
        """How often it was run."""
        return len(self.calls)

    async def _answer(self, arguments: BaseModel) -> Any:  # noqa: ANN401 - as above
        answer = self.answers[min(len(self.calls), len(self.answers)) - 1]
        if isinstance(answer, BaseException):
            raise answer
        result = answer(arguments) if callable(answer) else answer
        return await result if asyncio.iscoroutine(result) else result


def slow(seconds: float, answer: Answer = None) -> Callable[[BaseModel], Awaitable[Any]]:
    """Take so long before answering; longer than the tool's limit, and it is refused."""

    async def wait(_: BaseModel) -> Any:  # noqa: ANN401 - whatever it is to answer
        await asyncio.sleep(seconds)
        return answer

    return wait
