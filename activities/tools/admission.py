"""Admission: every check that a call passes before its tool runs. Each refusal is an answer that the model can use."""

from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from activities.likeness import nearest_words
from activities.tools.answers import Answer, refused
from activities.tools.definition import Context, RawCall, Tool
from activities.tools.given import Given
from activities.tools.references import References
from activities.tools.schemas import brief_schema, input_schema, problems


class Admitted(NamedTuple):
    """A call that may run."""

    tool: Tool
    arguments: BaseModel


class Admission:
    """Known tool, then JSON object, then schema, then references, then permission."""

    def __init__(self, references: References) -> None:
        """Check references with `references`."""
        self._references = references

    async def admit(self, call: RawCall, known: dict[str, Tool], context: Context) -> Admitted | Answer:
        """Check one call against the tools its agent has."""
        tool = known.get(call.tool)
        if tool is None:
            return _unknown(call.tool, tuple(known))
        arguments = _shape(tool, call.arguments)
        if isinstance(arguments, Answer):
            return arguments
        refusal = await self._standing(arguments, context) or _permission(tool, arguments, context)
        return refusal or Admitted(tool, arguments)

    async def _standing(self, arguments: BaseModel, context: Context) -> Answer | None:
        found = await self._references.check(arguments, context.scope)
        if not found:
            return None
        error = "; ".join(problem.error for problem in found)
        return refused(found[0].refusal, error, "; ".join(problem.hint for problem in found))


def _unknown(name: str, known: tuple[str, ...]) -> Answer:
    nearest = nearest_words(name, known, len(known))
    others = [each for each in known if each not in nearest]
    listed = ", ".join([*nearest, *others])
    hint = f"the tools you have, nearest first: {listed}" if known else "you have no tools; answer in text"
    return refused("unknown_tool", f"there is no tool {name[:80]!r}", hint)


def _shape(tool: Tool, raw: Any) -> BaseModel | Answer:  # noqa: ANN401 - whatever the model wrote
    expected = f"{tool.name} expects {brief_schema(input_schema(tool.arguments))}"
    if not isinstance(raw, dict):
        return refused("not_an_object", f"the arguments must be a JSON object, not {_kind(raw)}", expected)
    try:
        return tool.arguments.model_validate(raw)
    except ValidationError as error:
        return refused("schema", problems(error), expected)
    except RecursionError:
        return refused("schema", "the arguments are nested too deeply", expected)


def _permission(tool: Tool, arguments: BaseModel, context: Context) -> Answer | None:
    if tool.permit is None:
        return None
    # What came under a schema of somebody else's has no fields, and need not be there.
    named = arguments.root.get(tool.permit, "") if isinstance(arguments, Given) else getattr(arguments, tool.permit)
    value = str(named)
    if context.cleared_by(value) is not None:
        return None
    cleared = ", ".join(grant.partition("|by=")[0] for grant in context.grants[:5]) or "nothing"
    hint = (
        "this happens only after the quality gate has passed it or a person has approved it; "
        f"cleared now: {cleared}; if that is not what you need, ask a person"
    )
    return refused("permission", f"{tool.permit}: {value[:80]!r} has not been cleared for {tool.name}", hint)


def _kind(raw: Any) -> str:  # noqa: ANN401
    names = {str: "a text", list: "a list", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(raw), "null" if raw is None else "something else")
