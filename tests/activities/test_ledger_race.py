"""The ledger in any order and from many sides: a small model of it says what has to stand in the accounts."""

import random
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, text

from activities import ledger_caps, ledger_rows
from activities.ledger_accounts import current, lock_accounts
from activities.ledger_bids import Bid, Bill, Denied
from activities.ledger_tables import AccountRow, AttemptRow
from tests.activities.counting_house import LEASE, NOON, USAGE, House
from workflows.models import TopUp

TALKS = {
    "a": ("agent:a", "item:run-1:tee", "run:run-1"),
    "b": ("agent:b", "item:run-1:tee", "run:run-1"),
    "c": ("agent:c", "item:run-2:shoe", "run:run-2"),
}
CAPS = {"agent:a": 300, "agent:b": 200, "item:run-1:tee": 400, "run:run-1": 450, "run:run-2": 150}
PER_DAY = 250


@dataclass
class Tried:
    """One attempt as the model sees it."""

    call: tuple
    accounts: tuple
    held: int
    until: object
    state: str = "open"
    counts: int = 0

    def end(self, state, counts):
        self.state, self.counts = state, counts


@dataclass
class Oracle:
    """What has to be true, in the plainest words."""

    caps: dict = field(default_factory=lambda: dict(CAPS))
    tried: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)

    def cap(self, account):
        return self.caps.get(account, PER_DAY if account.startswith("tenant:") else None)

    def sums(self, account):
        charged = [each for each in self.tried.values() if account in each.accounts]
        spent = sum(each.counts for each in charged if each.state != "open")
        return spent, sum(each.held for each in charged if each.state == "open")

    def left(self, account):
        cap = self.cap(account)
        return 10**9 if cap is None else max(cap - sum(self.sums(account)), 0)

    def chain(self, talk, at):
        return (*TALKS[talk], *(current(name, at) for name in ("tenant:acme/day", "fleet/day", "fleet/month")))

    def excess(self, account):
        """What bills above their reservations put on an account, which no cap can prevent."""
        charged = [each for each in self.tried.values() if account in each.accounts]
        return sum(max(each.counts - each.held, 0) for each in charged)


