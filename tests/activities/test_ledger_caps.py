"""Caps: by account, by period and by rule; raised by people, once, and kept with who did it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from temporalio.exceptions import ApplicationError

from activities import ledger_caps
from activities.database import now
from activities.ledger import LedgerStore
from activities.ledger_accounts import Caps, current
from activities.ledger_bids import Bid, Bill, Denied
from activities.ledger_tables import CapChangeRow
from tests.activities.counting_house import DAY, FLEET, LEASE, MONTH, NOON, USAGE, House
from workflows.models import AccountQuery, Standing, TopUp
from workflows.ports import Ledger

TODAY = current("fleet/day", now())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callsheet.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def house(url):
    house = House(url)
    yield house
    house.database.close()


@pytest.fixture
def ledger(house):
    return LedgerStore(house.database)


def order(account, micro_usd=100, key="decision-1", **changes):
    return TopUp(account=account, micro_usd=micro_usd, by="ama@example.com", key=key, **changes)


def changes(house):
    rows = house.do(lambda session: session.scalars(select(CapChangeRow).order_by(CapChangeRow.account)).all())
    return [(row.account, row.before, row.after, row.by, row.note) for row in rows]


def bid(key, **values):
    whole = {"conversation": "a", "position": 1, "turn": 1, "kind": "turn", "model": "m", "source": "s", **values}
    return Bid(key=key, wanted=100, least=50, **whole)


async def test_a_topped_up_account_lets_the_next_call_through_and_keeps_who_did_it(house, ledger):
    house.talk(agent=500, run=30)
    assert (await ledger.reserve(bid("k1"))).account == "run:run-1"
    raised = await ledger.top_up(order("run:run-1", note="worth it"))
    assert raised == Standing(account="run:run-1", cap=130)
    assert (await ledger.reserve(bid("k1"))).micro_usd == 100
    assert changes(house) == [("run:run-1", 30, 130, "ama@example.com", "worth it")]


async def test_a_repeated_order_raises_the_cap_once(house, ledger):
    house.talk(run=30)
    assert await ledger.top_up(order("run:run-1")) == await ledger.top_up(order("run:run-1"))
    await ledger.top_up(order("run:run-1", key="decision-2"))
    assert (await ledger.read(AccountQuery(account="run:run-1"))).cap == 230


async def test_a_top_up_raises_the_nearer_accounts_of_the_conversation_and_no_wider_one(house, ledger):
    house.talk(agent=10, item=20, run=30)
    house.talk("b", "run-1:shoe", agent=10, item=20)
    await ledger.set_cap("fleet/day", 900, "ops")
    await ledger.top_up(order("item:run-1:tee", conversation="a"))
    assert [(each.account, each.cap) for each in await ledger.accounts() if each.cap is not None] == [
        ("agent:a", 110),
        ("agent:b", 10),
        ("fleet/day", 900),
        ("item:run-1:shoe", 20),
        ("item:run-1:tee", 120),
        ("run:run-1", 30),
    ]


async def test_a_nearer_account_without_a_cap_stays_without_one(house, ledger):
    house.talk(agent=10, run=30)
    await ledger.top_up(order("run:run-1", conversation="a"))
    assert [(account, after) for account, _, after, *_ in changes(house)] == [("agent:a", 110), ("run:run-1", 130)]


async def test_an_account_beside_the_conversation_is_refused_with_its_chain(house, ledger):
    house.talk(agent=10)
    house.talk("b", agent=10)
    with pytest.raises(ApplicationError, match=r"agent:b is not charged for a; it is charged to agent:a, item:") as no:
        await ledger.top_up(order("agent:b", conversation="a"))
    assert (no.value.type, no.value.non_retryable) == ("UnknownAccount", True)


async def test_an_account_without_a_cap_cannot_be_raised_and_the_error_says_where_one_is(house, ledger):
    house.talk(agent=10)
    with pytest.raises(ApplicationError, match="run:run-1 has no cap that could be raised; there is one on agent:a"):
        await ledger.top_up(order("run:run-1", conversation="a"))
    with pytest.raises(ApplicationError, match=r"has no cap that could be raised; set one on fleet/day first"):
        await ledger.top_up(order("fleet/day"))
    assert changes(house) == []


@pytest.mark.parametrize(
    "account", ["", "fleet", "run:", "tenant:acme", "fleet/day/2026-13-45", "fleet/week", "item:run-1", "Run:1"]
)
async def test_a_name_that_no_account_can_have_is_refused_with_the_names_there_are(account, tmp_path):
    house = House(f"sqlite:///{tmp_path / 'callsheet.db'}")
    ledger = LedgerStore(house.database)
    said = re.escape(f"there is no account {account!r}; there are agent:CONVERSATION")
    for refused in (ledger.top_up(order(account)), ledger.set_cap(account, 5, "ops")):
        with pytest.raises(ApplicationError, match=said) as raised:
            await refused
        assert raised.value.type == "UnknownAccount"


@pytest.mark.parametrize("amount", [0, 1_000_000_000_001])
async def test_an_amount_that_nobody_can_mean_is_refused_by_its_name(amount, tmp_path):
    house = House(f"sqlite:///{tmp_path / 'callsheet.db'}")
    house.talk(run=30)
    with pytest.raises(ValueError, match="micro_usd has to be above 0 and at most 1000000000000"):
        await LedgerStore(house.database).top_up(order("run:run-1", amount))
    with pytest.raises(ValueError, match="key is empty"):
        await LedgerStore(house.database).top_up(order("run:run-1", key=""))
    with pytest.raises(ValueError, match="micro_usd has to be between 0 and"):
        await LedgerStore(house.database).set_cap("run:run-1", -1, "ops")


async def test_a_topped_up_rule_raises_today_only(house, ledger):
    await ledger.set_cap("fleet/day", 30, "ops")
    raised = await ledger.top_up(order("fleet/day"))
    assert raised == Standing(account=TODAY, cap=130)
    tomorrow = current("fleet/day", now() + timedelta(days=1))
    assert (await ledger.read(AccountQuery(account=tomorrow))).cap == 30
    assert (await ledger.read(AccountQuery(account="fleet/day"))).cap == 130


async def test_a_period_has_its_own_cap_else_its_rules_else_the_standard_else_none(url):
    house = House(url, {"tenant/day": 70})
    house.talk()
    ledger = LedgerStore(house.database, house.caps)
    assert house.reserve("k1").micro_usd == 70
    house.settle(house.reserve("k1"), 0)
    await ledger.set_cap("tenant:acme/day", 60, "ops")
    assert house.reserve("k2").micro_usd == 60
    house.settle(house.reserve("k2"), 0)
    assert (await ledger.set_cap(DAY, 55, "ops")).cap == 55
    assert house.reserve("k3").micro_usd == 55
    house.settle(house.reserve("k3"), 0)
    assert house.reserve("k4", at=NOON + timedelta(days=1)).micro_usd == 60
    assert (await ledger.set_cap(DAY, None, "ops")).cap == 60
    assert (await ledger.set_cap("tenant:acme/day", None, "ops")).cap == 70
    house.database.close()


async def test_the_rule_of_one_tenant_binds_no_other(house, ledger):
    house.talk("a", tenant="acme")
    house.talk("b", tenant="other")
    await ledger.set_cap("tenant:acme/day", 10, "ops")
    assert house.reserve("k1", "a").account == DAY
    assert house.reserve("k2", "b").micro_usd == 100


async def test_a_cap_of_nothing_stops_everything_and_months_and_days_count_alike(house, ledger):
    house.talk()
    await ledger.set_cap("fleet/month", 0, "ops")
    denied = house.reserve("k1")
    assert isinstance(denied, Denied)
    assert (denied.account, denied.cap) == (MONTH, 0)
    await ledger.set_cap(MONTH, 80, "ops")
    assert house.reserve("k1").micro_usd == 80


async def test_a_cap_can_be_set_below_what_is_spent_and_nothing_more_goes_out(house, ledger):
    house.talk(agent=500)
    house.settle(house.reserve("k1"), 90)
    stands = await ledger.set_cap("agent:a", 40, "ops", "enough")
    assert (stands.cap, stands.spent, stands.left) == (40, 90, 0)
    assert house.reserve("k2").account == "agent:a"
    assert changes(house) == [("agent:a", 500, 40, "ops", "enough")]


async def test_accounts_are_listed_under_a_name_with_the_cap_that_counts(house, ledger):
    house.talk(agent=500)
    await ledger.set_cap("tenant:acme/day", 900, "ops")
    house.settle(house.reserve("k1"), 60)
    house.reserve("k2", turn=2)
    assert await ledger.accounts("tenant:") == [
        Standing(account="tenant:acme/day", cap=900),
        Standing(account=DAY, cap=900, spent=60, reserved=100),
    ]
    assert [each.account for each in await ledger.accounts("fleet/")] == [FLEET, MONTH]
    assert await ledger.accounts("nothing_%") == []


async def test_a_budget_of_yesterday_that_is_topped_up_today_raises_the_nearer_accounts_too(house, ledger):
    house.talk(agent=10)
    yesterday = current("fleet/day", now() - timedelta(days=1))
    await ledger.set_cap("fleet/day", 30, "ops")
    await ledger.top_up(order(yesterday, conversation="a"))
    assert [(account, after) for account, _, after, *_ in changes(house)][:1] == [("agent:a", 110)]
    assert (await ledger.read(AccountQuery(account=yesterday))).cap == 130
    assert (await ledger.read(AccountQuery(account=TODAY))).cap == 30


async def test_an_account_that_nobody_charged_yet_has_spent_nothing(house, ledger):
    assert await ledger.read(AccountQuery(account="run:soon")) == Standing(account="run:soon")


async def test_the_store_beats_settles_and_sweeps(house):
    house.talk(agent=120)
    ledger = LedgerStore(house.database, Caps(), timedelta(seconds=60))
    held = await ledger.reserve(bid("k1"))
    assert await ledger.beat(held.attempt)
    assert await ledger.sweep() == 0
    await ledger.settle(held.attempt, Bill(20, True, USAGE))
    assert not await ledger.beat(held.attempt)
    assert (await ledger.purse("a", needs=7)).left == 100
    for end in (ledger.release, ledger.lose):
        next_one = await ledger.reserve(bid(end.__name__, turn=2))
        await end(next_one.attempt, "it broke")
    assert house.stands("agent:a") == [(120, 0)]


async def test_what_a_dead_caller_held_is_counted_as_spent_by_the_next_call_also_where_nobody_is_denied(house, ledger):
    house.talk()
    house.reserve("k1", at=now() - 2 * LEASE)
    assert house.stands("agent:a") == [(0, 100)]
    await ledger.reserve(Bid("k2", "a", 1, 2, "turn", "m", 100, 50, "s"))
    assert house.stands("agent:a") == [(100, 100)]


async def test_whoever_is_denied_sees_at_once_that_what_a_dead_caller_held_is_spent(house, ledger):
    house.talk("a", agent=120)
    house.talk("b", agent=120)
    await ledger.reserve(bid("k0", conversation="b"))  # has swept, and needs no sweep for a while
    house.reserve("k1", at=now() - 2 * LEASE)
    assert isinstance(await ledger.reserve(bid("k2", turn=2)), Denied)
    assert house.stands("agent:a") == [(100, 0)]


async def test_a_lapsed_call_is_told_so_by_its_next_beat_and_its_late_bill_counts(house):
    house.talk(agent=120)
    ledger = LedgerStore(house.database, Caps(), timedelta(seconds=-1))
    held = await ledger.reserve(bid("k1"))
    denied = await ledger.reserve(bid("k2", turn=2))  # sweeps, since it would be denied
    assert (denied.others, house.stands("agent:a")) == (False, [(100, 0)])
    assert not await ledger.beat(held.attempt)
    await ledger.settle(held.attempt, Bill(20, True, USAGE))
    assert house.stands("agent:a") == [(20, 0)]


def test_the_activities_have_the_names_of_the_port():
    for name in ("top_up", "read"):
        definitions = [
            getattr(getattr(each, name), "__temporal_activity_definition").name for each in (LedgerStore, Ledger)
        ]
        assert definitions[0] == definitions[1]


def test_an_order_that_fails_changes_no_cap_at_all(house):
    house.talk(agent=10)
    with pytest.raises(ApplicationError):
        house.do(ledger_caps.raise_caps, order("run:run-1", conversation="a"), house.caps, NOON)
    assert [each.cap for each in house.do(ledger_caps.standings, "agent:a", house.caps)] == [10]
