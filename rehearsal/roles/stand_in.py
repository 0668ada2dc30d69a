"""Roles without a part of their own: the assistant, and whoever else is asked."""

from collections.abc import Mapping
from typing import Any, Final

from rehearsal.player import Performance, Request
from rehearsal.roles.dialogue import Dialogue, act, answer, say
from rehearsal.roles.sheet import Sheet

REHEARSED: Final = "not rehearsed"
HEAVY: Final = ("escalate", "publish", "render", "delete", "send")
"""How the names of tools begin that do more than read; the wire does not say which only read."""


class Assistant:
    """Calls every tool that needs no arguments once, then answers."""

    def reply(self, request: Request) -> Performance:
        """Look around first, answer then."""
        dialogue = Dialogue(request)
        calls = [dialogue.call(name) for name, tool in dialogue.tools.items() if _free(name, tool.input_schema)]
        fresh = [call for call in calls if call is not None and not dialogue.of(call.name)]
        if fresh:
            return act("I look at what there is before I answer.", *fresh)
        goal = Sheet(request.task).text("Contract") or request.task
        seen = "; ".join(f"{each.tool}: {' '.join(each.text.split())[:200]}" for each in dialogue.exchanges)
        words = f"This is a rule-based rehearsal. Asked: {' '.join(goal.split())[:300]} Seen: {seen or 'nothing'}"
        return _in_form(request, words[:1_500])


class StandIn:
    """Answers for a role that nobody rehearsed: in the form that is asked, and honest about it."""

    def reply(self, request: Request) -> Performance:
        """Fill the output schema with the least it takes, or say so in words."""
        role = request.agent or "this task"
        return _in_form(request, REHEARSED) if request.schema else say(_unknown(role))


def least(schema: Mapping[str, Any], words: str, root: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    """Build the smallest instance of a JSON schema; texts say `words`, numbers are the least that is allowed."""
    root = root or schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return least(root.get("$defs", {}).get(name, {}), words, root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    for joint in ("anyOf", "oneOf", "allOf"):
        if schema.get(joint):
            return least(schema[joint][0], words, root)
    kind = schema.get("type")
    if kind == "object":
        needed = schema.get("required", ())
        return {name: least(each, words, root) for name, each in schema.get("properties", {}).items() if name in needed}
    if kind == "array":
        return [least(schema.get("items", {}), words, root)] * int(schema.get("minItems", 0))
    return _plain(kind, schema, words)


def _plain(kind: object, schema: Mapping[str, Any], words: str) -> object:
    if kind in {"integer", "number"}:
        return schema.get("minimum", 0)
    if kind == "string":
        return "1970-01-01" if schema.get("format") == "date" else words[: schema.get("maxLength", len(words))]
    return {"boolean": False, "null": None}.get(str(kind), words)


def _in_form(request: Request, words: str) -> Performance:
    if request.schema is None:
        return say(words)
    found = least(request.schema, words)
    return answer(**found) if isinstance(found, dict) else say(words)


def _free(name: str, schema: Mapping[str, Any]) -> bool:
    return not schema.get("required") and not name.startswith(HEAVY)


def _unknown(role: str) -> str:
    return f"This is a rule-based rehearsal; I have no role for {role}."
