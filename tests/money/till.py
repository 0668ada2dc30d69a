"""A counting house under watch: each change of an account is seen by the database itself, before it can be undone."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Barrier

from sqlalchemy import select, text

from activities.conversation_tables import ConversationRow
from activities.database import Database
from activities.ledger import LedgerStore
from activities.ledger_accounts import Caps
from activities.ledger_tables import AccountRow, AttemptRow
from activities.paid_calls import Order, Paid, PaidCalls
from activities.pricing import Prices
from tests.activities.conversing import new_client
from tests.activities.counting_house import LEASE, House

MODEL = "claude-sonnet-5-5"
STEPS = """CREATE TABLE steps (id {serial} PRIMARY KEY, account TEXT, cap BIGINT,
  was_spent BIGINT, was_reserved BIGINT, spent BIGINT, reserved BIGINT)"""
NOTE = """INSERT INTO steps (account, cap, was_spent, was_reserved, spent, reserved)
  VALUES (NEW.name, NEW.cap, OLD.spent, OLD.reserved, NEW.spent, NEW.reserved);"""
WATCH = {
    "sqlite": (
        STEPS.format(serial="INTEGER"),
        f"CREATE TRIGGER step AFTER UPDATE ON accounts BEGIN {NOTE} END",
    ),
    "postgresql": (
        STEPS.format(serial="BIGSERIAL"),
        f"CREATE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {NOTE} RETURN NEW; END $$",
        "CREATE TRIGGER step AFTER UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION note_step()",
    ),
}


@dataclass(frozen=True)
class Row:
    """What became of one cap, in micro-dollars.

    `spent_at_most` is the highest sum of spent and reserved ever seen, `billed` the most that the provider can have
    charged by its own books, `overshoot` the most by which any account of the house was taken beyond its cap.
    """

    cap: int
    spent_at_most: int
    spent: int
    billed: int
    overshoot: int


class Till(House):
    """A house whose accounts are watched, with paid calls and as many doors to its database as one likes."""

    def __init__(self, url):
        super().__init__(url)
        self.url, self._standard, self._doors = url, {}, [self.database]
        self._watch()

    def _watch(self):
        with self.database.transaction() as session:
            for statement in WATCH[session.get_bind().dialect.name]:
                session.execute(text(statement))

    def close(self):
        for door in self._doors:
            door.close()

    def standard(self, rule, micro_usd):
        """Give all periods of a rule a cap, as the settings do."""
        self._standard[rule] = micro_usd
        self.caps = Caps(self._standard)

    def door(self):
        """Open the database once more, as another process does."""
        self._doors.append(Database(self.url))
        return self._doors[-1]

    def ledger(self, database=None, lease=LEASE):
        return LedgerStore(database or self.database, self.caps, lease)

    def calls(self, endpoint, patience=0.0, lease=LEASE):
        """Paid calls of a worker of their own; nobody waits for money unless asked to."""
        ledger = self.ledger(self.door(), lease)
        return PaidCalls(new_client(endpoint), ledger, Prices(), timedelta(seconds=patience))

    def rush(self, work, callers=16):
        """Let many callers, each on a thread, do the same work at one moment, through four doors."""
        doors, start = [Door(self.door(), self.caps) for _ in range(4)], Barrier(callers)

        def begin(number):
            door = doors[number % len(doors)]
            door.stands("fleet/day")  # whoever has to connect first comes too late for the rush
            start.wait()
            return work(door, number)

        with ThreadPoolExecutor(callers) as pool:
            return list(pool.map(begin, range(callers)))

    def accounts(self):
        return {row.name: row for row in self.do(lambda session: session.scalars(select(AccountRow)).all())}

    def attempts(self):
        rows = self.do(lambda session: session.scalars(select(AttemptRow).order_by(AttemptRow.id)).all())
        return [(row.state, row.reserved if row.state == "open" else row.micro_usd) for row in rows]

    def row(self, account, billed):
        """Read what became of the cap of an account; the books have to be right to the micro-dollar."""
        self._audit()
        steps, caps = self._steps(), {name: row.cap for name, row in self.accounts().items()}
        own = [step.spent + step.reserved for step in steps if step.account == account]
        spent = self.accounts()[account].spent
        return Row(self._cap(account, caps), max(own, default=0), spent, billed, self._overshoot(steps))

    def row_of_call(self, held, billed):
        """Read what became of a single call, the cap of which is what was reserved for it."""
        return replace(self.row("agent:a", billed), cap=held)

    def _steps(self):
        return self.do(lambda session: session.execute(text("SELECT * FROM steps ORDER BY id")).all())

    def _overshoot(self, steps):
        """How far any step took an account beyond the cap that it had then."""
        caps, most = {}, 0
        for step in steps:
            caps[step.account] = step.cap
            cap, was, came_to = (
                self._cap(step.account, caps),
                step.was_spent + step.was_reserved,
                step.spent + step.reserved,
            )
            if cap is not None and came_to > was:
                most = max(most, came_to - max(cap, was))
        return most

    def _cap(self, account, caps):
        rule = account.rpartition("/")[0] if account.startswith(("tenant:", "fleet/")) else ""
        standard = "tenant/day" if rule.startswith("tenant:") else rule
        found = (caps.get(account), caps.get(rule), self._standard.get(standard))
        return next((cap for cap in found if cap is not None), None)

    def _audit(self):
        """Add up the attempts on all the accounts that they belong to, and hold the accounts against it."""
        spent, reserved = Counter(), Counter()
        talks = {row.id: row for row in self.do(lambda session: session.scalars(select(ConversationRow)).all())}
        for row in self.do(lambda session: session.scalars(select(AttemptRow)).all()):
            for account in chain_of(talks[row.conversation], row.started_at):
                reserved[account] += row.reserved if row.state == "open" else 0
                spent[account] += 0 if row.state == "open" else row.micro_usd
        stand = {name: (row.spent, row.reserved) for name, row in self.accounts().items() if row.spent or row.reserved}
        assert stand == {name: (spent[name], reserved[name]) for name in spent if spent[name] or reserved[name]}
        assert all(step.spent >= 0 <= step.reserved for step in self._steps())


class Door(House):
    """Another way into a house that stands already."""

    def __init__(self, database, caps):
        self.database, self.caps = database, caps


def chain_of(talk, at):
    """All accounts of a call that began then."""
    return [
        *json.loads(talk.accounts),
        f"tenant:{talk.tenant}/day/{at:%F}",
        f"fleet/day/{at:%F}",
        f"fleet/month/{at:%Y-%m}",
    ]


def order(talk="a", turn=1, model=MODEL, **changes):
    """One call, of which the endpoint may read a thousand tokens."""
    values = {"position": 1, "kind": "turn", "prompt": 1_000, "hour": 0, "max_tokens": 4_096, "least_tokens": 512}
    params = {"model": model, "messages": [{"role": "user", "content": "task"}]}
    return Order(conversation=talk, turn=turn, params=params, **{**values, **changes})


async def pay(calls, asked):
    """Make a call, and settle it as whoever keeps the reply does."""
    answer = await calls.make(asked)
    if isinstance(answer, Paid):
        await calls.ledger.settle(answer.attempt, answer.bill)
    return answer


async def use_up(calls, talk="a", first=1, most=9, **changes):
    """Pay turn after turn until the money ends; returns all answers, of which the last is a refusal."""
    answers = []
    for turn in range(first, first + most):
        answers.append(await pay(calls, order(talk, turn, **changes)))
        if not isinstance(answers[-1], Paid):
            return answers
    raise AssertionError("the money never ends")
