"""The spans of single calls: each attempt at a model call, each tool call; and the markers of what has just begun."""

from datetime import datetime, timedelta

from activities.attempt_errors import kind_of
from activities.conversation_tables import ConversationRow, ToolResultRow
from activities.invocation_tables import InvocationRow
from activities.ledger_tables import AttemptRow
from activities.people import NoticeRow
from activities.record_entries import cost_of, usage_of
from activities.spans import DOLLAR, Told, Value, filled, of_spot, of_usage
from activities.spots import Spot
from workflows.models import Notice, Outcome
from workflows.tracing import (
    AWAITING_PERSON,
    CHAT,
    EXECUTE_TOOL,
    OPENED,
    STAGE,
    Ai,
    At,
    chat_span,
    span_id,
    tool_span,
    turn_span,
)

PROVIDER = "anthropic"
"""Whose protocol is spoken, whoever serves it."""


def chat(row: AttemptRow, spot: Spot) -> Told:
    """Tell an attempt that has ended. Only here stands a cost that others add up."""
    return Told(
        spot=spot,
        name=f"{CHAT} {row.model}",
        span_id=chat_span(row.conversation, row.id),
        parent=turn_span(row.conversation, row.turn),
        start=row.started_at,
        end=row.ended_at or row.started_at,
        attributes={**of_spot(spot), **_called(row), **_answered(row), **_cost(row)},
        calls_out=True,
        error=kind_of(row.error),
    )


def tool(row: ToolResultRow, spot: Spot) -> Told:
    """Tell a call that was answered. The name of a tool that there is not is a model's invention, and names no span."""
    outcome = Outcome.model_validate_json(row.outcome)
    named: dict[str, Value] = {
        Ai.OPERATION: EXECUTE_TOOL,
        Ai.TOOL: row.tool,
        Ai.TOOL_CALL: row.call_id,
        Ai.TOOL_TYPE: "function",
        At.TURN: row.turn,
        At.REFUSAL: outcome.refusal or "",
    }
    return Told(
        spot=spot,
        name=f"{EXECUTE_TOOL} {row.tool if outcome.refusal != 'unknown_tool' else 'unknown'}",
        span_id=tool_span(row.conversation, row.call_id),
        parent=turn_span(row.conversation, row.turn),
        start=began(row, outcome),
        end=row.created_at,
        attributes={**of_spot(spot), **filled(named)},
        error="" if outcome.ok else outcome.refusal or "declined",
    )


def began(row: ToolResultRow, outcome: Outcome) -> datetime:
    """Tell when a tool call began."""
    return row.created_at - timedelta(milliseconds=outcome.milliseconds)


def opened(row: InvocationRow) -> Told:
    """Mark that an invocation began: its own span can be told only when it has ended, which may be days later."""
    return _marker(Spot.of_invocation(row), OPENED, row.started_at, (row.id,), {At.STATUS: OPENED})


def at_work(talk: ConversationRow, spot: Spot) -> Told:
    """Mark that an agent began to work."""
    return _marker(spot, f"{STAGE} {talk.agent}", talk.created_at, (talk.id,), {At.STATUS: talk.agent})


def asked(row: NoticeRow, spot: Spot) -> Told:
    """Mark that a person is waited for, or what they said."""
    notice = Notice.model_validate_json(row.body)
    question, decision = notice.question, notice.decision
    status = AWAITING_PERSON if notice.kind == "question" else notice.kind
    said: dict[str, Value] = {
        At.STATUS: status,
        At.QUESTION: question.id,
        At.QUESTION_KIND: question.kind,
        At.OWNER: question.owner,
        At.CHOICE: decision.choice if decision else "",
        At.BY: decision.by if decision else "",
    }
    return _marker(spot, f"{STAGE} {status}", row.told_at, (row.digest,), said)


def _marker(spot: Spot, name: str, at: datetime, of: tuple[object, ...], said: dict[str, Value]) -> Told:
    attributes = {**of_spot(spot), At.MARKER: True, **filled(said)}
    return Told(spot, name, span_id(name, *of), spot.above, at, at, attributes)


def _called(row: AttemptRow) -> dict[str, Value]:
    asked: dict[str, Value] = {
        Ai.OPERATION: CHAT,
        Ai.PROVIDER: PROVIDER,
        Ai.REQUEST_MODEL: row.model,
        At.CALL_KIND: row.kind,
        At.BATCHED: row.batch,
        At.TURN: row.turn,
        At.ATTEMPT: row.id,
    }
    return asked | ({Ai.MAX_TOKENS: row.max_tokens} if row.max_tokens else {})


def _answered(row: AttemptRow) -> dict[str, Value]:
    answer: dict[str, Value] = {
        Ai.RESPONSE_ID: row.response,
        Ai.RESPONSE_MODEL: row.served,
        Ai.FINISH_REASONS: (row.stop,) if row.stop else (),
        At.REQUEST_ID: row.request_id,
    }
    usage = usage_of(row)
    return filled(answer) | (of_usage(usage) if row.state == "billed" or usage.total else {})


def _cost(row: AttemptRow) -> dict[str, Value]:
    cost = cost_of(row)
    return {
        Ai.COST: cost / DOLLAR,
        At.LOGFIRE_COST: cost / DOLLAR,
        At.COST_MICRO_USD: cost,
        At.COST_KNOWN: row.state in {"billed", "free"},
        At.COST_SOURCE: row.source,
    }
