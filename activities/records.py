"""What happened, read from the durable records: log entries, transcripts, tools, costs. Nothing here writes."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, TypedDict

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from activities.conversation_tables import (
    ConversationRow,
    CutRow,
    JournalRow,
    MessageRow,
    ToolResultRow,
)
from activities.database import Base, Database
from activities.ledger_tables import AttemptRow
from activities.people import NoticeRow
from activities.record_entries import LogEntry, cost_of, entries_of, usage_of
from activities.spots import Spots
from workflows.models import Outcome, Usage

__all__ = ["CostLine", "LogEntry", "Records", "ToolSummary"]


class ToolSummary(TypedDict):
    """How one tool did; `p95_ms`: 95 of 100 calls took no longer (nearest rank, so it was really measured)."""

    tool: str
    calls: int
    errors: int
    average_ms: float
    p95_ms: float


class CostLine(TypedDict):
    """What one agent cost for one item, its compactions and judges included; `model` is the one that was asked.

    `unknown` attempts are counted at what was reserved for them.
    """

    agent: str
    item: str
    model: str
    calls: int
    micro_usd: int
    unknown: int
    usage: Usage


class Records:
    """Reads by the id of a run, a workflow, a workflow run or a conversation."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    async def entries(self, of: str) -> list[LogEntry]:
        """Read everything that happened, in order; empty when the id is unknown."""
        return await self._database.read(lambda session: sorted(_entries(session, of), key=lambda e: e["timestamp"]))

    async def transcript(self, of: str) -> list[dict[str, Any]]:
        """Read the conversations with all their messages, verbatim, also those that were cut away."""
        return await self._database.read(
            lambda session: [_transcript(session, talk) for talk in _conversations(session, of)]
        )

    async def tool_summary(self, of: str) -> list[ToolSummary]:
        """Sum up the tools: calls, errors, average and p95 latency."""
        return await self._database.read(lambda session: _tool_summary(session, of))

    async def costs(self, of: str) -> list[CostLine]:
        """Sum up the attempts at model calls by agent, item and model; the lines add up to the whole."""
        return await self._database.read(lambda session: _costs(session, of))


def _conversations(session: Session, of: str) -> list[ConversationRow]:
    ids = (ConversationRow.run, ConversationRow.workflow_id, ConversationRow.workflow_run_id, ConversationRow.id)
    query = select(ConversationRow).where(or_(*(column == of for column in ids)))
    return list(session.scalars(query.order_by(ConversationRow.created_at, ConversationRow.id)))


def _entries(session: Session, of: str) -> Iterator[LogEntry]:
    talks, spots = _conversations(session, of), Spots()
    for talk in talks:
        for row in _rows(session, talk.id):
            yield from entries_of(row, spots.of(session, talk.id))
    scopes = {(talk.run, talk.item) for talk in talks if talk.run != of}
    same_scope = [(NoticeRow.run == run) & (NoticeRow.item == item) for run, item in scopes]
    its = (JournalRow.run == of) | JournalRow.conversation.in_([talk.id for talk in talks])
    for query in (select(JournalRow).where(its), select(NoticeRow).where(or_(NoticeRow.run == of, *same_scope))):
        for row in session.scalars(query):
            yield from entries_of(row, spots.of_row(session, row))


def _rows(session: Session, conversation: str) -> Iterator[Base]:
    here = {"conversation": conversation}
    yield from session.scalars(select(MessageRow).filter_by(**here).order_by(MessageRow.position))
    for table in (ToolResultRow, CutRow, AttemptRow):
        yield from session.scalars(select(table).filter_by(**here))


def _transcript(session: Session, talk: ConversationRow) -> dict[str, Any]:
    rows = session.scalars(
        select(MessageRow).where(MessageRow.conversation == talk.id).order_by(MessageRow.position)
    ).all()
    cuts = session.scalars(select(CutRow).where(CutRow.conversation == talk.id).order_by(CutRow.position)).all()
    return {
        "conversation": talk.id,
        "workflow_id": talk.workflow_id,
        "agent": talk.agent,
        "item": talk.item,
        "messages": [
            {
                "position": row.position,
                "role": row.role,
                "turn": row.turn,
                "at": row.created_at,
                "content": json.loads(row.content),
            }
            for row in rows
        ],
        "cuts": [
            {"position": cut.position, "keep_from": cut.keep_from, "summary": cut.summary, "at": cut.created_at}
            for cut in cuts
        ],
    }


def _tool_summary(session: Session, of: str) -> list[ToolSummary]:
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    ids = [talk.id for talk in _conversations(session, of)]
    for row in session.scalars(select(ToolResultRow).where(ToolResultRow.conversation.in_(ids))):
        outcomes[row.tool].append(Outcome.model_validate_json(row.outcome))
    return [
        ToolSummary(
            tool=tool,
            calls=len(each),
            errors=sum(not outcome.ok for outcome in each),
            average_ms=round(sum(outcome.milliseconds for outcome in each) / len(each), 1),
            p95_ms=_p95([outcome.milliseconds for outcome in each]),
        )
        for tool, each in sorted(outcomes.items())
    ]


def _p95(values: list[float]) -> float:
    """Take the smallest value that 95 of 100 do not pass; whole numbers, because 0.95 is no exact fraction."""
    return round(sorted(values)[(len(values) * 95 + 99) // 100 - 1], 1)


def _costs(session: Session, of: str) -> list[CostLine]:
    lines: dict[tuple[str, str, str], CostLine] = {}
    for talk in _conversations(session, of):
        query = select(AttemptRow).where(AttemptRow.conversation == talk.id)
        for attempt in session.scalars(query.order_by(AttemptRow.id)):
            key = (talk.agent, talk.item, attempt.model)
            line = lines.setdefault(key, _no_cost(*key))
            line["calls"] += 1
            line["micro_usd"] += cost_of(attempt)
            line["unknown"] += attempt.state not in {"billed", "free"}
            line["usage"] += usage_of(attempt)
    return list(lines.values())


def _no_cost(agent: str, item: str, model: str) -> CostLine:
    return CostLine(agent=agent, item=item, model=model, calls=0, micro_usd=0, unknown=0, usage=Usage())
