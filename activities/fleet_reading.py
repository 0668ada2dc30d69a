"""Reads how the fleet stands from the records: what runs, what is stuck, who waits for people, how full budgets are.

The look-ups are by index, so that they stay short however much is kept; what is read grows with what is open.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, cast, get_args

from sqlalchemy import JSON, ColumnElement, Select, Table, and_, func, literal, or_, select, type_coerce
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session, aliased

from activities.conversation_tables import ConversationRow, ToolResultRow
from activities.invocation_tables import InvocationRow
from activities.ledger_accounts import Caps, current, read_accounts
from activities.ledger_tables import AccountRow, AttemptRow
from activities.people import NoticeRow
from workflows.models import Question

QUIET = timedelta(minutes=15)
"""How long an open invocation may leave no record before it counts as stuck."""

ENDED = timedelta(hours=24)
"""How far the escalation rate looks back."""

KINDS: tuple[str, ...] = get_args(Question.model_fields["kind"].annotation)
"""Kinds of questions that are told of also when nobody is asked."""

FLEET = {"fleet_day": "fleet/day", "fleet_month": "fleet/month"}
MICRO = 1_000_000
_CLOSES = ("decided", "expired")


class Reading(NamedTuple):
    """How the fleet stood when it was read. `oldest` is when the oldest question of a kind was asked."""

    running: Mapping[str, int]
    stuck: Mapping[str, int]
    waiting: Mapping[str, int]
    oldest: Mapping[str, datetime]
    escalated: Mapping[str, float]
    used: Mapping[str, float]
    dollars: Mapping[tuple[str, str], float]


def read_fleet(session: Session, caps: Caps, at: datetime) -> Reading:
    """Read it all, in one transaction."""
    ended = {name: (count, asked) for name, count, asked in session.execute(ended_lately(at))}
    running = dict.fromkeys(ended, 0) | _counts(session, running_now())
    questions = [(kind, count, first) for kind, count, first in session.execute(waiting_now(session))]
    accounts = read_accounts(session, [current(rule, at) for rule in FLEET.values()], caps)
    fleet = dict(zip(FLEET, accounts.values(), strict=True))
    used = {scope: each.spent + each.reserved for scope, each in fleet.items()}
    ratios = {scope: used[scope] / each.cap for scope, each in fleet.items() if each.cap}
    return Reading(
        running=running,
        stuck=dict.fromkeys(running, 0) | _counts(session, stuck_now(at)),
        waiting=dict.fromkeys(KINDS, 0) | {kind: count for kind, count, _ in questions},
        oldest={kind: first for kind, _, first in questions},
        escalated={name: asked / count for name, (count, asked) in ended.items()},
        used={**ratios, **_tenants(session, caps, at), **_runs(session)},
        dollars={
            (scope, what): amount / MICRO
            for scope, each in fleet.items()
            for what, amount in (("spent", each.spent), ("reserved", each.reserved), ("cap", each.cap))
            if amount is not None
        },
    )


def running_now() -> Select[str, int]:
    """Count what is open, by name."""
    return select(InvocationRow.name, func.count()).where(InvocationRow.ended_at.is_(None)).group_by(InvocationRow.name)


def ended_lately(at: datetime) -> Select[str, int, int]:
    """Count what ended lately, by name, and how much of it asked a person."""
    asked = func.count().filter(InvocationRow.asked > 0)
    lately = InvocationRow.ended_at > at - ENDED
    return select(InvocationRow.name, func.count(), asked).where(lately).group_by(InvocationRow.name)


def waiting_now(session: Session) -> Select[str, int, datetime]:
    """Count the open questions by kind, and find when the oldest was asked."""
    kind = _kind(session)
    return select(kind, func.count(), func.min(NoticeRow.told_at)).where(*_open_question()).group_by(kind)


def stuck_now(at: datetime) -> Select[str, int]:
    """Count what is open and left no record for long, by name.

    What waits for a person does not count, nor what has an item at work or a call under way, in a batch too.
    """
    row, since = InvocationRow, at - QUIET
    child = aliased(InvocationRow)
    children = select(child.id).where(child.parent == row.workflow_id)
    here = (NoticeRow.run == row.run, NoticeRow.item == row.item)
    quiet = and_(
        ~children.where(or_(child.ended_at.is_(None), child.ended_at > since)).exists(),
        ~select(NoticeRow.id).where(*here, NoticeRow.told_at > since).exists(),
        ~select(NoticeRow.id).where(*here, *_unanswered()).exists(),
        ~_at_work(since, at).exists(),
    )
    is_open = (row.ended_at.is_(None), row.started_at < since)
    return select(row.name, func.count()).where(*is_open, quiet).group_by(row.name)


def _at_work(since: datetime, at: datetime) -> Select[str]:
    """Find conversations of an invocation in which something happened lately, or is under way."""
    talk, row = ConversationRow, InvocationRow
    attempts = select(AttemptRow.id).where(
        AttemptRow.conversation == talk.id,
        or_(
            AttemptRow.started_at > since,
            AttemptRow.ended_at > since,
            and_(AttemptRow.state == "open", AttemptRow.expires_at > at),
        ),
    )
    results = select(ToolResultRow.tool).where(ToolResultRow.conversation == talk.id, ToolResultRow.created_at > since)
    lately = or_(talk.created_at > since, talk.ended_at > since, attempts.exists(), results.exists())
    return select(talk.id).where(talk.run == row.run, talk.item == row.item, lately)


def _open_question() -> tuple[ColumnElement[bool], ...]:
    """A question whose invocation has ended, e.g. because it was cancelled, waits for nobody."""
    row = InvocationRow
    runs = select(row.run).where(row.ended_at.is_(None))
    asking = select(row.id).where(row.run == NoticeRow.run, row.item == NoticeRow.item, row.ended_at.is_(None))
    return (NoticeRow.run.in_(runs), *_unanswered(), asking.exists())


def _unanswered() -> tuple[ColumnElement[bool], ...]:
    """A question that was only claimed, answered in part or handed on is still open."""
    later = aliased(NoticeRow)
    closed = select(later.id).where(later.question == NoticeRow.question, later.kind.in_(_CLOSES))
    return NoticeRow.kind == "question", ~closed.exists()


def _kind(session: Session) -> ColumnElement[str]:
    """Read the kind of a question in a notice's body: JSON kept as text, for which only PostgreSQL needs a type."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    body = type_coerce(NoticeRow.body, JSON) if sqlite else sql_cast(NoticeRow.body, JSON)
    return cast("ColumnElement[str]", body["question", "kind"].as_string())


def _tenants(session: Session, caps: Caps, at: datetime) -> dict[str, float]:
    """Find the fullest account of today among the tenants that had something open today."""
    row = InvocationRow
    lately = or_(row.ended_at.is_(None), row.ended_at > at - ENDED)
    names = [
        current(f"tenant:{tenant}/day", at) for tenant in session.scalars(select(row.tenant).where(lately).distinct())
    ]
    shares = [
        (each.spent + each.reserved) / each.cap for each in read_accounts(session, names, caps).values() if each.cap
    ]
    return {"tenant_day": max(shares)} if shares else {}


def _runs(session: Session) -> dict[str, float]:
    """Find the fullest account of the runs that are open."""
    accounts, row = cast("Table", AccountRow.__table__).c, InvocationRow
    fullest = func.max((accounts.spent + accounts.reserved) * 1.0 / accounts.cap)
    of_run = and_(accounts.name == literal("run:") + row.run, accounts.cap > 0)
    share = session.scalar(select(fullest).select_from(row).join(AccountRow, of_run).where(row.ended_at.is_(None)))
    return {} if share is None else {"run": float(share)}


def _counts(session: Session, query: Select[str, int]) -> dict[str, int]:
    return dict(session.execute(query).all())
