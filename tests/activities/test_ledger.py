"""The ledger: money is held before a call along the whole chain of accounts, and settled after it."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from temporalio.exceptions import ApplicationError

from activities import ledger_rows
from activities.conversation_tables import JournalRow
from activities.ledger_accounts import Caps
from activities.ledger_bids import Bid, Denied, Held
from activities.ledger_tables import AttemptRow
from tests.activities.counting_house import DAY, FLEET, LEASE, MONTH, NOON, House
from workflows.models import Purse, Usage

CHAIN = ("agent:a", "item:run-1:tee", "run:run-1", DAY, FLEET, MONTH)


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


def attempt(house, held):
    return house.do(lambda session: session.get_one(AttemptRow, held.attempt))


def test_a_call_holds_money_on_every_account_above_it(house):
    house.talk(agent=500, run=1_000)
    assert house.reserve("k1").micro_usd == 100
    assert house.stands(*CHAIN) == [(0, 100)] * 6


def test_a_call_that_one_account_cannot_bear_holds_money_nowhere(house):
    house.talk(agent=500, item=40, run=1_000)
    denied = house.reserve("k1")
    assert denied == Denied("item:run-1:tee", cap=40, spent=0, reserved=0, needed=50, others=False)
    assert house.stands(*CHAIN) == [(0, 0)] * 6


def test_a_call_gets_as_much_as_the_tightest_account_leaves(house):
    house.talk(agent=500, item=70, run=1_000)
    assert house.reserve("k1").micro_usd == 70


def test_waiting_helps_nothing_where_all_that_others_hold_would_not_be_enough(house):
    house.talk("a", agent=100)
    house.settle(house.reserve("k1"), 60)
    assert house.reserve("k2", wanted=10, least=10).micro_usd == 10
    denied = house.reserve("k3", least=50)
    assert (denied.account, denied.reserved, denied.others) == ("agent:a", 10, False)


def test_the_denial_says_in_one_line_what_is_short(house):
    house.talk(agent=1_000_000)
    house.settle(house.reserve("k1", wanted=900_000), 850_000)
    denied = house.reserve("k2", wanted=400_000, least=300_000)
    assert denied.text == "the call needs at least $0.30, but of the $1.00 of agent:a $0.85 is spent"


def test_waiting_may_help_while_others_hold_the_money(house):
    house.talk("a", run=100)
    house.talk("b")
    held = house.reserve("k1", "b")
    denied = house.reserve("k1b", "a")
    assert (denied.account, denied.reserved, denied.others) == ("run:run-1", 100, True)
    assert "$0.0001 is held for calls under way" in denied.text
    house.settle(held, 30)
    assert house.reserve("k1b", "a").micro_usd == 70


def test_waiting_never_helps_when_the_money_is_spent_or_its_holder_is_silent(house):
    house.talk("a", run=100)
    house.talk("b")
    house.reserve("k1", "b")
    assert not house.reserve("k2", at=NOON + LEASE * 2).others
    house.talk("c", "run-2:tee", run=100)
    house.settle(house.reserve("k3", "c"), 60)
    assert not house.reserve("k4", "c", wanted=90, least=50).others


def test_an_account_that_no_waiting_refills_is_named_before_a_tighter_one(house):
    house.talk("a", agent=40, run=100)
    house.talk("b")
    house.reserve("k1", "b")
    denied = house.reserve("k2")
    assert (denied.account, denied.others) == ("agent:a", False)


def test_the_same_key_gets_the_same_money_once(house):
    house.talk(agent=500)
    assert house.reserve("k1") == house.reserve("k1")
    assert house.stands("agent:a") == [(0, 100)]


def test_the_same_key_finds_its_attempt_also_after_it_has_ended(house):
    house.talk(agent=500)
    held = house.reserve("k1")
    house.settle(held, 60)
    assert house.reserve("k1") == held
    assert house.stands("agent:a") == [(60, 0)]


def test_a_second_attempt_of_a_call_counts_the_first_as_lost_at_what_it_held(house):
    house.talk(agent=500)
    first = house.reserve("k1", turn=1)
    house.reserve("k1b", turn=1)
    assert house.stands("agent:a") == [(100, 100)]
    assert attempt(house, first).state == "unknown"
    house.reserve("j", turn=1, kind="judge")  # another call of the same turn leaves it alone
    assert house.stands("agent:a") == [(100, 200)]


def test_what_the_first_attempt_held_is_gone_when_the_second_is_denied(house):
    house.talk(agent=120)
    house.reserve("k1", turn=1)
    assert house.reserve("k1b", turn=1) == Denied("agent:a", 120, spent=100, reserved=0, needed=50, others=False)


def test_a_bill_is_booked_with_its_tokens_and_who_served_it(house):
    house.talk(agent=500)
    held = house.reserve("k1")
    house.settle(held, 60, write_1h=30, served="claude-sonnet-5-5-20261001", request_id="req_1")
    row = attempt(house, held)
    assert (row.state, row.micro_usd, row.reserved, row.served) == ("billed", 60, 100, "claude-sonnet-5-5-20261001")
    assert (row.input, row.output, row.thinking, row.cache_read, row.write_5m, row.write_1h) == (10, 20, 5, 300, 10, 30)
    assert (row.kind, row.pipeline, row.request_id, row.ended_at) == ("turn", "shoot", "req_1", NOON)
    assert house.stands(*CHAIN) == [(60, 0)] * 6


def test_what_is_settled_again_changes_nothing(house):
    house.talk(agent=500)
    held = house.reserve("k1")
    house.settle(held, 60)
    for again in (lambda: house.settle(held, 90), lambda: house.release(held), lambda: house.lose(held)):
        again()
        assert house.stands("agent:a") == [(60, 0)]


def test_a_call_that_cost_nothing_gives_its_money_back(house):
    house.talk(agent=500)
    house.release(house.reserve("k1"))
    assert house.stands(*CHAIN) == [(0, 0)] * 6


def test_a_call_of_unknown_cost_counts_at_what_it_held_until_the_truth_comes(house):
    house.talk(agent=500)
    lost, refused, unpriced = (house.reserve(f"k{n}") for n in range(3))
    house.lose(lost)
    house.lose(refused)
    house.settle(unpriced, 0, known=False)
    assert house.stands("agent:a") == [(300, 0)]
    assert attempt(house, unpriced).cache_read == 300
    house.settle(lost, 60)
    house.release(refused)
    house.settle(unpriced, 20)
    assert house.stands(*CHAIN) == [(80, 0)] * 6
    assert attempt(house, lost).error == ""


def test_a_bill_above_what_was_held_is_booked_in_full_and_told(house):
    house.talk(agent=500)
    house.settle(house.reserve("k1"), 130)
    assert house.stands("agent:a") == [(130, 0)]
    row = house.do(lambda session: session.scalars(select(JournalRow)).one())
    assert (row.conversation, row.action) == ("a", "error")
    assert "a call cost $0.00013, more than the $0.0001 that was reserved for it" in row.data


def test_a_silent_call_lapses_and_counts_at_what_it_held(house):
    house.talk(agent=500)
    silent = house.reserve("k1")
    house.reserve("k2", at=NOON + LEASE)
    assert house.do(ledger_rows.lapse, NOON + LEASE + timedelta(seconds=1)) == 1
    assert (attempt(house, silent).state, house.stands("agent:a")) == ("unknown", [(100, 100)])
    assert attempt(house, silent).error == "there was no sign of life until its lease ended"
    house.settle(silent, 60)
    assert house.stands("agent:a") == [(60, 100)]


def test_accounts_are_opened_once_and_never_lowered(house):
    house.talk("a", agent=500, run=300)
    house.settle(house.reserve("k1"), 80)
    house.talk("b", agent=500, run=100)
    assert house.reserve("k2", "b", wanted=400).micro_usd == 220


def test_a_call_at_midnight_is_charged_to_the_day_on_which_it_began(url):
    house = House(url, {"tenant/day": 150, "fleet/month": 1_000})
    house.talk()
    before, after = NOON.replace(hour=23, minute=59, second=59), NOON.replace(day=23, hour=0)
    late = house.reserve("k1", at=before)
    assert isinstance(house.reserve("k2", least=60, at=before), Denied)
    assert house.reserve("k2", at=after).micro_usd == 100
    house.settle(late, 80, at=after)
    next_day = DAY.replace("22", "23")
    assert house.stands(DAY, next_day, MONTH) == [(80, 0), (0, 100), (80, 100)]
    house.database.close()


def test_a_repeated_call_after_midnight_is_charged_to_the_new_day_and_the_lost_one_to_the_old(house):
    house.talk()
    house.reserve("k1", turn=1)
    house.reserve("k1b", turn=1, at=NOON + timedelta(days=1))
    assert house.stands(DAY, DAY.replace("22", "23"), "agent:a") == [(100, 0), (0, 100), (100, 100)]


def test_the_purse_counts_every_attempt_and_names_the_tightest_account(house):
    house.talk("a", agent=500, run=600)
    house.talk("b")
    house.settle(house.reserve("k1"), 60)
    house.lose(house.reserve("k2"))
    house.reserve("k3", kind="judge")
    house.settle(house.reserve("k4", "b", wanted=300), 290)
    purse = house.do(ledger_rows.purse, "a", house.caps, NOON, needs=70)
    assert purse == Purse(total=260, left=600 - 160 - 290 - 100, account="run:run-1", needs=70)


def test_the_purse_ignores_what_others_only_hold(house):
    house.talk("a", agent=500, run=600)
    house.talk("b")
    house.reserve("k1", "b", wanted=600)
    assert house.do(ledger_rows.purse, "a", house.caps, NOON).left == 500


def test_a_conversation_without_any_cap_has_a_purse_without_a_bottom(house):
    house.talk()
    assert house.do(ledger_rows.purse, "a", house.caps, NOON) == Purse()


def test_a_turn_counts_its_attempts_and_no_judge(house):
    house.talk()
    house.settle(house.reserve("k1", turn=1), 60)
    house.reserve("k1b", turn=1)
    house.reserve("j", turn=1, kind="judge")
    house.reserve("k2", turn=2)
    assert house.do(ledger_rows.spent_in_turn, "a", 1, 1) == 160


def test_a_bid_below_nothing_or_above_its_wish_is_refused():
    for wanted, least in ((100, 101), (100, -1)):
        with pytest.raises(ValueError, match="least has to be between 0 and wanted"):
            Bid("k", "a", 1, 1, "turn", "m", wanted, least, "s")


def test_a_standard_cap_for_something_else_is_refused():
    with pytest.raises(ValueError, match=r"no standard cap for run/day; there are tenant/day, fleet/day"):
        Caps({"run/day": 5})
    with pytest.raises(ValueError, match="below zero"):
        Caps({"fleet/day": -5})


def test_a_call_of_a_conversation_that_was_never_opened_is_a_permanent_error(house):
    with pytest.raises(ApplicationError, match="no such conversation") as raised:
        house.reserve("k1", "nobody")
    assert raised.value.non_retryable


def test_an_attempt_that_was_never_made_cannot_be_settled(house):
    with pytest.raises(ApplicationError, match="no such attempt: 7"):
        house.settle(Held(7, 5), 5, usage=Usage())
