"""The spans that hold others: turns, agents, invocations. They are told when they are over, with their sums."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, load_only

from activities.attempt_errors import kind_of
from activities.conversation_tables import ConversationRow, MessageRow, ToolResultRow
from activities.invocation_tables import FROM_OUTSIDE, InvocationRow
from activities.ledger_tables import AttemptRow
from activities.record_entries import cost_of, usage_of
from activities.span_calls import began
from activities.span_events import of_invocation, of_turn
from activities.spans import DOLLAR, Told, Value, filled, of_spot, summed
from activities.spots import Spot
from workflows.models import Outcome, Reply, Usage
from workflows.tracing import INVOKE_AGENT, INVOKE_WORKFLOW, TURN, Ai, At, agent_span, turn_span

ANSWERED = "answered"
_WELL = {ANSWERED, "asks", "carried", ""}
"""Ends of a conversation that are no trouble."""
_FAILED = {"failed", *FROM_OUTSIDE}


class Works(NamedTuple):
    """What was done in a stretch of a conversation."""

    attempts: Sequence[AttemptRow]
    results: Sequence[ToolResultRow]
    replies: Sequence[MessageRow]

    @property
    def turns(self) -> list[int]:
        """Number the turns in which something was done, compactions before the first turn left out."""
        return sorted({row.turn for rows in self for row in rows if row.turn})

    def of(self, turn: int) -> "Works":
        """Take what was done in one turn."""
        return Works(
            [row for row in self.attempts if row.turn == turn],
            [row for row in self.results if row.turn == turn],
            [row for row in self.replies if row.turn == turn],
        )

    @property
    def micro_usd(self) -> int:
        """Sum up what it cost, failed attempts included."""
        return sum(map(cost_of, self.attempts))

    @property
    def usage(self) -> Usage:
        """Sum up the tokens."""
        return sum(map(usage_of, self.attempts), Usage())

    @property
    def starts(self) -> list[datetime]:
        """Tell when each of it began."""
        spoken = [row.created_at - timedelta(seconds=_reply(row).seconds) for row in self.replies]
        used = [began(row, Outcome.model_validate_json(row.outcome)) for row in self.results]
        return [*(row.started_at for row in self.attempts), *spoken, *used]

    @property
    def ends(self) -> list[datetime]:
        """Tell when each of it ended."""
        called = [row.ended_at or row.started_at for row in self.attempts]
        return [*called, *(row.created_at for row in self.results), *(row.created_at for row in self.replies)]


def works(session: Session, conversation: str, since: int, until: int | None = None) -> Works:
    """Read what was done from turn `since` to turn `until`; the big columns stay where they are."""

    def within(table: type[AttemptRow | ToolResultRow | MessageRow]) -> list[ColumnElement[bool]]:
        here = [table.conversation == conversation, table.turn >= since]
        return [*here, table.turn <= until] if until is not None else here

    results = select(ToolResultRow).where(*within(ToolResultRow))
    replies = select(MessageRow).where(*within(MessageRow), MessageRow.record.is_not(None))
    return Works(
        session.scalars(select(AttemptRow).where(*within(AttemptRow)).order_by(AttemptRow.id)).all(),
        session.scalars(
            results.options(load_only(ToolResultRow.turn, ToolResultRow.outcome, ToolResultRow.created_at))
        ).all(),
        session.scalars(replies.options(load_only(MessageRow.turn, MessageRow.record, MessageRow.created_at))).all(),
    )


def turns(session: Session, spot: Spot, since: int, until: int | None = None) -> Iterator[Told]:
    """Tell the turns from `since` to `until` in which something was done."""
    done = works(session, spot.conversation, since, until)
    for number in done.turns:
        yield _turn(session, spot, number, done.of(number))


def _turn(session: Session, spot: Spot, number: int, done: Works) -> Told:
    outcomes = [Outcome.model_validate_json(row.outcome) for row in done.results]
    stops = [_reply(row).stop for row in done.replies]
    sums: dict[str, Value] = {
        At.TURN: number,
        At.TURN_STOP: stops[-1] if stops else "",
        At.TURN_COST: done.micro_usd / DOLLAR,
        At.TURN_LLM_CALLS: len(done.attempts),
        At.TURN_TOOL_CALLS: len(outcomes),
        At.TURN_TOOL_ERRORS: sum(not each.ok for each in outcomes),
        **summed(At.TURN_TOKENS, done.usage),
    }
    unanswered = "" if stops else next((kind_of(row.error) for row in reversed(done.attempts) if row.error), "")
    return Told(
        spot=spot,
        name=TURN,
        span_id=turn_span(spot.conversation, number),
        parent=agent_span(spot.conversation),
        start=min(done.starts),
        end=max(done.ends),
        attributes={**of_spot(spot), **filled(sums)},
        events=of_turn(session, spot, number),
        error=unanswered,
    )


def agent(session: Session, talk: ConversationRow, spot: Spot) -> Told:
    """Tell a whole conversation."""
    done = works(session, talk.id, 0)
    last = max(done.ends, default=talk.created_at)
    sums: dict[str, Value] = {
        Ai.OPERATION: INVOKE_AGENT,
        At.ENDED: talk.ended,
        At.AGENT_COST: done.micro_usd / DOLLAR,
        At.AGENT_TURNS: len(done.turns),
        At.AGENT_LLM_CALLS: len(done.attempts),
        **summed(At.AGENT_TOKENS, done.usage),
    }
    return Told(
        spot=spot,
        name=f"{INVOKE_AGENT} {talk.agent}",
        span_id=agent_span(talk.id),
        parent=spot.above,
        start=talk.created_at,
        end=max(last, talk.ended_at or last),
        attributes={**of_spot(spot), **filled(sums)},
        events=of_turn(session, spot, 0),
        error="" if talk.ended in _WELL else talk.ended,
    )


def invocation(session: Session, row: InvocationRow) -> Told:
    """Tell a run, an item or a single agent that has ended."""
    spot = Spot.of_invocation(row)
    sums: dict[str, Value] = {
        Ai.OPERATION: INVOKE_WORKFLOW,
        Ai.WORKFLOW: row.name,
        At.STATUS: row.status,
        At.WORKFLOW_COST: row.micro_usd / DOLLAR,
        At.WORKFLOW_TURNS: row.turns,
        At.WORKFLOW_TOOL_CALLS: row.tool_calls,
        At.WORKFLOW_ASKED: row.asked,
        At.HISTORY_EVENTS: row.events,
        At.HISTORY_BYTES: row.bytes,
    }
    return Told(
        spot=spot,
        name=f"{INVOKE_WORKFLOW} {row.name}",
        span_id=row.span_id,
        parent=row.parent_span_id,
        start=row.started_at,
        end=row.ended_at or row.started_at,
        attributes={**of_spot(spot), **filled(sums)},
        events=of_invocation(session, row),
        error=row.status if row.status in _FAILED else "",
    )


def _reply(row: MessageRow) -> Reply:
    return Reply.model_validate_json(row.record or "")
