"""What models, tools and people said, for spans that were asked to hold it: redacted first, then cut."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow, MessageRow, PinRow, ToolResultRow
from activities.redaction import MOST, Redactor, plain
from activities.spans import Attributes, Told, Value
from workflows.models import Reply
from workflows.tracing import CHAT, EVENT, EXECUTE_TOOL, Ai, At

LONGEST = 16 * 1024
"""Characters of one attribute, about."""
MOST_PARTS = 64


class Content:
    """Adds to spans and their events what was said; without a redactor nothing of it, only what a log may hold."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        """Redact with `redactor`."""
        self._redact = redactor

    def of_event(self, data: Mapping[str, Any]) -> dict[str, Value]:
        """Turn the data of an event into attributes."""
        if self._redact is None:
            return _flat(plain(data))
        return _flat(self._redact(data))

    def of(self, told: Told, session: Session) -> Attributes:
        """Find what was said in a call, and write it as the conventions have it."""
        if self._redact is None:
            return {}
        operation, conversation = told.attributes.get(Ai.OPERATION), told.spot.conversation
        if operation == CHAT:
            return self._chat(session, conversation, int(str(told.attributes[At.ATTEMPT])))
        if operation == EXECUTE_TOOL:
            return self._tool(session, conversation, str(told.attributes[Ai.TOOL_CALL]))
        return {}

    def _chat(self, session: Session, conversation: str, attempt: int) -> Attributes:
        kept = select(MessageRow).where(MessageRow.conversation == conversation, MessageRow.attempt == attempt)
        if (reply := session.scalar(kept)) is None:  # it failed, or its summary or judgement is kept elsewhere
            return {}
        reason = Reply.model_validate_json(reply.record or "").stop
        found: dict[str, Value] = {Ai.OUTPUT_MESSAGES: self._message(reply, {"finish_reason": reason})}
        asked = session.get(MessageRow, (conversation, reply.position - 1))
        if asked is not None and asked.role == "user":
            found[Ai.INPUT_MESSAGES] = self._message(asked, {})
            if asked.position == 0:
                found[Ai.SYSTEM_INSTRUCTIONS] = json.dumps([_text(self._cut(_instructions(session, conversation)))])
        return found

    def _tool(self, session: Session, conversation: str, call: str) -> Attributes:
        row = session.get_one(ToolResultRow, (conversation, call))
        return {Ai.TOOL_ARGUMENTS: self._cut(row.arguments), Ai.TOOL_RESULT: self._cut(row.content)}

    def _message(self, row: MessageRow, more: Mapping[str, str]) -> str:
        blocks = [block for block in json.loads(row.content) if isinstance(block, dict)][:MOST_PARTS]
        most = min(MOST, max(LONGEST // (len(blocks) + 1), 200))
        return json.dumps([{"role": row.role, "parts": [self._part(block, most) for block in blocks], **more}])

    def _part(self, block: Mapping[str, Any], most: int) -> dict[str, Any]:
        match block.get("type"):
            case "text":
                return _text(self._cut(str(block.get("text", "")), most))
            case "thinking":
                return {"type": "reasoning", "content": self._cut(str(block.get("thinking", "")), most)}
            case "tool_use":
                named = {"id": str(block.get("id", "")), "name": str(block.get("name", ""))[:100]}
                return {"type": "tool_call", **named, "arguments": self._value(block.get("input"), most)}
            case "tool_result":
                answered = {"id": str(block.get("tool_use_id", ""))}
                response = self._value(block.get("content"), most)
                return {"type": "tool_call_response", **answered, "response": response}
            case other:  # pictures and what is to come: that they are there, not what they hold
                return _text(f"({str(other)[:40]})")

    def _value(self, value: object, most: int) -> Any:  # noqa: ANN401 - whatever JSON has
        return self._redact(value, most) if self._redact else None

    def _cut(self, text: str, most: int = LONGEST) -> str:
        return self._redact.text(text, most) if self._redact else ""


def _instructions(session: Session, conversation: str) -> str:
    pin = session.get_one(PinRow, session.get_one(ConversationRow, conversation).pin)
    return str(json.loads(pin.body).get("instructions", ""))


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _flat(data: Mapping[str, Any]) -> dict[str, Value]:
    """Name the data of an event as attributes; what is no single value becomes JSON."""
    single = {
        name: value if isinstance(value, str | int | float) else json.dumps(value) for name, value in data.items()
    }
    return {f"{EVENT}.{name}": value for name, value in single.items() if data[name] is not None}
