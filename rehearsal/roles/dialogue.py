"""What was called and answered so far in one conversation, and how a role replies."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.player import Performance, Request, Text, Tool, ToolUse


def draw(key: str, purpose: str, sides: int) -> int:
    """Roll a die that falls the same way for the same key and purpose, in every process."""
    return int.from_bytes(hashlib.sha256(f"{purpose}:{key}".encode()).digest()[:8]) % sides


@dataclass(frozen=True)
class Exchange:
    """One tool call and what came back."""

    tool: str
    input: Mapping[str, Any]
    ok: bool
    text: str

    @property
    def data(self) -> Mapping[str, Any]:
        """The result as an object; empty when it is none."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {"result": found}

    @property
    def error(self) -> str:
        """What was wrong; empty after a success."""
        return "" if self.ok else str(self.data.get("error", self.text))

    @property
    def hint(self) -> str:
        """What the tool advises after a refusal."""
        hint = self.data.get("hint", "")
        return hint if isinstance(hint, str) else json.dumps(hint, ensure_ascii=False)


class Dialogue:
    """The calls of a conversation with their results, and the tools that may be called now."""

    def __init__(self, request: Request) -> None:
        self.exchanges = tuple(_exchanges(request))
        choice = request.body.get("tool_choice") or {}
        silent = isinstance(choice, Mapping) and choice.get("type") == "none"
        self.tools: dict[str, Tool] = {} if silent else {tool.name: tool for tool in request.tools}

    def of(self, *tools: str) -> tuple[Exchange, ...]:
        """The exchanges with these tools, oldest first."""
        return tuple(exchange for exchange in self.exchanges if exchange.tool in tools)

    def last(self, tool: str, *, ok: bool = True) -> Exchange | None:
        """The latest exchange with a tool that ended well (or badly)."""
        return next((each for each in reversed(self.of(tool)) if each.ok is ok), None)

    def since(self, tool: str) -> tuple[Exchange, ...]:
        """What came after the last call of a tool; everything if it was never called."""
        ends = [number for number, each in enumerate(self.exchanges, 1) if each.tool == tool]
        return self.exchanges[ends[-1] if ends else 0 :]

    def call(self, name: str, /, **arguments: object) -> ToolUse | None:
        """Call a tool with those of the arguments that its schema has; nothing if the tool is not offered."""
        tool = self.tools.get(name)
        if tool is None:
            return None
        known = tool.input_schema.get("properties")
        allowed = known if isinstance(known, Mapping) else arguments
        return ToolUse(name, {key: value for key, value in arguments.items() if key in allowed})


def say(text: str) -> Performance:
    """Answer in words."""
    return Performance((Text(text),))


def answer(**fields: object) -> Performance:
    """Answer with one JSON object, as an output schema asks."""
    return say(json.dumps(fields, ensure_ascii=False))


def act(words: str, *calls: ToolUse | None) -> Performance:
    """Say in a few words what is done, and do it; calls of tools that are not offered are left out."""
    return Performance((Text(words), *(call for call in calls if call is not None)))


def _exchanges(request: Request) -> Iterable[Exchange]:
    open_calls: dict[str, Mapping[str, Any]] = {}
    for message in request.messages:
        for block in message.of("tool_use"):
            open_calls[str(block["id"])] = block
        for block in message.of("tool_result"):
            call = open_calls.pop(str(block["tool_use_id"]), None)
            if call is not None:
                ok = not block.get("is_error", False)
                yield Exchange(str(call["name"]), call["input"], ok, _words(block.get("content", "")))


def _words(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list | tuple) else ()
    return "\n".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
