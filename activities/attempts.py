"""Attempts at model calls, written ahead: a call that may have been billed is never taken for free.

What an attempt cost is known when its reply arrived whole. Until then, and for ever if its worker died or the stream
was lost, it counts at what was reserved for it.
"""

from typing import Literal

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from activities.conversation_tables import AttemptRow
from activities.database import Database, now
from workflows.models import TurnRequest

Settled = Literal["billed", "free", "unknown"]


class Attempts:
    """The record of attempts of all conversations."""

    def __init__(self, database: Database) -> None:
        """Keep attempts in `database`."""
        self._database = database

    async def begin(self, request: TurnRequest, model: str, reserved: int, source: str) -> int:
        """Write an attempt before it is made; returns its id."""
        row = AttemptRow(
            conversation=request.conversation,
            position=request.head,
            turn=request.turn,
            model=model,
            reserved=reserved,
            source=source,
        )

        def work(session: Session) -> int:
            session.add(row)
            session.flush()
            return row.id

        return await self._database.run(work)

    async def settle(
        self, attempt: int, state: Settled, *, micro_usd: int = 0, request_id: str = "", error: str = ""
    ) -> None:
        """Record how an attempt ended."""

        def work(session: Session) -> None:
            row = session.get_one(AttemptRow, attempt)
            row.state, row.micro_usd, row.request_id, row.error = state, micro_usd, request_id, error
            row.ended_at = now()

        await self._database.run(work)

    async def spent(self, request: TurnRequest) -> int:
        """Sum what the attempts of this turn cost so far, in micro-dollars."""
        of_this_turn = (
            AttemptRow.conversation == request.conversation,
            AttemptRow.position == request.head,
            AttemptRow.turn == request.turn,
        )
        cost = case(
            (AttemptRow.state == "billed", AttemptRow.micro_usd),
            (AttemptRow.state == "free", 0),
            else_=AttemptRow.reserved,
        )
        query = select(func.coalesce(func.sum(cost), 0)).where(*of_this_turn)
        return int(await self._database.read(lambda session: session.scalar(query)) or 0)
