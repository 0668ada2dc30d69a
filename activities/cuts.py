"""Cuts a conversation: message 0 and the tail stay, the middle becomes a summary, the originals stay in the store."""

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.compaction import Line, person_line, result_line, summarise, tail_start
from activities.conversation_tables import CutRow, MessageRow, PinRow, ToolResultRow
from activities.conversation_views import (
    check_contract,
    context_after,
    context_of,
    conversation_row,
    message_rows,
    view,
)
from activities.messages import digest_of
from activities.tools.answers import clean
from workflows.models import Compacted, Cut, Outcome


def compact(session: Session, cut: Cut) -> Compacted:
    """Cut at `cut.head`, once. A cut that would gain nothing is not made, and drops 0 messages."""
    talk = conversation_row(session, cut.conversation)
    row = session.get(CutRow, (cut.conversation, cut.head))
    if row is None:
        rows = message_rows(session, cut.conversation, cut.head)
        check_contract(talk, rows[0])
        before = view(session, cut.conversation, cut.head)
        row = _propose(session, cut, rows, talk.contract_digest)
        after = view(session, cut.conversation, cut.head, row)
        if row.keep_from <= before.keep_from or after.size >= before.size:
            return Compacted(
                dropped=0, context=context_of(before), summary_digest="", contract_digest=talk.contract_digest
            )
        row.context = context_after(before, after, len(session.get_one(PinRow, talk.pin).body))
        session.add(row)
    return Compacted(
        dropped=row.keep_from - 1,
        context=row.context,
        summary_digest=digest_of(row.summary),
        contract_digest=row.contract_digest,
    )


def _propose(session: Session, cut: Cut, rows: list[MessageRow], contract_digest: str) -> CutRow:
    keep_from = tail_start([row.role for row in rows], cut.keep)
    return CutRow(
        conversation=cut.conversation,
        position=cut.head,
        keep_from=keep_from,
        summary=summarise(_lines(session, cut.conversation, rows[1:keep_from])),
        contract_digest=contract_digest,
        context=0,
        turn=cut.turn,
    )


def _lines(session: Session, conversation: str, dropped: list[MessageRow]) -> list[Line]:
    """Read what the dropped messages came to: results of tools, and what people said."""
    answered = {row.position for row in dropped}
    query = select(ToolResultRow).where(ToolResultRow.conversation == conversation).order_by(ToolResultRow.position)
    lines = [_line(row) for row in session.scalars(query) if row.position in answered]
    for row in dropped:
        notes = json.loads(row.notes)
        lines += [person_line(row.turn, note["text"]) for note in notes if note["kind"] == "person"]
    return lines


def _line(row: ToolResultRow) -> Line:
    outcome = Outcome.model_validate_json(row.outcome)
    return result_line(row.turn, clean(row.tool), outcome.preview or row.content, ok=outcome.ok)
