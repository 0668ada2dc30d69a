"""When spans are told: what a transaction has kept makes some of them complete, and each is told once.

A turn is over when the next reply of its conversation is kept, or when the conversation has ended; an agent when it has
answered; an invocation, and with it all that was left open in it, when it has ended itself.
"""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities import span_calls, span_sums
from activities.conversation_tables import ConversationRow, MessageRow, ToolResultRow
from activities.database import Written
from activities.invocation_tables import InvocationRow
from activities.ledger_tables import AttemptRow
from activities.people import NoticeRow
from activities.span_events import notices
from activities.span_sums import ANSWERED
from activities.spans import Told
from activities.spots import Spot, Spots
from workflows.tracing import invocation_of


def complete(written: Written, session: Session, spots: Spots) -> Iterator[Told]:
    """Tell the spans that a written row completes."""
    row = written.row
    if isinstance(row, InvocationRow):
        yield from _invocation(written, row, session)
    elif isinstance(row, ConversationRow):
        yield from _conversation(written, row, session, spots)
    elif isinstance(row, AttemptRow | ToolResultRow | MessageRow | NoticeRow):
        yield from _single(written, row, spots.of_row(session, row), session)


def so_far(session: Session, of: str) -> Iterator[Told]:
    """Tell again everything that was told of a run, a workflow or a conversation until now."""
    spots = Spots()
    its = (InvocationRow.run == of) | (InvocationRow.workflow_id == of) | (InvocationRow.id == of)
    invocations = {row.id: row for row in session.scalars(select(InvocationRow).where(its))}
    for row in invocations.values():
        yield span_calls.opened(row)
        for notice in notices(session, row):
            yield span_calls.asked(notice, Spot.of_invocation(row))
        if row.status:
            yield span_sums.invocation(session, row)
    here = (ConversationRow.run == of) | (ConversationRow.workflow_id == of) | (ConversationRow.id == of)
    for talk in session.scalars(select(ConversationRow).where(here).order_by(ConversationRow.created_at)):
        if (spot := spots.of(session, talk.id)) is not None:
            within = invocations.get(invocation_of(talk.id, talk.workflow_id))
            yield from _talk_so_far(session, talk, spot, over=bool(within and within.status))


def _talk_so_far(session: Session, talk: ConversationRow, spot: Spot, *, over: bool) -> Iterator[Told]:
    done = span_sums.works(session, talk.id, 0)
    yield span_calls.at_work(talk, spot)
    yield from (span_calls.chat(row, spot) for row in done.attempts if row.state != "open")
    for result in session.scalars(select(ToolResultRow).where(ToolResultRow.conversation == talk.id)):
        yield span_calls.tool(result, spot)
    over = over or talk.ended == ANSWERED
    last = max((row.turn for row in done.replies), default=1)
    yield from span_sums.turns(session, spot, 1, None if over else max(talk.ended_turn, last - 1))
    if over:
        yield span_sums.agent(session, talk, spot)


def _single(
    written: Written, row: AttemptRow | ToolResultRow | MessageRow | NoticeRow, spot: Spot | None, session: Session
) -> Iterator[Told]:
    if spot is None:
        return
    if isinstance(row, AttemptRow):
        if row.state != "open" and (written.new or "state" in written.changed):
            yield span_calls.chat(row, spot)
    elif written.new and isinstance(row, ToolResultRow):
        yield span_calls.tool(row, spot)
    elif written.new and isinstance(row, NoticeRow):
        yield span_calls.asked(row, spot)
    elif written.new and isinstance(row, MessageRow) and row.record is not None:
        yield from _turns_before(row, spot, session)


def _turns_before(row: MessageRow, spot: Spot, session: Session) -> Iterator[Told]:
    """Tell the turns that are over because another one has begun, but for those that an end has told."""
    talk = session.get_one(ConversationRow, row.conversation)
    since = max(_last_reply(session, talk, before=row.position), talk.ended_turn + 1)
    if since < row.turn:
        yield from span_sums.turns(session, spot, since, row.turn - 1)


def _conversation(written: Written, talk: ConversationRow, session: Session, spots: Spots) -> Iterator[Told]:
    spot = spots.of(session, talk.id)
    if spot is None:
        return
    if written.new:
        yield span_calls.at_work(talk, spot)
    if "ended_turn" in written.changed:
        since = max(_last_reply(session, talk), int(written.changed["ended_turn"] or 0) + 1)
        yield from span_sums.turns(session, spot, since, talk.ended_turn)
    if talk.ended == ANSWERED and written.changed.get("ended", ANSWERED) != ANSWERED:
        yield span_sums.agent(session, talk, spot)


def _invocation(written: Written, row: InvocationRow, session: Session) -> Iterator[Told]:
    if written.new:
        yield span_calls.opened(row)
    if not row.status or "status" not in written.changed:
        return
    its = select(ConversationRow).where(ConversationRow.workflow_id == row.workflow_id)
    for talk in session.scalars(its.where(ConversationRow.ended != ANSWERED)):
        if invocation_of(talk.id, talk.workflow_id) in {row.id, ""}:
            spot = Spot.of_conversation(talk, row)
            yield from span_sums.turns(session, spot, max(_last_reply(session, talk), talk.ended_turn + 1))
            yield span_sums.agent(session, talk, spot)
    yield span_sums.invocation(session, row)


def _last_reply(session: Session, talk: ConversationRow, before: int | None = None) -> int:
    """Tell in which turn the last reply came: those before it have been told. Without a reply it is the first one."""
    replies = select(MessageRow.turn).where(MessageRow.conversation == talk.id, MessageRow.record.is_not(None))
    if before is not None:
        replies = replies.where(MessageRow.position < before)
    return session.scalar(replies.order_by(MessageRow.position.desc()).limit(1)) or 1
