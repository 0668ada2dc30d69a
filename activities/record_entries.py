"""Turns single records into log entries: who, when, in which turn, what, and the data of it.

The log tells them when they are kept, and `Records` reads them afterwards; both have them from here.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypedDict

from activities.conversation_tables import CutRow, JournalRow, MessageRow, ToolResultRow
from activities.database import Base
from activities.ledger_tables import AttemptRow
from activities.messages import calls_of, digest_of
from activities.people import NoticeRow
from activities.spots import Spot
from workflows.models import Notice, Outcome, Reply, Usage
from workflows.tracing import chat_span, tool_span, turn_span

Told = tuple[datetime, int, str, dict[str, Any]]

RECORDS = (MessageRow, ToolResultRow, CutRow, AttemptRow, JournalRow, NoticeRow)
"""The rows that say something."""

_DOLLAR = 1_000_000


class LogEntry(TypedDict):
    """One thing that happened; `data` has what its action has, the ids are those of its span.

    Actions: llm_call, tool_call, tool_result, thinking, final_output, error, ruling, approval.
    """

    timestamp: datetime
    trace_id: str
    span_id: str
    workflow_id: str
    run_id: str
    agent_name: str
    turn: int
    action: str
    data: dict[str, Any]


def entries_of(row: Base, spot: Spot | None) -> Iterator[LogEntry]:
    """Tell what a record says, at its `spot` where that is known. Rows that are no record of ours say nothing."""
    if isinstance(row, NoticeRow):
        notice = Notice.model_validate_json(row.body)
        _, turn, action, data = notice_entry(notice)
        yield _entry(_outside(row.run, spot, notice.question.scope.agent), (row.told_at, turn, action, data))
    elif isinstance(row, JournalRow):
        here = spot if spot and row.conversation else _outside(row.run, spot, row.agent)
        yield _entry(here._replace(agent=row.agent), journal_entry(row))
    elif spot is not None:
        for told in _of_conversation(row):
            yield _entry(spot, told, _call(row, told, spot.conversation))


def _of_conversation(row: Base) -> Iterator[Told]:
    if isinstance(row, MessageRow):
        yield from message_entries(row)
    elif isinstance(row, ToolResultRow):
        yield result_entry(row)
    elif isinstance(row, CutRow):
        yield cut_entry(row)
    elif isinstance(row, AttemptRow) and row.ended_at is not None and (row.error or row.kind != "turn"):
        yield attempt_entry(row)  # a turn that went well is told by its message


def _outside(run: str, spot: Spot | None, agent: str) -> Spot:
    """Stand outside all conversations: in the run, under the invocation where one is known."""
    known = spot or Spot(*("",) * len(Spot._fields))
    return known._replace(workflow_id=run, run_id="", conversation="", agent=agent)


def _call(row: Base, told: Told, conversation: str) -> str:
    """Name the span of the call that a record is of; empty when it is of the whole turn."""
    _, _, action, data = told
    if action in {"tool_call", "tool_result"}:
        return tool_span(conversation, data["call_id"])
    attempt = row.id if isinstance(row, AttemptRow) else getattr(row, "attempt", None)
    return chat_span(conversation, attempt) if attempt is not None else ""


def _entry(spot: Spot, told: Told, call: str = "") -> LogEntry:
    at, turn, action, data = told
    return LogEntry(
        timestamp=at,
        trace_id=spot.trace_id,
        span_id=call or (turn_span(spot.conversation, turn) if spot.conversation else spot.above),
        workflow_id=spot.workflow_id,
        run_id=spot.run_id,
        agent_name=spot.agent,
        turn=turn,
        action=action,
        data=data,
    )


def message_entries(row: MessageRow) -> Iterator[Told]:
    """Tell what a message says: the call and its cost, thinking, tool calls, output; or the workflow's notes."""
    if row.record is None:
        for note in json.loads(row.notes):
            action = "approval" if note["kind"] == "person" else "ruling"
            yield row.created_at, row.turn, action, {"kind": note["kind"], "text": note["text"]}
        return
    content, reply = json.loads(row.content), Reply.model_validate_json(row.record)
    yield row.created_at, row.turn, "llm_call", _call_data(reply)
    for block in content:
        if block.get("type") in {"thinking", "redacted_thinking"}:
            yield row.created_at, row.turn, "thinking", {"thinking": block.get("thinking", "[redacted]")}
    for call in calls_of(content):
        data = {"tool_name": call.tool, "tool_input": call.arguments, "call_id": call.id}
        yield row.created_at, row.turn, "tool_call", data
    if reply.output is not None:
        yield row.created_at, row.turn, "final_output", {"text": reply.output}


