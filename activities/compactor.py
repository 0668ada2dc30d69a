"""Shortens what the model reads of a conversation; the originals stay in the store."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy.orm import Session

from activities import cuts, ledger_rows
from activities.conversation_tables import CutRow
from activities.cuts import Case
from activities.database import Database, now
from activities.ledger_rows import Caps
from activities.offers import Offers
from activities.paid_calls import PaidCalls
from activities.pictures import Fetch
from activities.strategies import Failed, Own, Plain, Signed, Strategy, Written
from workflows.models import Compacted, Cut

_MOST_ATTEMPTS = 4
"""Paid summaries that are tried at one place, in all attempts at the activity together."""


class Compactor:
    """Tries one strategy after the other; the last one costs nothing and always has an answer."""

    def __init__(
        self, database: Database, calls: PaidCalls, offers: Offers, images: Fetch, caps: Caps | None = None
    ) -> None:
        """Cut the conversations in `database`; `images` fetches the bytes of an asset by its digest."""
        self._database = database
        self._caps = caps or Caps()
        self._paid: tuple[Strategy, ...] = (Signed(calls, offers, images), Own(calls, images))
        self._free: tuple[Strategy, ...] = (Plain(),)

    async def compact(self, cut: Cut) -> Compacted:
        """Cut at `cut.head`, once: message 0 word for word, a summary, the last messages.

        What failed says so in `tried`; what it cost stays charged. A cut that would gain nothing is not made.
        """
        found = await self._database.read(lambda session: cuts.look(session, cut))
        if isinstance(found, Case):
            tried: list[str] = []
            for strategy in self._strategies(found):
                if not (why := await self._take(found, await strategy.propose(found), tried)):
                    break
                tried.append(f"{strategy.name}: {why}")
        return await self._database.read(lambda session: self._tell(session, cut, found))

    def _strategies(self, case: Case) -> Sequence[Strategy]:
        if not case.keep_from:
            return ()
        return (*self._paid, *self._free) if case.attempts < _MOST_ATTEMPTS else self._free

    async def _take(self, case: Case, answer: Written | Failed, tried: Sequence[str]) -> str:
        """Make the cut and settle what its summary cost, or say why not; the cost is settled all the same."""

        def work(session: Session) -> str:
            why = answer.reason if isinstance(answer, Failed) else cuts.keep(session, case, answer.proposal, tried)
            if answer.paid is not None:
                ledger_rows.settle(session, answer.paid.attempt, answer.paid.bill, now())
            return why

        return await self._database.run(work)

    def _tell(self, session: Session, cut: Cut, found: Case | CutRow) -> Compacted:
        made = found if isinstance(found, CutRow) else session.get(CutRow, (cut.conversation, cut.head))
        told = cuts.compacted(made) if made is not None else cuts.nothing(cast("Case", found))
        purse = ledger_rows.purse(session, cut.conversation, self._caps, now())
        return told.model_copy(update={"purse": purse})
