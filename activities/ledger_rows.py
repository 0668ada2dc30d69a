"""Reserving and settling, inside a transaction of the caller.

One transaction reserves along the whole chain of accounts, or nowhere. What a call cost is known when its reply arrived
whole; until then, and for ever if that is never known, it counts at what was reserved for it. Accounts are locked first
and attempts after them, always, so that no two transactions wait for each other.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, case, or_, select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow, JournalRow
from activities.conversation_views import conversation_row
from activities.errors import permanent
from activities.ledger_accounts import (
    Account,
    Caps,
    book,
    chain,
    lock_accounts,
    make_accounts,
    open_accounts,
    read_accounts,
)
from activities.ledger_bids import Bid, Bill, Denied, Held, dollars
from activities.ledger_sums import purse, spent_in_turn
from activities.ledger_tables import AttemptRow
from activities.messages import dumps

__all__ = [
    "Bid",
    "Bill",
    "Caps",
    "Denied",
    "Held",
    "any_late",
    "lapse",
    "lose",
    "open_accounts",
    "purse",
    "release",
    "reserve",
    "settle",
    "spent_in_turn",
]

REPEATED = "the call was made again before this attempt had ended"
SILENT = "there was no sign of life until its lease ended"
_AT_ONCE = 200
_OF_KEY = AttemptRow.key == bindparam("key")
_OF_CALL = (
    select(AttemptRow)
    .where(
        or_(
            _OF_KEY,
            and_(
                AttemptRow.conversation == bindparam("conversation"),
                AttemptRow.position == bindparam("position"),
                AttemptRow.turn == bindparam("turn"),
                AttemptRow.kind == bindparam("kind"),
                AttemptRow.state == "open",
            ),
        )
    )
    .order_by(case((_OF_KEY, 0), else_=1), AttemptRow.id)
)
_ACCOUNTS_OF = select(AttemptRow.accounts).where(AttemptRow.id == bindparam("attempt"))


def reserve(session: Session, bid: Bid, caps: Caps, at: datetime, lease: timedelta) -> Held | Denied:
    """Hold money for an attempt on every account of its chain, or nowhere; the same key finds what it got before.

    What the same call still has open was given up, and counts as spent from here on.
    """
    talk = conversation_row(session, bid.conversation)
    names = chain(talk, at)
    make_accounts(session, names)
    locked = {*names, *(name for row in _of_call(session, bid) for name in json.loads(row.accounts))}
    lock_accounts(session, locked)
    for row in _of_call(session, bid):
        if row.key == bid.key:
            return Held(row.id, row.reserved)
        # One that came meanwhile, on another day, is left to its lease: to lock more now could block others for good.
        if locked.issuperset(json.loads(row.accounts)):
            _end(session, row, "unknown", row.reserved, at, REPEATED)
    accounts = read_accounts(session, names, caps)
    chained = [accounts[name] for name in names]
    lefts = [account.left for account in chained if account.left is not None]
    if any(left < bid.least for left in lefts):
        return _deny(session, bid, chained, at)
    return _hold(session, bid, talk, names, min([bid.wanted, *lefts]), at, at + lease)


def settle(session: Session, attempt: int, bill: Bill, at: datetime) -> None:
    """Book the bill of an attempt, also one that was thought lost; a second bill changes nothing."""
    row = _locked(session, attempt)
    if row.state not in {"open", "unknown"}:
        return
    row.served, row.request_id, row.response = bill.served, bill.request_id, bill.response
    row.stop, row.max_tokens = bill.stop, bill.max_tokens
    usage, row.write_1h = bill.usage, min(bill.write_1h, bill.usage.cache_write)
    row.input, row.output, row.thinking, row.cache_read = usage.input, usage.output, usage.thinking, usage.cache_read
    row.write_5m = usage.cache_write - row.write_1h
    if bill.known:
        if bill.micro_usd > row.reserved:
            _tell_excess(session, row, bill.micro_usd)
        _end(session, row, "billed", bill.micro_usd, at, "")
    elif row.state == "open":
        _end(session, row, "unknown", row.reserved, at, "")


def release(session: Session, attempt: int, error: str, at: datetime) -> None:
    """Give back what an attempt held, because it is certain that it cost nothing."""
    row = _locked(session, attempt)
    if row.state in {"open", "unknown"}:
        _end(session, row, "free", 0, at, error)


def lose(session: Session, attempt: int, error: str, at: datetime) -> None:
    """Count an attempt at what it held, because nobody knows what it cost."""
    row = _locked(session, attempt)
    if row.state == "open":
        _end(session, row, "unknown", row.reserved, at, error)


def any_late(session: Session, at: datetime) -> bool:
    """Tell whether there is anything to lapse."""
    return session.scalar(select(AttemptRow.id).where(*_late(at)).limit(1)) is not None


def lapse(session: Session, at: datetime) -> int:
    """Count open attempts as lost whose lease has ended; returns how many (some hundreds at once, at most)."""
    late = _late(at)
    found = session.execute(select(AttemptRow.id, AttemptRow.accounts).where(*late).limit(_AT_ONCE)).all()
    if not found:
        return 0
    lock_accounts(session, [name for row in found for name in json.loads(row.accounts)])
    still = select(AttemptRow).where(AttemptRow.id.in_([row.id for row in found]), *late)
    lapsed = session.scalars(still.order_by(AttemptRow.id).with_for_update()).all()
    for row in lapsed:
        _end(session, row, "unknown", row.reserved, at, SILENT)
    return len(lapsed)


def _late(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (AttemptRow.state == "open", AttemptRow.expires_at < at)


def _of_call(session: Session, bid: Bid) -> list[AttemptRow]:
    """Read what the call has open, and before it the attempt of this very key, whatever became of it."""
    call = {"key": bid.key, "conversation": bid.conversation, "position": bid.position, "turn": bid.turn}
    return list(session.scalars(_OF_CALL, {**call, "kind": bid.kind}, execution_options={"populate_existing": True}))


def _deny(session: Session, bid: Bid, chained: Iterable[Account], at: datetime) -> Denied:
    short = [account for account in chained if account.left is not None and account.left < bid.least]
    spent_up = [account for account in short if (account.room or 0) < bid.least]  # waiting helps none of these
    # Of equals the widest is named: to raise it raises those nearer to the call as well.
    tightest = min(reversed(spent_up or short), key=lambda account: account.left or 0)
    others = not spent_up and _is_held(session, tightest.name, at)
    return Denied(tightest.name, tightest.cap or 0, tightest.spent, tightest.reserved, bid.least, others)


def _is_held(session: Session, account: str, at: datetime) -> bool:
    charged = AttemptRow.accounts.contains(json.dumps(account), autoescape=True)
    alive = (AttemptRow.state == "open", AttemptRow.expires_at >= at)
    return session.scalar(select(AttemptRow.id).where(*alive, charged).limit(1)) is not None


def _hold(
    session: Session, bid: Bid, talk: ConversationRow, names: list[str], held: int, at: datetime, until: datetime
) -> Held:
    book(session, names, reserved=held)
    row = AttemptRow(
        key=bid.key,
        conversation=bid.conversation,
        position=bid.position,
        turn=bid.turn,
        kind=bid.kind,
        pipeline=talk.pipeline,
        model=bid.model,
        reserved=held,
        accounts=json.dumps(names),
        source=bid.source,
        batch=bid.batch,
        started_at=at,
        expires_at=until,
    )
    session.add(row)
    session.flush()
    return Held(row.id, held)


def _locked(session: Session, attempt: int) -> AttemptRow:
    accounts = session.scalar(_ACCOUNTS_OF, {"attempt": attempt})
    if accounts is None:
        raise permanent("AttemptUnknown", f"no such attempt: {attempt}")
    lock_accounts(session, json.loads(accounts))
    return session.get_one(AttemptRow, attempt, with_for_update=True, populate_existing=True)


def _end(session: Session, row: AttemptRow, state: str, micro_usd: int, at: datetime, error: str) -> None:
    was_open = row.state == "open"
    held, counted = (row.reserved, 0) if was_open else (0, row.micro_usd)
    book(session, json.loads(row.accounts), spent=micro_usd - counted, reserved=-held)
    row.state, row.micro_usd, row.error = state, micro_usd, error
    row.ended_at = at
    session.flush()


def _tell_excess(session: Session, row: AttemptRow, micro_usd: int) -> None:
    """Keep it in the journal: it is booked in full, and says that a bound of ours is no bound."""
    talk = session.get(ConversationRow, row.conversation)
    text = f"a call cost {dollars(micro_usd)}, more than the {dollars(row.reserved)} that was reserved for it"
    session.add(
        JournalRow(
            run=talk.run if talk else "",
            item=talk.item if talk else "",
            agent=talk.agent if talk else "",
            conversation=row.conversation,
            turn=row.turn,
            action="error",
            data=dumps({"error": text, "attempt": row.id, "reserved": row.reserved, "micro_usd": micro_usd}),
        )
    )
