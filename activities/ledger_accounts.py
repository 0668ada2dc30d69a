"""Accounts by name: which ones a call is charged to, which cap each has, and how they are locked.

`agent:CONVERSATION`, `item:RUN:ITEM`, `run:RUN` and `batch:NAME` are opened with their caps. Above them stand the
accounts of periods in UTC, made when they are needed: `tenant:NAME/day/2026-11-22`, `fleet/day/2026-11-22` and
`fleet/month/2026-11`. Their names without the date are rules: they hold the cap of all the periods that have none of
their own.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast

from sqlalchemy import Table, bindparam, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow
from activities.database import now
from activities.ledger_tables import AccountRow
from workflows.models import Cap

STANDARDS = ("tenant/day", "fleet/day", "fleet/month")
"""What a standard cap can be given for."""

FORMS = "agent:CONVERSATION, item:RUN:ITEM, run:RUN, batch:NAME, tenant:NAME/day, fleet/day and fleet/month"

_RULE = re.compile(r"(?:fleet|tenant:.+)/day|fleet/month", re.DOTALL)
_PERIOD = re.compile(r"((?:fleet|tenant:.+)/day)/(\d{4}-\d\d-\d\d)|(fleet/month)/(\d{4}-\d\d)", re.DOTALL)
_NEAR = re.compile(r"(?:agent|run|batch):.+|item:.+:.+", re.DOTALL)
_ACCOUNTS = cast("Table", AccountRow.__table__)
# Whoever wants more than one row begins at the widest account, so that nobody waits for somebody who waits for him.
_WIDEST_FIRST = (
    case(
        (_ACCOUNTS.c.name.startswith("fleet/"), 0),
        (_ACCOUNTS.c.name.startswith("tenant:"), 1),
        (_ACCOUNTS.c.name.startswith("batch:"), 2),
        else_=3,
    ),
    _ACCOUNTS.c.name,
)
# Written once: every call reads and books several times, and most of that time went into writing the statements.
_NAMED = _ACCOUNTS.c.name.in_(bindparam("names", expanding=True))
_READ = select(_ACCOUNTS).where(_NAMED)
_LOCK = select(_ACCOUNTS.c.name).where(_NAMED).order_by(*_WIDEST_FIRST).with_for_update()
_BOOK = (
    update(_ACCOUNTS)
    .where(_NAMED)
    .values(
        spent=_ACCOUNTS.c.spent + bindparam("more_spent"), reserved=_ACCOUNTS.c.reserved + bindparam("more_reserved")
    )
)


class Caps:
    """The standard caps of periods, for those that nobody set."""

    def __init__(self, standard: Mapping[str, int] | None = None) -> None:
        """Take micro-dollars for some of `tenant/day`, `fleet/day` and `fleet/month`; without one there is no cap.

        Raises:
            ValueError: another name, or a cap below zero.
        """
        self._standard = dict(standard or {})
        if unknown := [name for name in self._standard if name not in STANDARDS]:
            raise ValueError(f"no standard cap for {', '.join(unknown)}; there are {', '.join(STANDARDS)}")
        if below := [name for name, cap in self._standard.items() if cap < 0]:
            raise ValueError(f"the standard cap of {', '.join(below)} is below zero")

    def effective(self, account: str, own: Mapping[str, int | None]) -> int | None:
        """Find the cap of `account`: its own, else its rule's, else the standard. None: there is no cap."""
        rule = rule_of(account) or account
        standard = "tenant/day" if rule.startswith("tenant:") else rule
        caps = (own.get(account), own.get(rule), self._standard.get(standard))
        return next((cap for cap in caps if cap is not None), None)


@dataclass(frozen=True)
class Account:
    """Where an account stands, with the cap that counts for it."""

    name: str
    cap: int | None = None
    spent: int = 0
    reserved: int = 0

    @property
    def left(self) -> int | None:
        """What can be reserved now."""
        return None if self.cap is None else max(self.cap - self.spent - self.reserved, 0)

    @property
    def room(self) -> int | None:
        """What could be reserved if all calls under way cost nothing."""
        return None if self.cap is None else max(self.cap - self.spent, 0)


def is_rule(account: str) -> bool:
    """Tell whether this names a rule, not an account that is charged."""
    return _RULE.fullmatch(account) is not None


def is_known_form(account: str) -> bool:
    """Tell whether an account could have this name."""
    if period := _PERIOD.fullmatch(account):
        day = period[2] or f"{period[4]}-01"
        try:
            date.fromisoformat(day)
        except ValueError:
            return False
        return True
    return bool(_RULE.fullmatch(account) or _NEAR.fullmatch(account))


def rule_of(account: str) -> str:
    """Name the rule of a period's account; empty when there is none."""
    period = _PERIOD.fullmatch(account)
    return (period[1] or period[3]) if period else ""


def current(account: str, at: datetime) -> str:
    """Name the account of the period at `at` for a rule; any other account is itself."""
    if not is_rule(account):
        return account
    return f"{account}/{at.astimezone(UTC):{'%Y-%m' if account == 'fleet/month' else '%Y-%m-%d'}}"


def chain(talk: ConversationRow, at: datetime) -> list[str]:
    """Name all accounts that a call of this conversation is charged to at `at`, the nearest first."""
    near = [name for name in json.loads(talk.accounts) if not is_rule(name)]
    return [*near, *(current(rule, at) for rule in (f"tenant:{talk.tenant}/day", "fleet/day", "fleet/month"))]


def open_accounts(session: Session, caps: Iterable[Cap]) -> None:
    """Make accounts with their caps; one that is there stays as it is."""
    _insert(session, {cap.account: cap.micro_usd for cap in caps})


def make_accounts(session: Session, names: Iterable[str]) -> None:
    """Make the accounts that are missing, without a cap of their own."""
    wanted = set(names)
    there = {row.name for row in session.execute(_READ, {"names": list(wanted)})}
    _insert(session, dict.fromkeys(wanted - there))


def must_lock(session: Session) -> bool:
    """Tell whether rows have to be locked; with SQLite, a transaction locks everything when it begins."""
    return session.get_bind().dialect.name != "sqlite"


def lock_accounts(session: Session, names: Iterable[str]) -> None:
    """Lock accounts that are there, so that nobody else changes them until the transaction ends."""
    if must_lock(session):
        session.execute(_LOCK, {"names": list(set(names))}).all()


def read_accounts(session: Session, names: Iterable[str], caps: Caps) -> dict[str, Account]:
    """Read accounts in the order given; one that was never charged has spent nothing."""
    wanted = list(dict.fromkeys(names))
    rows = {row.name: row for row in session.execute(_READ, {"names": [*wanted, *map(rule_of, wanted)]})}
    own: dict[str, int | None] = {name: row.cap for name, row in rows.items()}
    return {
        name: Account(name, caps.effective(name, own), row.spent if row else 0, row.reserved if row else 0)
        for name in wanted
        for row in [rows.get(name)]
    }


def book(session: Session, names: Iterable[str], *, spent: int = 0, reserved: int = 0) -> None:
    """Add to every one of these accounts, which the caller has locked."""
    charged = list(names)
    if charged and (spent or reserved):
        session.execute(_BOOK, {"names": charged, "more_spent": spent, "more_reserved": reserved})


def _insert(session: Session, caps: Mapping[str, int | None]) -> None:
    if not caps:
        return
    rows = [{"name": name, "cap": caps[name], "spent": 0, "reserved": 0, "created_at": now()} for name in sorted(caps)]
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(_ACCOUNTS).values(rows).on_conflict_do_nothing())
