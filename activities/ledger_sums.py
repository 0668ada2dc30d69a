"""What a conversation cost and what is left for it, inside a transaction of the caller."""

from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from activities.conversation_views import conversation_row
from activities.ledger_accounts import Caps, chain, read_accounts
from activities.ledger_tables import AttemptRow
from workflows.models import Purse

_COUNTED = case((AttemptRow.state == "open", AttemptRow.reserved), else_=AttemptRow.micro_usd)


def purse(session: Session, conversation: str, caps: Caps, at: datetime, needs: int = 0) -> Purse:
    """Tell what a conversation cost, and what the tightest account leaves for its next call.

    The conversation's own account has the sums, however many calls it has made. What other calls hold at the moment is
    not taken off: most of it comes back, and only `reserve` decides.
    """
    names = chain(conversation_row(session, conversation), at)
    accounts = read_accounts(session, names, caps)
    own = accounts.get(f"agent:{conversation}")
    total, held = (own.spent + own.reserved, own.reserved) if own else _counted(session, conversation)
    rooms = [(accounts[name].room, name) for name in reversed(names)]  # of equals the widest, as when it denies
    lefts = [(max(room - held, 0), name) for room, name in rooms if room is not None]
    left, account = min(lefts, key=lambda each: each[0], default=(None, ""))
    return Purse(total=total, left=left, account=account, needs=needs)


def spent_in_turn(session: Session, conversation: str, position: int, turn: int) -> int:
    """Sum what the attempts of a turn cost so far; those under way count at what they hold."""
    of_turn = {"conversation": conversation, "position": position, "turn": turn, "kind": "turn"}
    return int(session.scalar(select(func.coalesce(func.sum(_COUNTED), 0)).filter_by(**of_turn)) or 0)


def _counted(session: Session, conversation: str) -> tuple[int, int]:
    """Add up all attempts of a conversation without an account of its own, and what those under way hold of it."""
    held = func.coalesce(func.sum(case((AttemptRow.state == "open", AttemptRow.reserved), else_=0)), 0)
    query = select(func.coalesce(func.sum(_COUNTED), 0), held).where(AttemptRow.conversation == conversation)
    total, held_now = session.execute(query).one()
    return int(total), int(held_now)
