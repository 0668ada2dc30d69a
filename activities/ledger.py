"""The ledger: money is reserved before a call on every account above it, and settled after it."""

import time
from datetime import timedelta
from uuid import uuid4

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session
from temporalio import activity

from activities import ledger_caps, ledger_rows
from activities.database import Database, now
from activities.ledger_bids import Bid, Bill, Denied, Held
from activities.ledger_rows import Caps
from activities.ledger_tables import AttemptRow, CapChangeRow
from workflows.models import AccountQuery, Purse, Standing, TopUp
from workflows.ports import Ledger

LEASE = timedelta(seconds=60)
"""An attempt that nobody extends for so long counts as lost."""

NO_CAPS = Caps()


class LedgerStore(Ledger):
    """Implements the port, and is what everybody asks who makes a paid call."""

    def __init__(self, database: Database, caps: Caps = NO_CAPS, lease: timedelta = LEASE) -> None:
        """Keep accounts in `database`; `caps` are the standard ones, a silent caller holds money for a `lease`."""
        self._database = database
        self.caps = caps
        self.lease = lease
        self._sweep_next = 0.0
        self._log = structlog.get_logger("callsheet.ledger")

    async def reserve(self, bid: Bid) -> Held | Denied:
        """Hold money on every account above the call, or nowhere."""
        answer = await self._database.run(
            lambda session: ledger_rows.reserve(session, bid, self.caps, now(), self.lease)
        )
        if isinstance(answer, Denied):  # a lost call frees nothing, but nobody should wait for it, and people see it
            await self.sweep()
        elif time.monotonic() >= self._sweep_next:
            await self._sweep_now_and_then()
        return answer

    async def beat(self, attempt: int) -> bool:
        """Extend the lease of an attempt; False when it is open no more, and beating changes nothing."""

        def work(session: Session) -> bool:
            still_open = (AttemptRow.id == attempt, AttemptRow.state == "open")
            later = update(AttemptRow).where(*still_open).values(expires_at=now() + self.lease)
            return session.scalar(later.returning(AttemptRow.id)) is not None

        return await self._database.run(work)

    async def settle(self, attempt: int, bill: Bill) -> None:
        """Book what an attempt cost, also one that was thought lost."""
        await self._database.run(lambda session: ledger_rows.settle(session, attempt, bill, now()))

    async def release(self, attempt: int, error: str) -> None:
        """Give back what an attempt held, because it is certain that it cost nothing."""
        await self._database.run(lambda session: ledger_rows.release(session, attempt, error, now()))

    async def lose(self, attempt: int, error: str) -> None:
        """Count an attempt at what it held, because nobody knows what it cost."""
        await self._database.run(lambda session: ledger_rows.lose(session, attempt, error, now()))

    async def sweep(self) -> int:
        """Count open attempts as lost whose lease has ended; returns how many."""
        if not await self._database.read(lambda session: ledger_rows.any_late(session, now())):
            return 0  # the usual case, and no reason to wait for writers
        swept = 0
        while some := await self._database.run(lambda session: ledger_rows.lapse(session, now())):
            swept += some
        return swept

    async def _sweep_now_and_then(self) -> None:
        """Sweep once in a lease, or what a dead caller held would look held for ever where nobody is denied."""
        self._sweep_next = time.monotonic() + self.lease.total_seconds()
        try:
            await self.sweep()
        except Exception as error:  # noqa: BLE001 - the caller has its money, and must hear of it
            self._log.warning("sweep_failed", error=type(error).__name__)

    async def purse(self, conversation: str, needs: int = 0) -> Purse:
        """Tell what a conversation cost, and what the tightest account leaves for its next call."""
        return await self._database.read(
            lambda session: ledger_rows.purse(session, conversation, self.caps, now(), needs)
        )

    @activity.defn(name="top_up_budget")
    async def top_up(self, order: TopUp) -> Standing:
        """Raise a cap by a person's decision, once.

        Raises:
            ApplicationError: permanent, `UnknownAccount`: there is no such account, or no cap on it.
            ValueError: the amount is not above zero, or above a million dollars.
        """
        return await self._database.run(lambda session: ledger_caps.raise_caps(session, order, self.caps, now()))

    @activity.defn(name="read_budget")
    async def read(self, query: AccountQuery) -> Standing:
        """Tell where an account stands; one that nobody charged yet has spent nothing."""
        return await self._database.read(lambda session: ledger_caps.standing(session, query.account, self.caps, now()))

    async def set_cap(self, account: str, micro_usd: int | None, by: str, note: str = "") -> Standing:
        """Set the own cap of an account, of one period, or of a rule for all periods; None takes it away.

        Raises as `top_up` does.
        """

        def work(session: Session) -> Standing:
            change = CapChangeRow(key=uuid4().hex, account=account, by=by, note=note, at=now())
            return ledger_caps.change_cap(session, change, micro_usd, self.caps)

        return await self._database.run(work)

    async def accounts(self, under: str = "") -> list[Standing]:
        """List where all accounts stand whose names begin with `under`."""
        return await self._database.read(lambda session: ledger_caps.standings(session, under, self.caps))
