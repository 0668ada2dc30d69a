"""Quotes the last turns of a conversation for somebody who judges them: bounded, and as data."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.conversation_tables import MessageRow, ToolResultRow
from activities.messages import calls_of
from activities.tools.answers import encode, small
from activities.tools.definition import RawCall

SAID = 800
ARGUMENTS = 300
RESULT = 400
WHOLE = 24_000
"""Characters of all lines; the oldest go first."""

_BYTES = 4
_MESSAGES = 2

Line = dict[str, Any]


def last_turns(session: Session, conversation: str, head: int, turns: int) -> str:
    """Write what happened in the last `turns` turns before `head`, one JSON object a line, oldest first.

    A line break inside a quotation is written as JSON does it, so that no quotation can pass for a line of its own.
    """
    lines = [encode(line) for line in _lines(session, conversation, head, turns)]
    left_out = 0
    while lines[left_out:] and sum(len(line) + 1 for line in lines[left_out:]) > WHOLE:
        left_out += 1
    return "\n".join([*([encode({"left_out": left_out})] if left_out else []), *lines[left_out:]])


def _lines(session: Session, conversation: str, head: int, turns: int) -> Iterator[Line]:
    here = (MessageRow.conversation == conversation, MessageRow.position < head)
    start = max(
        head - _MESSAGES * turns, 1
    )  # a turn has two messages at most, and the first message of all is the task
    rows = session.scalars(select(MessageRow).where(*here, MessageRow.position >= start).order_by(MessageRow.position))
    rows_of: dict[int, list[MessageRow]] = defaultdict(list)
    for row in rows:
        rows_of[row.turn].append(row)
    results = _results(session, conversation, start)
    for turn in sorted(rows_of)[-turns:]:
        for row in rows_of[turn]:
            yield from ({"turn": turn, **line} for line in _message(row, results))


def _results(session: Session, conversation: str, start: int) -> dict[str, ToolResultRow]:
    here = (ToolResultRow.conversation == conversation, ToolResultRow.position >= start)
    return {row.call_id: row for row in session.scalars(select(ToolResultRow).where(*here))}


def _message(row: MessageRow, results: dict[str, ToolResultRow]) -> Iterator[Line]:
    for note in json.loads(row.notes):
        if note["kind"] == "person":  # what the workflow says itself changes nothing about what was ordered
            yield {"person": _cut(note["text"], SAID)}
    if row.role != "assistant":
        return
    content = json.loads(row.content)
    text = " ".join(str(block.get("text") or "") for block in content if block.get("type") == "text")
    if text.strip():
        yield {"agent": _cut(text, SAID)}
    for call in calls_of(content):
        yield _call(call, results.get(call.id))


def _call(call: RawCall, result: ToolResultRow | None) -> Line:
    asked = {"call": _cut(call.tool, 64), "arguments": _cut(_arguments(call), ARGUMENTS)}
    return {**asked, "result": _cut(result.content, RESULT) if result is not None else "(none yet)"}


def _arguments(call: RawCall) -> str:
    try:
        return json.dumps(call.arguments, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply)"


def _cut(text: str, limit: int) -> str:
    return small(text, limit, limit * _BYTES)
