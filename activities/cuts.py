"""Cuts a conversation: what a cut would have to do, what it would leave, and the row that is kept of it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from activities.compaction import Line, assets_in, people_in, person_line, result_line, summarise, tail_start
from activities.conversation_tables import CutRow, MessageRow, PinRow, ToolResultRow
from activities.conversation_views import (
    Reader,
    View,
    check_contract,
    context_after,
    context_of,
    conversation_row,
    last_answer,
    latest_cut,
    message_rows,
    reader_of,
    said,
    view,
)
from activities.database import first
from activities.ledger_tables import AttemptRow
from activities.messages import calls_of, digest_of, dumps
from activities.tools.answers import clean, small
from workflows.models import Compacted, Cut, Outcome, Reply, Strategy, asset_id

FITS = (2, 5)
"""The part of the window that a cut conversation may fill: 40 %, as a fraction of whole numbers."""


MOST_NAMES = 60
"""Artefacts that the summary of a model has to name; the oldest are let go."""


_OPEN = {"pause_turn", "refusal"}


class Event(NamedTuple):
    """Something that happened in the conversation, and the artefact that came of it."""

    position: int
    line: Line
    asset: str = ""


class Proposal(NamedTuple):
    """A cut that could be made: the summary of everything before `keep_from`; `block` is a signed one, as JSON."""

    strategy: Strategy
    summary: str
    keep_from: int
    block: str | None = None


@dataclass(frozen=True)
class Case:
    """What there is to cut.

    `asked` is what the last request said, to the byte; the answer to it begins at `answer` (0: it may be continued
    without a word of the user). Of the tail stays what begins at `keep_from` (0: nothing can be gained); `rests` are
    the tokens that stay whatever the summary says, with that tail and with the last answer only. `calls` have no result
    and are dropped; `attempts` at a summary were made here before.
    """

    cut: Cut
    contract_digest: str
    pin: dict[str, Any]
    reader: Reader
    before: View
    asked: View
    answer: int
    earlier: str
    events: tuple[Event, ...]
    calls: tuple[str, ...]
    attempts: int
    keep_from: int = 0
    rests: tuple[int, int] = (0, 0)

    @property
    def limit(self) -> int:
        """How many tokens may be left."""
        part, whole = FITS
        return self.cut.window * part // whole

    def summary(self, keep_from: int) -> str:
        """Write the plain summary of what stands before `keep_from`."""
        return summarise(self._lines(keep_from), self.earlier)

    def people(self, keep_from: int) -> str:
        """Repeat what people said before `keep_from`."""
        return people_in(self._lines(keep_from), self.earlier)

    def names(self, keep_from: int) -> tuple[str, ...]:
        """Name what nobody could find again: artefacts that were made before `keep_from`, and calls without an end."""
        made = [event.asset for event in self.events if event.asset and event.position < keep_from]
        return tuple(dict.fromkeys([*assets_in(self.earlier), *made][-MOST_NAMES:])) + self.calls

    def _lines(self, keep_from: int) -> list[Line]:
        return [event.line for event in self.events if event.position < keep_from]


def look(session: Session, cut: Cut) -> Case | CutRow:
    """Read what there is to cut, or the cut that was made here already."""
    talk = conversation_row(session, cut.conversation)
    if (made := session.get(CutRow, (cut.conversation, cut.head))) is not None:
        return made
    check_contract(talk, session.get_one(MessageRow, (cut.conversation, 0)))
    pin = json.loads(session.get_one(PinRow, talk.pin).body)
    reader = reader_of(pin, cut.model)
    answer = last_answer(session, cut.conversation, cut.head)
    begins = answer[0].position if answer else cut.head
    last = latest_cut(session, cut.conversation, cut.head)
    before = view(session, cut.conversation, cut.head, reader)
    rows = message_rows(session, cut.conversation, before.keep_from, cut.head)
    events = tuple(_events(session, cut.conversation, before.keep_from, begins))
    case = Case(
        cut=cut,
        contract_digest=talk.contract_digest,
        pin=pin,
        reader=reader,
        before=before,
        asked=view(session, cut.conversation, begins, reader),
        answer=begins if answer and Reply.model_validate_json(answer[-1].record or "").stop not in _OPEN else 0,
        earlier=last.summary if last else "",
        events=events,
        calls=_unanswered(session, cut.conversation, [row for row in rows if row.position < begins]),
        attempts=_attempts(session, cut),
    )
    keep_from = _tail(session, case, [row.role for row in rows])
    rests = tuple(_rest(session, case, start) for start in (keep_from, case.answer))
    return replace(case, keep_from=keep_from, rests=(rests[0], rests[1]))


def keep(session: Session, case: Case, proposal: Proposal, tried: Sequence[str]) -> str:
    """Make a proposed cut, first writer wins; or say what is wrong with it."""
    row = _row(case, proposal, tried)
    gains, row.context = _weigh(session, case, row)
    if not gains:
        return "it would leave no less than there is"
    if proposal.strategy != "plain":
        if row.context > case.limit:
            return f"it would leave {row.context} tokens, and {case.limit} are allowed"
        if lost := [name for name in case.names(proposal.keep_from) if name not in proposal.summary]:
            return f"it does not name {', '.join(lost[:3])}"
    first(session, row)
    return ""


def nothing(case: Case) -> Compacted:
    """Say that nothing could be gained: that is found out before anything is paid for."""
    return Compacted(
        dropped=0,
        context=context_of(case.before),
        summary_digest="",
        contract_digest=case.contract_digest,
        strategy="none",
    )


def compacted(row: CutRow) -> Compacted:
    """Say what a cut did."""
    return Compacted(
        dropped=row.keep_from - 1,
        context=row.context,
        summary_digest=digest_of(row.summary),
        contract_digest=row.contract_digest,
        strategy=row.strategy,
        tried=row.tried,
    )


def _tail(session: Session, case: Case, roles: Sequence[str]) -> int:
    """Choose where the tail begins: as far back as was asked for, later where that would leave too much."""
    starts = [tail_start(roles, keep, case.before.keep_from) for keep in range(max(case.cut.keep, 1), 0, -1)]
    roomy, best = context_of(case.before) <= case.limit, 0
    for start in dict.fromkeys(starts):
        if start > case.before.keep_from:
            gains, context = _weigh(session, case, _row(case, Proposal("plain", case.summary(start), start)))
            best = start if gains else best
            if gains and context <= case.limit:
                break
        if roomy:
            break
    return best


def _rest(session: Session, case: Case, keep_from: int) -> int:
    return _weigh(session, case, _row(case, Proposal("plain", "-", keep_from)))[1] if keep_from else 0


def _weigh(session: Session, case: Case, row: CutRow) -> tuple[bool, int]:
    """Tell whether a cut would leave less than there is, and how many tokens."""
    after = view(session, row.conversation, row.position, case.reader, row)
    context = context_after(case.before, after, len(dumps(case.pin)))
    return row.keep_from > case.before.keep_from and after.size < case.before.size, context


def _row(case: Case, proposal: Proposal, tried: Sequence[str] = ()) -> CutRow:
    return CutRow(
        conversation=case.cut.conversation,
        position=case.cut.head,
        keep_from=proposal.keep_from,
        summary=proposal.summary,
        contract_digest=case.contract_digest,
        context=0,
        turn=case.cut.turn,
        strategy=proposal.strategy,
        tried=small("; ".join(tried), 600, 2_000),
        block=proposal.block,
    )


def _events(session: Session, conversation: str, start: int, stop: int) -> Iterator[Event]:
    """Read what the messages from `start` on came to: results of tools, and what people said."""
    here = (ToolResultRow.conversation == conversation, ToolResultRow.position >= start, ToolResultRow.position < stop)
    for row in session.scalars(select(ToolResultRow).where(*here).order_by(ToolResultRow.position)):
        outcome = Outcome.model_validate_json(row.outcome)
        asset = asset_id(outcome.asset) if outcome.asset else ""
        text = outcome.preview or row.content
        yield Event(row.position, result_line(row.turn, clean(row.tool), text, ok=outcome.ok, asset=asset), asset)
    told = (MessageRow.conversation == conversation, MessageRow.position >= start, MessageRow.position < stop)
    for message in session.scalars(select(MessageRow).where(*told, MessageRow.notes != "[]")):
        for note in json.loads(message.notes):
            if note["kind"] == "person":
                yield Event(message.position, person_line(message.turn, note["text"]))


def _unanswered(session: Session, conversation: str, rows: Sequence[MessageRow]) -> tuple[str, ...]:
    asked = [clean(call.id) for row in rows if row.role == "assistant" for call in calls_of(said(row))]
    here = (ToolResultRow.conversation == conversation, ToolResultRow.call_id.in_(asked))
    done = set(session.scalars(select(ToolResultRow.call_id).where(*here)))
    return tuple(call for call in asked if call not in done)


def _attempts(session: Session, cut: Cut) -> int:
    here = {"conversation": cut.conversation, "position": cut.head, "kind": "compaction"}
    return session.scalar(select(func.count()).select_from(AttemptRow).filter_by(**here)) or 0
