"""Turns single records into log entries: who, when, in which turn, what, and the data of it.

The log tells them when they are kept, and `Records` reads them afterwards; both have them from here.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from activities.conversation_tables import ConversationRow, CutRow, JournalRow, MessageRow, ToolResultRow
from activities.database import Base
from activities.ledger_tables import AttemptRow
from activities.messages import calls_of, digest_of
from activities.people import NoticeRow
from workflows.models import Notice, Outcome, Reply, Usage

Told = tuple[datetime, int, str, dict[str, Any]]

_DOLLAR = 1_000_000


class LogEntry(TypedDict):
    """One thing that happened; `data` has what its action has.

    Actions: llm_call, tool_call, tool_result, thinking, final_output, error, ruling, approval.
    """

    timestamp: datetime
    workflow_id: str
    run_id: str
    agent_name: str
    turn: int
    action: str
    data: dict[str, Any]


class Whose(NamedTuple):
    """Whose conversation a record belongs to."""

    workflow_id: str
    run_id: str
    agent: str


def whose(talk: ConversationRow) -> Whose:
    """Say whose conversation it is."""
    return Whose(talk.workflow_id, talk.workflow_run_id, talk.agent)


def entries_of(row: Base, owner: Whose | None) -> Iterator[LogEntry]:
    """Tell what a record says; `owner` is that of its conversation, where it has one. Other rows say nothing."""
    if isinstance(row, JournalRow):
        yield _entry(owner or Whose(row.run, "", ""), journal_entry(row), row.agent)
    elif isinstance(row, NoticeRow):
        notice = Notice.model_validate_json(row.body)
        _, turn, action, data = notice_entry(notice)
        yield _entry(Whose(row.run, "", ""), (row.told_at, turn, action, data), notice.question.scope.agent)
    elif owner is not None:
        for told in _of_conversation(row):
            yield _entry(owner, told, owner.agent)


def _of_conversation(row: Base) -> Iterator[Told]:
    if isinstance(row, MessageRow):
        yield from message_entries(row)
    elif isinstance(row, ToolResultRow):
        yield result_entry(row)
    elif isinstance(row, CutRow):
        yield cut_entry(row)
    elif isinstance(row, AttemptRow) and row.ended_at is not None and (row.error or row.kind != "turn"):
        yield attempt_entry(row)  # a turn that went well is told by its message


def _entry(owner: Whose, told: Told, agent: str) -> LogEntry:
    at, turn, action, data = told
    return LogEntry(
        timestamp=at,
        workflow_id=owner.workflow_id,
        run_id=owner.run_id,
        agent_name=agent,
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
