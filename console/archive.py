"""Reads a run's dossier out of the durable records. Nothing here needs a server, and nothing writes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow, CutRow, JournalRow, MessageRow, ToolResultRow
from activities.database import Database
from activities.ledger_tables import AttemptRow
from activities.record_entries import Told, attempt_entry, cost_of, cut_entry, journal_entry, message_entries
from console.dossier import Answered, Asked, Event, Span
from workflows.models import Answer, Outcome, Reply
from workflows.tracing import dollars

SAYS = ("error", "text", "reason")
"""Where a record says what happened, in this order."""
UNSAID = {"kind", "summary_digest"}
"""What is no news to people, where a record says nothing in words."""


class Archive:
    """The records of one run, or of one item of it when `of` is `RUN:ITEM`."""

    def __init__(self, database: Database, of: str) -> None:
        """Read from `database`."""
        self._database = database
        self.run, _, self.item = of.partition(":")

    async def head(self) -> ConversationRow | None:
        """Read the first conversation: it says for whom and for what; None when nothing is recorded."""
        first = select(ConversationRow).where(self._here()).order_by(ConversationRow.created_at, ConversationRow.id)
        return await self._database.read(lambda session: session.scalar(first.limit(1)))

    async def turns(self) -> int:
        """Count the replies of models."""
        replies = self._joined(select(func.count()).select_from(MessageRow), MessageRow).where(_IS_REPLY)
        return await self._database.read(lambda session: session.scalar(replies)) or 0

    async def spans(self) -> tuple[Span, ...]:
        """Read what took time, waits for people left out, in the order of time."""

        def work(session: Session) -> list[Span]:
            return [*self._model_calls(session), *self._tools(session)]

        return tuple(sorted(await self._database.read(work), key=lambda span: span.start))

    async def rulings(self) -> tuple[Event, ...]:
        """Read what was ruled: reminders, nudges, repairs, cuts, ends, alerts."""
        return await self._events("ruling")

    async def errors(self) -> tuple[Event, ...]:
        """Read what failed."""
        return await self._events("error")

    async def answered(self) -> Answered:
        """Read the latest output of the run's latest conversation."""
        last = select(MessageRow.record).join(ConversationRow, ConversationRow.id == MessageRow.conversation)
        last = last.where(self._here(), _IS_REPLY).order_by(
            ConversationRow.created_at.desc(), MessageRow.position.desc()
        )
        record = await self._database.read(lambda session: session.scalar(last.limit(1)))
        reply = Reply.model_validate_json(record) if record else None
        return Answered(text=_words(reply.output), done=True) if reply and reply.output is not None else Answered()

    def _here(self) -> ColumnElement[bool]:
        of_run = ConversationRow.run == self.run
        return and_(of_run, ConversationRow.item == self.item) if self.item else of_run

    def _joined(self, query: Select[Any], table: Any) -> Select[Any]:  # noqa: ANN401 - any table of a conversation
        return query.join(ConversationRow, ConversationRow.id == table.conversation).where(self._here())

    def _of(self, session: Session, table: Any, *only: ColumnElement[bool]) -> Iterator[Any]:  # noqa: ANN401 - as above
        query = select(table, ConversationRow.item, ConversationRow.agent)
        yield from session.execute(self._joined(query, table).where(*only)).yield_per(1_000)

    def _model_calls(self, session: Session) -> Iterator[Span]:
        for row, item, agent in self._of(session, AttemptRow):
            cost = f"{'' if row.state in {'billed', 'free'} else 'at most '}{dollars(cost_of(row))}"
            purpose = "" if row.kind == "turn" else f", {row.kind}"
            batch = ", in a batch" if row.batch else ""
            why = f": {row.error}" if row.error else ""
            yield Span(
                item=item,
                agent=agent,
                kind="model" if row.kind == "turn" else "aside",
                what=f"{agent} · turn {row.turn}{purpose} · {row.served or row.model}{batch} · {cost}{why}",
                start=row.started_at,
                end=row.ended_at or row.started_at,
                failed=bool(row.error),
                ended=row.ended_at is not None,
            )

    def _tools(self, session: Session) -> Iterator[Span]:
        for row, item, agent in self._of(session, ToolResultRow):
            outcome = Outcome.model_validate_json(row.outcome)
            why = "" if outcome.ok else f": {outcome.preview}"
            yield Span(
                item=item,
                agent=agent,
                kind="tool",
                what=f"{agent} · turn {row.turn} · {row.tool}{why}",
                start=row.created_at - timedelta(milliseconds=outcome.milliseconds),
                end=row.created_at,
                failed=not outcome.ok,
            )

    async def _events(self, action: str) -> tuple[Event, ...]:
        def work(session: Session) -> list[Event]:
            told = [*self._told_in_talks(session, action), *self._told_in_journal(session, action)]
            return sorted(told, key=lambda event: event.at)

        return tuple(await self._database.read(work))

    def _told_in_talks(self, session: Session, action: str) -> Iterator[Event]:
        if action == "error":
            for row, item, agent in self._of(session, AttemptRow, AttemptRow.error != ""):
                yield _event(attempt_entry(row), item, agent)
            return
        for row, item, agent in self._of(session, MessageRow, MessageRow.record.is_(None), MessageRow.notes != "[]"):
            for told in message_entries(row):
                if told[2] == action:
                    yield _event(told, item, agent)
        for row, item, agent in self._of(session, CutRow):
            yield _event(cut_entry(row), item, agent)

    def _told_in_journal(self, session: Session, action: str) -> Iterator[Event]:
        whole = JournalRow.run == self.run
        here = and_(whole, JournalRow.item == self.item) if self.item else whole
        for row in session.scalars(select(JournalRow).where(here, JournalRow.action == action)):
            yield _event(journal_entry(row), row.item, row.agent)


def waits(asked: tuple[Asked, ...], until: datetime) -> tuple[Span, ...]:
    """Show the waits for people as spans; one that is still open lasts `until` the last thing that is known."""
    return tuple(
        Span(
            item=each.question.scope.item,
            agent=each.question.scope.agent,
            kind="person",
            what=f"waits for {each.question.owner}: {each.question.reason}",
            start=each.question.asked_at,
            end=each.decided.at if each.decided else max(until, each.question.asked_at),
            ended=each.decided is not None,
        )
        for each in asked
    )


def _words(output: str) -> str:
    """Take the answer out of an output; what is none is shown as it is."""
    try:
        return str(Answer.model_validate_json(output).answer)
    except ValidationError:
        return output


def _event(told: Told, item: str, agent: str) -> Event:
    at, turn, action, data = told
    kind = str(data.get("kind", action))
    figures = ", ".join(f"{name} {value}" for name, value in data.items() if name not in UNSAID)
    text = next((str(data[name]) for name in SAYS if data.get(name)), figures)
    return Event(at=at, item=item, agent=agent, turn=turn, kind=kind, text=text)


_IS_REPLY = MessageRow.record.is_not(None)