class AnyOrder(RuleBasedStateMachine):
    """Calls of three conversations, in any order; each step is one transaction."""

    @initialize()
    def open(self):
        self.folder = tempfile.TemporaryDirectory()
        self.house = House(f"sqlite:///{Path(self.folder.name) / 'ledger.db'}", {"tenant/day": PER_DAY})
        for name, (_, item, run) in TALKS.items():
            levels = {"agent": f"agent:{name}", "item": item, "run": run}
            self.house.talk(name, item.removeprefix("item:"), **{k: CAPS[v] for k, v in levels.items() if v in CAPS})
        self.oracle, self.at, self.steps = Oracle(), NOON, 0

    @rule(talk=st.sampled_from(sorted(TALKS)), turn=st.integers(1, 3), wanted=st.integers(0, 200), part=st.floats(0, 1))
    def reserve(self, talk, turn, wanted, part):
        self.steps += 1
        least, call, oracle = int(wanted * part), (talk, turn), self.oracle
        bid = Bid(f"k{self.steps}", talk, 1, turn, "turn", "m", wanted, least, "s")
        answer = self.house.do(ledger_rows.reserve, bid, self.house.caps, self.at, LEASE)
        for each in oracle.tried.values():
            if each.call == call and each.state == "open":
                each.end("unknown", each.held)
        chain = oracle.chain(talk, self.at)
        lefts = {account: oracle.left(account) for account in chain}
        if min(lefts.values()) < least:
            assert isinstance(answer, Denied)
            assert lefts[answer.account] < least
            return
        assert answer.micro_usd == min(wanted, *lefts.values())
        oracle.tried[answer.attempt] = Tried(call, chain, answer.micro_usd, self.at + LEASE)
        assert self.house.do(ledger_rows.reserve, bid, self.house.caps, self.at, LEASE) == answer

    def some(self, data):
        return data.draw(st.sampled_from(sorted(self.oracle.tried))) if self.oracle.tried else None

    @rule(data=st.data(), part=st.floats(0, 1.2), known=st.sampled_from((True, True, False)))
    def settle(self, data, part, known):
        if (attempt := self.some(data)) is not None:
            tried = self.oracle.tried[attempt]
            micro_usd = int(tried.held * part)
            self.house.do(ledger_rows.settle, attempt, Bill(micro_usd, known, USAGE), self.at)
            if known and tried.state in {"open", "unknown"}:
                tried.end("billed", micro_usd)
            elif tried.state == "open":
                tried.end("unknown", tried.held)

    @rule(data=st.data())
    def release(self, data):
        if (attempt := self.some(data)) is not None:
            tried = self.oracle.tried[attempt]
            self.house.do(ledger_rows.release, attempt, "refused", self.at)
            if tried.state in {"open", "unknown"}:
                tried.end("free", 0)

    @rule(data=st.data())
    def lose(self, data):
        if (attempt := self.some(data)) is not None:
            tried = self.oracle.tried[attempt]
            self.house.do(ledger_rows.lose, attempt, "broken", self.at)
            if tried.state == "open":
                tried.end("unknown", tried.held)

    @rule(hours=st.sampled_from((0.005, 0.01, 0.02, 13)))
    def time_passes_and_the_silent_lapse(self, hours):
        self.at += timedelta(hours=hours)
        late = [each for each in self.oracle.tried.values() if each.state == "open" and each.until < self.at]
        assert self.house.do(ledger_rows.lapse, self.at) == len(late)
        for each in late:
            each.end("unknown", each.held)

    @rule(place=st.integers(0, 3), amount=st.integers(1, 150), repeated=st.booleans())
    def top_up(self, place, amount, repeated):
        self.steps += 1
        chain = self.oracle.chain("a", self.at)
        account = chain[place]
        key = next(iter(self.oracle.keys), "k") if repeated else f"top-up-{self.steps}"
        order = TopUp(account=account, micro_usd=amount, by="ama", key=key, conversation="a")
        self.house.do(ledger_caps.raise_caps, order, self.house.caps, self.at)
        if key not in self.oracle.keys:
            self.oracle.keys[key] = order
            for name in chain[: place + 1]:
                self.oracle.caps[name] = self.oracle.cap(name) + amount

    @invariant()
    def the_accounts_are_the_sums_of_their_attempts_and_within_their_caps(self):
        rows = self.house.do(lambda session: session.scalars(select(AccountRow)).all())
        for row in rows:
            assert (row.spent, row.reserved) == self.oracle.sums(row.name), row.name
            cap = self.oracle.cap(row.name)
            if cap is not None:
                assert row.spent + row.reserved <= cap + self.oracle.excess(row.name), row.name

    def teardown(self):
        if hasattr(self, "house"):
            self.house.database.close()
            self.folder.cleanup()


def test_no_order_of_events_breaks_a_cap_or_loses_a_micro_dollar():
    slow = tuple(HealthCheck)
    run_state_machine_as_test(
        AnyOrder, settings=settings(max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=slow)
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request, tmp_path):
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'callsheet.db'}" if is_sqlite else request.getfixturevalue("postgres_url")
    house = House(url, {"fleet/day": 2_000})
    yield house
    house.database.close()


def rush(house, work, threads=16):
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(threads)))


def sums(house):
    """Add up the attempts, and read the accounts."""
    attempts = house.do(lambda session: session.scalars(select(AttemptRow)).all())
    counted = Counter()
    for row in attempts:
        counted[row.state] += row.reserved if row.state == "open" else row.micro_usd
    return counted, {row.name: row for row in house.do(lambda session: session.scalars(select(AccountRow)).all())}


def test_of_sixteen_callers_that_rush_for_the_last_money_only_so_many_get_it_as_there_is(house):
    for number in range(16):
        house.talk(f"t{number}", "run-1:tee", run=500)
    answers = rush(house, lambda number: house.reserve(f"k{number}", f"t{number}", least=100))
    assert sorted(type(answer).__name__ for answer in answers) == ["Denied"] * 11 + ["Held"] * 5
    counted, accounts = sums(house)
    assert counted["open"] == accounts["run:run-1"].reserved == accounts["fleet/day/2026-11-22"].reserved == 500