def result_entry(row: ToolResultRow) -> Told:
    """Tell what a tool answered."""
    outcome = Outcome.model_validate_json(row.outcome)
    data: dict[str, Any] = {
        "tool_name": row.tool,
        "call_id": row.call_id,
        "tool_output": row.content,
        "latency_ms": outcome.milliseconds,
    }
    if not outcome.ok:
        data["error"] = outcome.preview
    if outcome.refusal:
        data["refusal"] = outcome.refusal
    return row.created_at, row.turn, "tool_result", data


def cut_entry(row: CutRow) -> Told:
    """Tell what a compaction did."""
    data = {
        "kind": "compact",
        "dropped": row.keep_from - 1,
        "context": row.context,
        "summary_digest": digest_of(row.summary),
        "strategy": row.strategy,
    }
    if row.tried:
        data["tried"] = row.tried
    return row.created_at, row.turn, "ruling", data


def cost_of(row: AttemptRow) -> int:
    """Count an attempt, in micro-dollars; one under way counts at what it holds."""
    return row.reserved if row.state == "open" else row.micro_usd


def usage_of(row: AttemptRow) -> Usage:
    """Read the tokens of an attempt."""
    return Usage(
        input=row.input,
        output=row.output,
        thinking=row.thinking,
        cache_read=row.cache_read,
        cache_write=row.write_5m + row.write_1h,
    )


def attempt_entry(row: AttemptRow) -> Told:
    """Tell why an attempt at a model call failed, or what one cost that wrote no message; and what it was for."""
    data: dict[str, Any] = {"kind": row.kind, "model": row.served or row.model}
    data |= {"cost_usd": cost_of(row) / _DOLLAR, "cost_known": row.state in {"billed", "free"}}
    at = row.ended_at or row.started_at
    if row.error:
        return at, row.turn, "error", {"error": row.error, **data}
    usage, milliseconds = usage_of(row).model_dump(), (at - row.started_at).total_seconds() * 1_000
    data |= {"token_usage": usage, "latency_ms": round(milliseconds, 1), "request_id": row.request_id}
    return at, row.turn, "llm_call", data


def journal_entry(row: JournalRow) -> Told:
    """Tell what the journal says."""
    return row.at, row.turn, row.action, json.loads(row.data)


def notice_entry(notice: Notice) -> Told:
    """Tell what people were asked, or what they decided."""
    question, decision = notice.question, notice.decision
    data: dict[str, Any] = {"kind": notice.kind, "question": question.id, "item": question.scope.item}
    data |= {"text": question.reason, "digest": question.digest}
    if decision is not None:
        data |= {"choice": decision.choice, "by": decision.by, "note": decision.note}
        data |= {"call_id": decision.call} if decision.call else {}
    if notice.kind == "decided" and decision is not None and decision.choice == "approve" and question.objections:
        data["overrides"] = "; ".join(question.objections)
    if notice.why:
        data["refusal"], _, data["why"] = notice.why.partition(": ")
    if notice.by:
        data["by"] = notice.by
    return notice.at, 0, "approval", data


def _call_data(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    return {
        "model": reply.model,
        "stop": reply.stop,
        "text": reply.text,
        "token_usage": usage.model_dump(),
        "latency_ms": round(reply.seconds * 1_000, 1),
        "cost_usd": reply.micro_usd / _DOLLAR,
        "request_id": reply.request_id,
    }
