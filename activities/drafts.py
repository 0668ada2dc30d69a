"""Composes the next request of a conversation, and the rows that a turn adds to it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from activities.conversation_tables import MessageRow, PinRow, ToolResultRow
from activities.conversation_views import last_answer, reader_of, said, view
from activities.database import first
from activities.errors import permanent
from activities.messages import (
    Block,
    Message,
    calls_of,
    digest_of,
    dumps,
    pairing_problem,
    refusal,
    result_block,
    sendable,
    user_content,
    with_order,
)
from activities.tools.answers import clean, small
from activities.tools.definition import RawCall, ToolResult
from workflows.models import Outcome, Reply, TurnRequest


@dataclass(frozen=True)
class Draft:
    """One request to `model`, composed but not sent. `messages` still name images by digest.

    The API counted `known` tokens for the first `since` messages. `user` is the message that this turn adds, if any;
    `position` is where the reply will stand. `betas` are what the endpoint has to be told of.
    """

    pin: dict[str, Any]
    model: str
    messages: list[Message]
    user: list[Block] | None
    position: int
    known: int
    since: int
    betas: tuple[str, ...] = ()


def reply_position(request: TurnRequest) -> int:
    """Tell where the reply will stand: behind the user message, where there is one."""
    return request.head + 1 if _adds_message(request) else request.head


def compose(session: Session, request: TurnRequest) -> Draft:
    """Compose the request from the stored messages: open calls are answered first, then come the notes."""
    row = session.get(PinRow, request.pin)
    if row is None:
        raise permanent("ConversationUnknown", f"no such pin: {request.pin}")
    pin = json.loads(row.body)
    reader = reader_of(pin, request.model)
    seen = view(session, request.conversation, request.head, reader)
    messages, user = seen.messages, None
    if _adds_message(request):
        user = user_content(_answers(session, request), request.notes)
        if not user:
            raise permanent("PairingBroken", f"{request.conversation} at {request.head}: nothing to say")
        content = sendable("user", user)["content"]
        messages = [*messages, {"role": "user", "content": with_order(content, seen.order) if seen.order else content}]
    if problem := pairing_problem(messages):
        raise permanent("PairingBroken", f"{request.conversation} at {request.head}: {problem}")
    return Draft(
        pin=pin,
        model=reader.model,
        messages=messages,
        user=user,
        position=reply_position(request),
        known=seen.known,
        since=seen.since,
        betas=seen.betas,
    )


def interrupt(session: Session, request: TurnRequest) -> None:
    """Answer the open calls that have no result as interrupted, for good: a result that comes later is not kept."""
    for row, call in _open_calls(session, request):
        if session.get(ToolResultRow, (request.conversation, call.id)) is None:
            first(session, unrun_row(request, row.position, call, request.interrupted))


def turn_rows(request: TurnRequest, draft: Draft, content: list[Any], reply: Reply) -> list[MessageRow]:
    """Write the rows of one turn, the reply's first: who wins it wins the turn."""
    notes = [note.model_dump(mode="json") for note in request.notes] if draft.user is not None else []
    rows = [_row(request, draft.position, "assistant", content, record=reply.model_dump_json(), model=draft.model)]
    if draft.user is not None:
        rows.append(_row(request, request.head, "user", draft.user, notes=dumps(notes)))
    return rows


def unrun_row(request: TurnRequest, position: int, call: RawCall, why: str) -> ToolResultRow:
    """Write the result of a call that will never run."""
    content = refusal(clean(why))
    outcome = Outcome(
        call_id=call.id,
        tool=small(call.tool, 64, 128),
        ok=False,
        digest=digest_of(content),
        preview=small(why, 300, 1_000),
        refusal="conflict",
    )
    kept = ToolResult(request.conversation, call.id, position, call.tool, dumps(call.arguments), content, None, outcome)
    return result_row(kept, request.turn)


def result_row(result: ToolResult, turn: int) -> ToolResultRow:
    """Write a result as it is kept."""
    return ToolResultRow(
        conversation=result.conversation,
        call_id=clean(result.call_id),
        position=result.position,
        turn=turn,
        tool=clean(result.tool),
        arguments=clean(result.arguments),
        content=clean(result.content),
        overflow=result.overflow,
        outcome=result.outcome.model_dump_json(),
    )


def _adds_message(request: TurnRequest) -> bool:
    return request.head > 1 and not request.resume


def _open_calls(session: Session, request: TurnRequest) -> Iterator[tuple[MessageRow, RawCall]]:
    """Read the calls of the answer before `head`."""
    for row in last_answer(session, request.conversation, request.head):
        for call in calls_of(said(row)):
            yield row, call


def _answers(session: Session, request: TurnRequest) -> list[Block]:
    blocks = []
    for _, call in _open_calls(session, request):
        row = session.get(ToolResultRow, (request.conversation, call.id))
        if row is None:
            raise permanent("PairingBroken", f"{request.conversation} at {request.head}: {call.id} has no result")
        blocks.append(result_block(call.id, row.content, ok=Outcome.model_validate_json(row.outcome).ok))
    return blocks


def _row(
    request: TurnRequest,
    position: int,
    role: str,
    content: list[Any],
    notes: str = "[]",
    record: str | None = None,
    model: str | None = None,
) -> MessageRow:
    text = dumps(content)
    return MessageRow(
        conversation=request.conversation,
        position=position,
        role=role,
        content=text,
        digest=digest_of(text),
        turn=request.turn,
        notes=notes,
        record=record,
        model=model,
    )