def test_the_last_part_of_a_micro_dollar_cap_is_given_out_once(house):
    for number in range(16):
        house.talk(f"t{number}", "run-1:tee", run=450)
    answers = rush(house, lambda number: house.reserve(f"k{number}", f"t{number}", least=10))
    assert sorted(answer.micro_usd for answer in answers if not isinstance(answer, Denied)) == [50, 100, 100, 100, 100]


def test_sixteen_callers_with_one_key_share_one_attempt(house):
    house.talk()
    assert len({answer.attempt for answer in rush(house, lambda _: house.reserve("k1"))}) == 1
    assert house.stands("agent:a") == [(0, 100)]


def test_sixteen_orders_with_one_key_raise_a_cap_once(house):
    house.talk(run=30)
    order = TopUp(account="run:run-1", micro_usd=100, by="ama", key="decision-1", conversation="a")
    rush(house, lambda _: house.do(ledger_caps.raise_caps, order, house.caps, NOON))
    assert house.do(ledger_caps.standing, "run:run-1", house.caps, NOON).cap == 130


def test_callers_of_many_runs_and_days_work_side_by_side_and_no_micro_dollar_is_lost(house):
    for number in range(16):
        house.talk(f"t{number}", f"run-{number % 3}:item-{number % 2}", f"tenant-{number % 2}", run=1_500)

    def live(number):
        dice, name = random.Random(number), f"t{number}"
        for step in range(12):
            at = NOON + timedelta(hours=dice.choice((0, 12, 24 * 9)))
            held = house.reserve(f"{name}-{step}", name, wanted=dice.randrange(20, 120), least=10, turn=step, at=at)
            if isinstance(held, Denied):
                continue
            match dice.choice(("settle", "settle", "release", "lose", "go silent")):
                case "settle":
                    house.settle(held, dice.randrange(held.micro_usd + 1), at=at)
                case "release":
                    house.release(held, at)
                case "lose":
                    house.lose(held, at)
            if dice.random() < 0.2:
                house.do(ledger_rows.lapse, at + LEASE * 2)

    rush(house, live)
    counted, accounts = sums(house)
    ended = counted["billed"] + counted["unknown"]
    for prefix in ("agent:", "item:", "run:", "tenant:", "fleet/day/", "fleet/month/"):
        level = [row for name, row in accounts.items() if name.startswith(prefix)]
        assert (sum(row.spent for row in level), sum(row.reserved for row in level)) == (ended, counted["open"])
    assert all(row.spent + row.reserved <= 1_500 for name, row in accounts.items() if name.startswith("run:"))
    assert all(row.spent + row.reserved <= 2_000 for name, row in accounts.items() if name.startswith("fleet/day/"))


def test_a_call_that_is_repeated_while_midnight_passes_blocks_nobody(postgres_url):
    house, day = House(postgres_url), timedelta(days=1)
    for name in "abc":
        house.talk(name)
    house.settle(house.reserve("k1"), 1)
    house.settle(house.reserve("k2", at=NOON + day), 1)

    def waiting(some):
        while house.do(lambda session: session.scalar(_WAITING)) < some:
            time.sleep(0.01)

    with ThreadPoolExecutor(3) as pool:
        with house.database.transaction() as session:
            lock_accounts(session, ["fleet/month/2026-11"])
            first = pool.submit(house.reserve, "k3", turn=9)
            waiting(1)
            again = pool.submit(house.reserve, "k4", turn=9, at=NOON + day)
            waiting(2)
            other = pool.submit(house.reserve, "k5", "b")
            waiting(3)
        assert [each.result().micro_usd for each in (first, again, other)] == [100] * 3
    assert house.do(ledger_rows.lapse, NOON + 2 * day) == 3
    assert house.stands("fleet/day/2026-11-22", "fleet/day/2026-11-23") == [(201, 0), (101, 0)]
    house.database.close()


_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
