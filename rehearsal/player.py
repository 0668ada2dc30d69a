"""Who answers a request: the interface between the wire and the rule-based agents or scripts behind it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, Protocol, runtime_checkable

from rehearsal.faults import Fault

ROLE: Final = re.compile(r"\s*You are the ([\w-]+) of")
NATURAL: Final = "natural"
"""The stop reason that follows from the blocks: `tool_use` if one is a call, otherwise `end_turn`."""


@dataclass(frozen=True)
class Message:
    """One message of a request; a plain string as content has become one text block."""

    role: Literal["user", "assistant", "system"]
    content: tuple[Mapping[str, Any], ...]

    @property
    def text(self) -> str:
        """All text blocks, joined by empty lines."""
        return "\n\n".join(block["text"] for block in self.of("text"))

    def of(self, kind: str) -> tuple[Mapping[str, Any], ...]:
        """The blocks of one type, as sent."""
        return tuple(block for block in self.content if block["type"] == kind)


@dataclass(frozen=True)
class Tool:
    """A tool that the agent may call."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """A Messages API body that passed the checks of the wire. `body` is what was sent, byte for meaning.

    `compaction` tells that a summary is asked for, in place of a reply. Where a summary stands for the messages before,
    `summarized` is the first task among them, and `earlier` the number of replies.
    """

    model: str
    system: str
    messages: tuple[Message, ...]
    max_tokens: int
    tools: tuple[Tool, ...] = ()
    schema: Mapping[str, Any] | None = None
    effort: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    compaction: bool = False
    summarized: str | None = None
    earlier: int = 0

    @property
    def agent(self) -> str:
        """The role in the first line of the system prompt, `You are the <role> of ...`; empty if there is none."""
        found = ROLE.match(self.system)
        return found.group(1).lower() if found else ""

    @property
    def task(self) -> str:
        """The text of the first user message, also of one that was summarized."""
        if self.summarized is not None:
            return self.summarized
        return next((message.text for message in self.messages if message.role == "user"), "")

    @property
    def turn(self) -> int:
        """Which turn is asked for, from 1: the replies so far, plus one."""
        said = (message for message in self.messages if message.role == "assistant")
        return 1 + self.earlier + sum(not message.of("compaction") for message in said)

    @property
    def results(self) -> tuple[Mapping[str, Any], ...]:
        """The tool results in the last user message."""
        last = [message for message in self.messages if message.role == "user"][-1:]
        return last[0].of("tool_result") if last else ()

    @cached_property
    def conversation(self) -> str:
        """A stable name of the conversation: a digest of the system prompt and the first user message."""
        opening = json.dumps([self.system, self.task], ensure_ascii=False)
        return hashlib.sha256(opening.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True)
class ToolUse:
    """A tool call. `id` is made by the wire when it is empty."""

    name: str
    input: Mapping[str, Any]
    id: str = ""


@dataclass(frozen=True)
class Thinking:
    """Thoughts; the wire signs them, and leaves them out when the request switched thinking off."""

    text: str


@dataclass(frozen=True)
class ServerToolUse:
    """A call of a tool that the provider runs; a paused turn ends with one."""

    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class Summary:
    """What was said so far, in place of a reply; null: the summary failed."""

    text: str | None


Block = Text | ToolUse | Thinking | ServerToolUse | Summary


@dataclass(frozen=True)
class Performance:
    """One reply, or what happens in its place.

    `stop` is any stop reason, also null or one that nobody knows. `cut` leaves the last block off after this share of
    its text. `delay` is silence in seconds before anything is answered. `usage` overrides single counted fields.
    """

    blocks: tuple[Block, ...] = ()
    stop: str | None = NATURAL
    refusal: str | None = None
    cut: float | None = None
    delay: float = 0.0
    fault: Fault | None = None
    usage: Mapping[str, Any] | None = None

    @property
    def stop_reason(self) -> str | None:
        """The stop reason that goes over the wire."""
        if self.stop != NATURAL:
            return self.stop
        return "tool_use" if any(isinstance(block, ToolUse) for block in self.blocks) else "end_turn"


class Player(Protocol):
    """Answers requests. It is asked once per request, in the order in which they arrive."""

    def reply(self, request: Request) -> Performance:
        """Decide what is answered.

        Raises:
            ApiError: the player has no answer; the text tells why.
        """
        ...


@runtime_checkable
class Summariser(Protocol):
    """A player that writes summaries. The server writes them for everybody else."""

    def compact(self, request: Request) -> Performance | None:
        """Summarise what was said; null leaves it to the server.

        Raises:
            ApiError: the player has no answer; the text tells why.
        """
        ...
