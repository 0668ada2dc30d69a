"""From an item to a fleet: small cases by hand, and more items never need less."""

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.capacity import FIGURES, parser
from bench.capacity_assumptions import Assumptions, listed
from bench.capacity_bounds import bounds, cells
from bench.capacity_docs import PAGE, blocks, written
from bench.capacity_model import Item, actions_usd, heartbeats, model_usd, plan, reviewers_for

ONE = Item(**dict.fromkeys((each.name for each in dataclasses.fields(Item)), 1.0))
FLAT = Assumptions(peak_factor=1.0, utilisation=0.5, fairness=0.0, least_pods=1, output_factor=2.0)
SECOND = 86_400


def planned(items, item=ONE, given=FLAT):
    return plan(items, item, given, hold_ms=5.0, held_statements=10.0)


def test_pods_follow_from_cpu_places_and_how_busy_they_may_be():
    # 10 items a second; 300 ms of CPU each are 3 cores, which at half load are 6; the studio has 2 cores a pod.
    item = dataclasses.replace(ONE, workflows_ms=300, studio_ms=300, tools_ms=1, model_ms=1, calls=5.0)
    found = planned(10 * SECOND, item)
    # 50 calls a second of 8 seconds are 400 under way; 50 places a pod, half of them busy: 16 pods.
    assert found.pods == {"workflows": 6, "model": 16, "tools": 1, "studio": 3}
    assert found.connections == 26 * 15


def test_rates_are_those_of_the_peak_and_sums_those_of_a_month():
    item = dataclasses.replace(
        ONE, commits=200, table_bytes=1e6, actions=50, calls=10, input=100, written=200, output=30
    )
    found = planned(SECOND, item, dataclasses.replace(FLAT, peak_factor=3.0))
    assert (found.commits_a_second, found.actions_a_second, found.requests_a_minute) == (600, 150, 1_800)
    assert (found.input_a_minute, found.output_a_minute) == (3 * 300 * 60, 3 * 60 * 60)
    assert found.database_gb == pytest.approx(SECOND * 30 * 1e6 / 1e9)
    assert found.actions == SECOND * 30 * 50


def test_the_ledger_is_held_as_measured_and_for_every_round_trip():
    found = planned(10 * SECOND)  # 10 calls a second, each 5 ms and 10 round trips of half a millisecond: 100 ms
    assert found.ledger_use == pytest.approx(0.1)
    assert found.ledger_most == pytest.approx(100)


def test_actions_are_priced_by_tier():
    given = Assumptions(action_beyond=20.0)
    assert actions_usd(11.25e6, given) == pytest.approx(525)  # the example of the price list
    assert actions_usd(201e6, given) == pytest.approx(250 + 225 + 400 + 1_050 + 1_500 + 2_500 + 20)


def test_tokens_are_priced_by_class():
    item = dataclasses.replace(ONE, input=1e6, written=2e6, read=10e6, output=1e6)
    given = Assumptions(price_input=2, price_write=2.5, price_read=0.1, price_output=10, output_factor=3)
    assert model_usd(item, given) == pytest.approx(2 + 5 + 1 + 30)


def test_a_short_call_has_no_heartbeat_and_a_long_one_few():
    assert [heartbeats(seconds) for seconds in (1, 10, 11, 33, 34, 58)] == [0, 0, 1, 1, 2, 3]


def test_reviewers_do_the_work_and_nobody_waits_long():
    given = Assumptions(question_minutes=2, shift_hours=6, question_wait=30)
    assert reviewers_for(0, given) == 0
    assert reviewers_for(1, given) == 1
    assert reviewers_for(1_800, given) == 11  # 3,600 minutes of work, 360 minutes a day each: ten would never catch up


@given(few=st.floats(1, 1e5), more=st.floats(1, 100))
def test_more_items_never_need_less(few, more):
    small, large = (planned(items, given=Assumptions()) for items in (few, few * more))
    for each in dataclasses.fields(small):
        before, after = getattr(small, each.name), getattr(large, each.name)
        if each.name == "pods":
            assert all(after[pool] >= before[pool] for pool in before)
        elif each.name == "model_day":
            assert after.worst >= before.worst
        else:
            assert after >= before, each.name


def test_what_breaks_first_stands_in_front_and_cells_are_as_many_as_the_worst_of_those_that_cells_cure():
    given = Assumptions(limit_rpm=1e-9, limit_visibility=0.1, limit_aps_most=1e9, limit_connections=1e-6)
    found = bounds(planned(SECOND, given=given), given)
    assert found[0].name == "requests of the provider"
    assert cells(found) == math.ceil(planned(SECOND, given=given).looks_a_second / 0.1)


def test_every_assumption_says_what_it_is_and_has_a_flag():
    for each in listed(Assumptions()):
        assert each.says
        assert each.source
    asked = parser().parse_args(["simulate", "--items", "5", "--peak-factor", "7.5", "--limit-rpm", "50"])
    assert (asked.items, asked.peak_factor, asked.limit_rpm) == ([5.0], 7.5, 50.0)


def test_the_page_has_the_tables_of_the_kept_figures():
    page = PAGE.read_text()
    assert written(page, blocks(json.loads(FIGURES.read_text()), Assumptions())) == page, (
        "docs/sizing.md is not what the figures say: python -m bench.capacity write-docs"
    )


def test_a_page_without_the_marks_is_told():
    with pytest.raises(ValueError, match="0 places for needs"):
        written("nothing", {"needs": "x"})
