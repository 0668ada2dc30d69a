"""Reads what was spent: by a conversation just now, and by its pipeline of late. All look-ups are bounded."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Subquery, Text, bindparam, cast, func, select
from sqlalchemy.orm import Session

from activities.alert_tables import PipelineRunRow
from activities.baselines import TurnKey, turns_of
from activities.conversation_tables import ConversationRow
from activities.database import first
from activities.ledger_tables import AccountRow, AttemptRow

RUNS = 50
TURNS = 200
MINUTE = timedelta(minutes=1)
DAY = timedelta(hours=24)
_MOST_RUNS = 4 * RUNS  # of which some are under way
_MOST_TALKS = 100
_MOST_ATTEMPTS = 2 * TURNS  # of which some are retries of one turn
_MOST_OF_A_TURN = 50
_MOST_OF_A_DAY = 100_000  # some seventy a second fill it in the minutes that a sample takes
_TO_THE_MINUTE = len("2026-11-22 10:59")


class Talk(NamedTuple):
    """For whom a conversation is held; none of it changes."""

    conversation: str
    pipeline: str
    run: str
    item: str
    agent: str

    @property
    def account(self) -> str:
        """The account of the run."""
        return f"run:{self.run}"


class Spent(NamedTuple):
    """What the last turn of a conversation, and its run, have cost."""

    turn: TurnKey
    turn_cost: int
    run_cost: int


# Written once: this is asked after every call, and to write it takes longer than to answer it.
_SPENT = (
    select(
        AttemptRow.position,
        AttemptRow.turn,
        AttemptRow.kind,
        AttemptRow.micro_usd,
        select(AccountRow.spent).where(AccountRow.name == bindparam("account")).scalar_subquery().label("run_cost"),
    )
    .where(AttemptRow.conversation == bindparam("conversation"))
    .order_by(AttemptRow.position.desc(), AttemptRow.turn.desc())
    .limit(_MOST_OF_A_TURN)
)


def talk(session: Session, conversation: str) -> Talk | None:
    """Read for whom a conversation is held; None when it is unknown."""
    row = session.get(ConversationRow, conversation)
    return Talk(row.id, row.pipeline, row.run, row.item, row.agent) if row is not None else None


def spent(session: Session, talk: Talk) -> Spent:
    """Read what the last turn of a conversation, and the run it belongs to, have cost so far."""
    rows = session.execute(_SPENT, {"conversation": talk.conversation, "account": talk.account}).all()
    turns = [row for row in rows if row.kind == "turn"]
    key = (turns[0].position, turns[0].turn) if turns else (0, 0)
    cost = sum(row.micro_usd for row in turns if (row.position, row.turn) == key)
    return Spent((talk.conversation, *key), cost, (rows[0].run_cost or 0) if rows else 0)


def note_run(session: Session, talk: Talk, at: datetime) -> None:
    """Remember that a pipeline has had this run."""
    first(session, PipelineRunRow(pipeline=talk.pipeline, run=talk.run, account=talk.account, at=at))


def runs(session: Session, pipeline: str) -> dict[str, int]:
    """Read what the last runs of a pipeline cost.

    A run with a call under way is not done, and would only make the others look dear.
    """
    latest = (
        select(PipelineRunRow.run, PipelineRunRow.account, PipelineRunRow.at)
        .where(PipelineRunRow.pipeline == pipeline)
        .order_by(PipelineRunRow.at.desc())
        .limit(_MOST_RUNS)
        .subquery()
    )
    query = (
        select(latest.c.run, AccountRow.spent)
        .join_from(latest, AccountRow, AccountRow.name == latest.c.account)
        .where(AccountRow.reserved == 0, AccountRow.spent > 0)
        .order_by(latest.c.at.desc())
        .limit(RUNS + 1)  # the one that is compared may be among them
    )
    return {row.run: row.spent for row in session.execute(query)}


def turns(session: Session, pipeline: str, agent: str) -> dict[TurnKey, int]:
    """Read what the last turns of an agent cost, in its latest conversations of a pipeline.

    The conversations are read first and named: otherwise PostgreSQL reads all attempts there are.
    """
    latest = session.scalars(
        select(ConversationRow.id)
        .where(ConversationRow.pipeline == pipeline, ConversationRow.agent == agent)
        .order_by(ConversationRow.created_at.desc())
        .limit(_MOST_TALKS)
    ).all()
    query = (
        select(AttemptRow.conversation, AttemptRow.position, AttemptRow.turn, AttemptRow.micro_usd)
        .where(AttemptRow.conversation.in_(latest), AttemptRow.kind == "turn", AttemptRow.ended_at.is_not(None))
        .order_by(AttemptRow.ended_at.desc())
        .limit(_MOST_ATTEMPTS)
    )
    return turns_of((((talk, position, turn), cost) for talk, position, turn, cost in session.execute(query)), TURNS)


def burn(session: Session, pipeline: str, at: datetime) -> int:
    """Add up what a pipeline has spent in the minute before `at`."""
    ended = _ended(pipeline, at - MINUTE, at)
    return int(session.scalar(select(func.coalesce(func.sum(ended.c.micro_usd), 0))) or 0)


def minutes(session: Session, pipeline: str, at: datetime) -> list[int]:
    """Add up what a pipeline has spent in each minute of the last day in which it spent; not in the latest."""
    until = (at - MINUTE).replace(second=0, microsecond=0)
    ended = _ended(pipeline, until - DAY, until)
    minute = func.substr(cast(ended.c.ended_at, Text), 1, _TO_THE_MINUTE)
    return [int(spent) for spent in session.scalars(select(func.sum(ended.c.micro_usd)).group_by(minute))]


def _ended(pipeline: str, since: datetime, until: datetime) -> Subquery:
    here = (AttemptRow.pipeline == pipeline, AttemptRow.ended_at >= since, AttemptRow.ended_at < until)
    query = select(AttemptRow.ended_at, AttemptRow.micro_usd).where(*here)
    return query.order_by(AttemptRow.ended_at.desc()).limit(_MOST_OF_A_DAY).subquery()
