"""Caps that people set and raise, and where accounts stand, inside a transaction of the caller."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from temporalio.exceptions import ApplicationError

from activities.conversation_views import conversation_row
from activities.errors import permanent
from activities.ledger_accounts import (
    FORMS,
    Account,
    Caps,
    chain,
    current,
    is_known_form,
    is_rule,
    lock_accounts,
    make_accounts,
    read_accounts,
    rule_of,
)
from activities.ledger_tables import AccountRow, CapChangeRow
from workflows.models import Standing, TopUp

MOST = 1_000_000 * 1_000_000
"""A million dollars: above it somebody has mistaken the unit."""


def standing(session: Session, account: str, caps: Caps, at: datetime) -> Standing:
    """Tell where an account stands; a rule is read as the account of the period at `at`."""
    name = current(_known(account), at)
    return _standing(read_accounts(session, [name], caps)[name])


def standings(session: Session, under: str, caps: Caps) -> list[Standing]:
    """Tell where all accounts stand whose names begin with `under`, rules included, by name."""
    begins = AccountRow.name.startswith(under, autoescape=True)
    names = sorted(session.scalars(select(AccountRow.name).where(begins)))
    return [_standing(account) for account in read_accounts(session, names, caps).values()]


def raise_caps(session: Session, order: TopUp, caps: Caps, at: datetime) -> Standing:
    """Raise the cap of an account, and of those of the conversation that are nearer to the call; once for one key.

    A rule is raised for the period at `at` only. A nearer account without a cap needs none.
    """
    if not 0 < order.micro_usd <= MOST:
        raise ValueError(f"micro_usd has to be above 0 and at most {MOST}, not {order.micro_usd}")
    if not order.key:
        raise ValueError("key is empty, so that a repeated order would raise the cap twice")
    account = current(_known(order.account), at)
    names = [*_nearer(session, order.conversation, account, at), account]
    make_accounts(session, [name for name in names if rule_of(name)])
    lock_accounts(session, names)
    accounts = read_accounts(session, names, caps)
    if session.scalar(select(CapChangeRow.key).where(CapChangeRow.key == order.key).limit(1)) is not None:
        return _standing(accounts[account])
    if accounts[account].cap is None:
        raise _no_cap(account, accounts)
    for each in accounts.values():
        if each.cap is not None:
            change = CapChangeRow(key=order.key, account=each.name, by=order.by, note=order.note, at=at)
            _change(session, change, each.cap, each.cap + order.micro_usd)
    return _standing(read_accounts(session, [account], caps)[account])


def change_cap(session: Session, change: CapChangeRow, cap: int | None, caps: Caps) -> Standing:
    """Set the own cap of an account or of a rule; None takes it away, so that the rule or the standard counts again."""
    if cap is not None and not 0 <= cap <= MOST:
        raise ValueError(f"micro_usd has to be between 0 and {MOST}, not {cap}")
    make_accounts(session, [_known(change.account)])
    lock_accounts(session, [change.account])
    before = session.scalar(select(AccountRow.cap).where(AccountRow.name == change.account))
    _change(session, change, before, cap)
    return _standing(read_accounts(session, [change.account], caps)[change.account])


def _change(session: Session, change: CapChangeRow, before: int | None, after: int | None) -> None:
    change.before, change.after = before, after
    session.add(change)
    session.get_one(AccountRow, change.account, populate_existing=True).cap = after
    session.flush()


def _nearer(session: Session, conversation: str, account: str, at: datetime) -> list[str]:
    """Name the accounts of the conversation below `account`, which may be one of an earlier period."""
    if not conversation:
        return []
    names = chain(conversation_row(session, conversation), at)
    place = next((n for n, name in enumerate(names) if name == account or _same_rule(name, account)), None)
    if place is None:
        text = f"{account} is not charged for {conversation}; it is charged to {', '.join(names)}"
        raise permanent("UnknownAccount", text)
    return names[:place]


def _same_rule(one: str, other: str) -> bool:
    """Tell whether two accounts are periods of one rule."""
    return bool(rule_of(one)) and rule_of(one) == rule_of(other)


def _known(account: str) -> str:
    if not is_known_form(account):
        raise permanent("UnknownAccount", f"there is no account {account!r}; there are {FORMS}")
    return account


def _no_cap(account: str, accounts: dict[str, Account]) -> ApplicationError:
    capped = [each.name for each in accounts.values() if each.cap is not None]
    text = f"{account} has no cap that could be raised; " + (
        f"there is one on {', '.join(capped)}" if capped else f"set one on {rule_of(account) or account} first"
    )
    return permanent("UnknownAccount", text)


def _standing(account: Account) -> Standing:
    spent, reserved = (0, 0) if is_rule(account.name) else (account.spent, account.reserved)
    return Standing(account=account.name, cap=account.cap, spent=spent, reserved=reserved)
