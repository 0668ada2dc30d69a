"""Cassettes: conversations with a real model that were taped once, and are played in tests for nothing.

A cassette is a JSON file, to be read and reviewed. It holds replies only: no header, no key, no request, and of what a
request said a digest, so that a test whose prompt has changed since is told so. Secrets are taken out as in logs.
"""

import hashlib
import json
import re
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from rehearsal.errors import ApiError
from rehearsal.player import Block, Performance, Request, Text, Thinking, ToolUse

VOLATILE = re.compile(
    r"\b(?:[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?|(?:run|agent)-[0-9a-f]{8})\b"
)
"""What differs from run to run, and means nothing: ids, digests, moments."""


class Reply(BaseModel):
    """One reply. `prompt` digests the system prompt and the tools, `task` the first message; `asked` is for readers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: str
    turn: int
    prompt: str
    task: str
    asked: str
    model: str
    content: tuple[dict[str, Any], ...]
    stop_reason: str | None
    usage: dict[str, Any]


class Tape(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    replies: tuple[Reply, ...] = ()


def write_tape(path: Path, tape: Tape) -> None:
    """Write a cassette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tape.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class Cassette:
    """Plays what was taped, each reply to the turn that it was a reply to; conversations may go on side by side."""

    def __init__(self, path: Path) -> None:
        """Read a cassette.

        Raises:
            FileNotFoundError: it was not taped yet; the text says how.
            ValueError: the file is no cassette.
        """
        if not path.exists():
            raise FileNotFoundError(f"there is no cassette {path}; tape it once, with `taped(path, AsyncAnthropic())`")
        try:
            tape = Tape.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise ValueError(f"{path} is no cassette: {error.errors()[0]['msg']}") from None
        self._path = path
        self._replies: dict[tuple[str, str, int], deque[Reply]] = defaultdict(deque)
        self._prompts = {(reply.agent, reply.prompt) for reply in tape.replies}
        for reply in tape.replies:
            self._replies[reply.agent, reply.task, reply.turn].append(reply)

    def reply(self, request: Request) -> Performance:
        """Play the reply to this turn.

        Raises:
            ApiError: none was taped, or the agent was another one then.
        """
        agent, prompt = request.agent, prompt_of(request.body)
        if (agent, prompt) not in self._prompts:
            raise ApiError(f"{self._path.name}: the instructions or tools of '{agent}' have changed; tape it again")
        left = self._replies[agent, task_of(request.body), request.turn]
        if not left:
            raise ApiError(
                f"{self._path.name}: '{agent}' was never taped with this task at turn {request.turn}; tape it again"
            )
        reply = left.popleft() if len(left) > 1 else left[0]
        blocks = tuple(block for each in reply.content if (block := _block(each)))
        return Performance(blocks, stop=reply.stop_reason, usage=reply.usage)


def prompt_of(body: Mapping[str, Any]) -> str:
    """Digest what an agent is: its instructions and its tools."""
    system = body.get("system") or ""
    texts = [block.get("text", "") for block in system] if isinstance(system, list) else [system]
    tools = [
        {name: tool.get(name) for name in ("name", "description", "input_schema")} for tool in body.get("tools") or []
    ]
    return _digest([texts, sorted(tools, key=lambda tool: str(tool["name"]))])


def task_of(body: Mapping[str, Any]) -> str:
    """Digest what an agent was asked first."""
    first: Mapping[str, Any] = next(iter(body.get("messages") or []), {})
    content = first.get("content", "")
    texts = [block.get("text", block.get("type")) for block in content] if isinstance(content, list) else [content]
    return _digest(texts)


def steady(text: str) -> str:
    """Take out what differs from run to run."""
    return VOLATILE.sub("*", text)


def _digest(value: Any) -> str:  # noqa: ANN401 - any JSON
    return hashlib.sha256(steady(json.dumps(value, sort_keys=True, ensure_ascii=False)).encode()).hexdigest()[:20]


def _block(block: Mapping[str, Any]) -> Block | None:
    match block.get("type"):
        case "text":
            return Text(block["text"])
        case "tool_use":
            return ToolUse(block["name"], block["input"], block["id"])
        case "thinking":
            return Thinking(block["thinking"])
        case _:
            return None
