"""Pauses: what operators have stopped for a while. Whoever calls a model or has an effect looks here first."""

from sqlalchemy import ColumnElement, ColumnExpressionArgument, and_, exists, or_, select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow
from activities.database import Database
from activities.fleet_tables import PauseRow
from activities.tools.answers import small

EVERY = ""
"""Stands for every pipeline, or every tenant."""


class Pauses:
    """Reads what is paused. The table is as small as what operators have stopped at one time."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    async def over(self, conversation: str) -> str:
        """Say who paused the pipeline or the tenant of a conversation, and why; empty when nobody did."""
        return await self._database.read(lambda session: _over(session, conversation))

    async def standing(self) -> list[PauseRow]:
        """List what is paused, the longest first."""
        query = select(PauseRow).order_by(PauseRow.at, PauseRow.pipeline, PauseRow.tenant)
        return await self._database.read(lambda session: list(session.scalars(query)))


def is_paused(conversation: ColumnExpressionArgument[str]) -> ColumnElement[bool]:
    """Write the condition that the conversation which a statement is about is paused."""
    return exists().where(ConversationRow.id == conversation, _covers())


def words(row: PauseRow) -> str:
    """Say who paused something and why, in one bounded line."""
    why = f": {row.reason}" if row.reason else ""
    return small(f"paused by {row.by} at {row.at:%Y-%m-%d %H:%M} UTC{why}", 300, 600)


def _over(session: Session, conversation: str) -> str:
    query = select(PauseRow).join(ConversationRow, _covers()).where(ConversationRow.id == conversation)
    row = session.scalar(query.order_by(PauseRow.at).limit(1))
    return words(row) if row is not None else ""


def _covers() -> ColumnElement[bool]:
    return and_(
        or_(PauseRow.pipeline == EVERY, PauseRow.pipeline == ConversationRow.pipeline),
        or_(PauseRow.tenant == EVERY, PauseRow.tenant == ConversationRow.tenant),
    )
