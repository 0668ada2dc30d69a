"""What a tool is, and what the toolbox asks of the store of conversations."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, get_type_hints

from pydantic import BaseModel, ConfigDict, Field

from workflows.models import Effect, Outcome, Refusal, Scope

Run = Callable[..., Awaitable[Any]]
Approval = str | Callable[[Any], str | None]
"""Why a person has to agree to a call: always, or depending on its arguments."""


class BadTool(TypeError):  # noqa: N818 - it says what is wrong
    """A tool is declared wrongly; found when the worker starts, never in a run. The second line says what to do."""

    def __init__(self, problem: str, fix: str) -> None:
        """Say what is wrong, and what would be right."""
        super().__init__(f"{problem}\n  fix: {fix}")


class Policy(NamedTuple):
    """How a tool is run: pinned with the agent, so that an edit never changes a run in flight."""

    effect: Effect
    quick: bool
    queue: str
    timeout: timedelta


class RawCall(NamedTuple):
    """A tool call as the model wrote it; `arguments` is whatever stood under `input`."""

    id: str
    tool: str
    arguments: Any


class ToolResult(NamedTuple):
    """One call's result as it is kept. `content` is what the model sees; `overflow` the digest of the whole, if cut."""

    conversation: str
    call_id: str
    position: int
    tool: str
    arguments: str
    content: str
    overflow: str | None
    outcome: Outcome


class CallLog(Protocol):
    """The toolbox's view of the conversation store."""

    async def pinned_tools(self, pin: str) -> tuple[str, ...]:
        """Name the tools of the pinned agent; empty when the pin is unknown."""
        ...

    async def pinned_definitions(self, pin: str) -> Mapping[str, Mapping[str, Any]]:
        """Give what the pinned agent was told of its tools, by name."""
        ...

    async def calls(self, conversation: str, position: int) -> tuple[RawCall, ...]:
        """Read the calls of the assistant message at `position`, in order; empty when there is none."""
        ...

    async def find_result(self, conversation: str, call_id: str) -> Outcome | None:
        """Find what became of a call, if it was answered."""
        ...

    async def put_result(self, result: ToolResult) -> Outcome:
        """Keep a result, first writer wins; returns the outcome that is kept."""
        ...


class Tooling(Protocol):
    """What the conversation store asks of the tools when it pins an agent."""

    def definitions(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """Give `{name, description, input_schema}` of the named tools, in that order; `KeyError` if unknown."""
        ...

    def policy(self, name: str) -> Policy:
        """Give the policy of a tool; `KeyError` if unknown."""
        ...


class Arguments(BaseModel):
    """The base of a tool's arguments: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Artefact(BaseModel):
    """The base of a result that made an asset. The model sees the asset's id, the workflow its digest."""

    model_config = ConfigDict(frozen=True)

    digest: str = Field(exclude=True)


class Escalation(NamedTuple):
    """A result that asks for a person."""

    reason: str
    question: str = ""


class Declined(NamedTuple):
    """A result that says no: nothing was done, and `hint` says what to do instead."""

    error: str
    hint: str = ""
    refusal: Refusal = "conflict"


class NotDone:
    """A reconciliation's proof that the effect did not happen, so that it may be done now."""


@dataclass(frozen=True)
class Context:
    """For whom a tool runs. `key` is the idempotency key of this one call, to be sent to whatever it changes."""

    scope: Scope
    key: str
    grants: tuple[str, ...] = ()

    def cleared_by(self, asset: str) -> str | None:
        """Say who cleared an asset: `gate`, a person's name, or `None`. A grant reads `<id>` or `<id>|by=<name>`."""
        for grant in self.grants:
            name, _, by = grant.partition("|by=")
            if asset and name == asset:
                return by or "gate"
        return None


@dataclass(frozen=True)
class Tool:
    """One tool: what the model is told of it, how it is checked and how it is run. `source` is whose it is."""

    name: str
    description: str
    arguments: type[BaseModel]
    run: Run
    policy: Policy
    needs: tuple[Any, ...] = ()
    permit: str | None = None
    reconcile: Run | None = None
    summary: Callable[[Any], str] | None = None
    approval: Approval = ""
    idempotent: bool = False
    source: str = ""


def tool(  # noqa: PLR0913 - a declaration names each thing that is not as usual
    *,
    effect: Effect,
    timeout: timedelta,
    quick: bool = False,
    queue: str = "tools",
    permit: str | None = None,
    reconcile: Run | None = None,
    idempotent: bool = False,
    summary: Callable[[Any], str] | None = None,
    approval: Approval = "",
) -> Callable[[Run], Tool]:
    """Declare a tool on a typed async function.

    The first parameter is the pydantic model of its arguments, all others are dependencies that the toolbox finds by
    their type. `permit` names the argument whose value must have been cleared. `reconcile` has the same parameters; it
    looks up whether the effect happened and returns the result, `NotDone()`, or `None` when it cannot tell.
    `idempotent` says that the target does a thing once for each `context.key`: in doubt the call is simply made again.
    `approval` says why a person has to agree before a call runs; as a function of the arguments it may return nothing
    where nobody has to.

    Raises:
        BadTool: the function or the policy cannot make a tool.
    """

    def declare(run: Run) -> Tool:
        name = run.__name__
        arguments, needs = _signature(run, name)
        policy = Policy(effect, quick, queue, timeout)
        description = inspect.getdoc(run) or ""
        declared = Tool(
            name, description, arguments, run, policy, needs, permit, reconcile, summary, approval, idempotent
        )
        _consistent(declared)
        return declared

    return declare


def _consistent(tool: Tool) -> None:
    name, once = tool.name, tool.policy.effect == "once"
    if not tool.description:
        raise BadTool(f"{name}: the docstring is what the model reads, and there is none", "write one")
    if tool.permit is not None and tool.permit not in tool.arguments.model_fields:
        known = ", ".join(tool.arguments.model_fields) or "none"
        raise BadTool(f"{name}: permit names no argument: {tool.permit}", f"name one of its arguments: {known}")
    if tool.reconcile is not None and _signature(tool.reconcile, name) != (tool.arguments, tool.needs):
        problem = f"{name}: reconcile must have the same parameters as the tool"
        raise BadTool(problem, "give both the same types in the same order; what one does not need it may leave unused")
    if not once and (tool.reconcile is not None or tool.idempotent):
        problem = f'{name}: only a "once" tool is reconciled or idempotent by its key'
        raise BadTool(problem, 'make it effect="once", or leave reconcile and idempotent out')
    if tool.idempotent and Context not in tool.needs:
        problem = f"{name}: it is said to be idempotent, but does not know its key"
        raise BadTool(problem, "take a parameter of the type Context, and send context.key to the target")


def _signature(run: Run, name: str) -> tuple[type[BaseModel], tuple[Any, ...]]:
    if not inspect.iscoroutinefunction(run):
        raise BadTool(f"{name}: a tool is an async function", f"write it as `async def {name}`")
    hints = get_type_hints(run)
    kinds = [hints.get(parameter) for parameter in inspect.signature(run).parameters]
    if not kinds or not isinstance(kinds[0], type) or not issubclass(kinds[0], BaseModel):
        problem = f"{name}: the first parameter must be a pydantic model of the arguments"
        raise BadTool(problem, "declare a class with the base Arguments, and use it as the parameter's type")
    for parameter, kind in zip(inspect.signature(run).parameters, kinds, strict=True):
        if not isinstance(kind, type):
            problem = f"{name}: the parameter {parameter} has no class as its type"
            raise BadTool(problem, "name the class of the dependency; the toolbox finds it by that")
    return kinds[0], tuple(kinds[1:])
