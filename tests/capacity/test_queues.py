"""Waiting, worked out by hand for small cases."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.capacity_queues import day, places_for, under_limit, wait_of


@pytest.mark.parametrize("peak", [1.0, 1.5, 3.0, 10.0, 24.0])
def test_a_day_has_the_peak_that_is_asked_for_and_a_mean_of_one(peak):
    hours = day(peak)
    assert max(hours) == pytest.approx(peak, rel=1e-3)
    assert sum(hours) / 24 == pytest.approx(1.0)


@pytest.mark.parametrize("peak", [0.5, 25.0])
def test_there_is_no_day_with_less_than_its_mean_or_more_than_all_in_one_hour(peak):
    with pytest.raises(ValueError, match="between 1 and 24"):
        day(peak)


def test_what_stays_under_the_limit_never_waits():
    assert under_limit([9.0, 10.0], 10.0).worst == 0


def test_an_hour_at_twice_the_limit_waits_an_hour_and_takes_an_hour_to_catch_up():
    # 60 minutes at 20 under a limit of 10 leave 600 behind, which is 60 minutes of work; an empty hour clears them.
    busy = under_limit([20.0, 0.0], 10.0)
    assert (busy.worst, busy.left) == (60.0, 0.0)
    # All of the first hour but its first minute waits for over one, and nothing comes in the second.
    assert busy.late == pytest.approx(59 / 60)


def test_where_more_comes_than_is_served_each_day_ends_further_behind():
    assert under_limit([20.0, 5.0], 10.0).left == pytest.approx(300.0)


def test_what_is_left_at_midnight_is_served_in_the_morning_and_the_next_day_is_no_worse():
    night = under_limit([0.0, 15.0], 10.0)
    assert (night.worst, night.left) == (30.0, 0.0)


def test_a_mean_that_fits_hides_a_peak_that_does_not():
    mean = 8.0
    assert under_limit([mean] * 24, 10.0).worst == 0
    peaked = under_limit([mean * hour for hour in day(3.0)], 10.0)
    assert peaked.worst > 60
    assert peaked.left == 0
    assert 0 < peaked.late < 1


def test_one_place_waits_as_a_single_server_does():
    # M/M/1 at half load: one service time; Erlang C of two places at load one: a third of one.
    assert wait_of(0.5, 1) == pytest.approx(1.0)
    assert wait_of(1.0, 2) == pytest.approx(1 / 3)
    assert math.isinf(wait_of(2.0, 2))


@given(load=st.floats(0, 100), wait=st.floats(0.001, 50))
def test_the_places_suffice_and_one_fewer_does_not(load, wait):
    places = places_for(load, wait)
    assert wait_of(load, places) <= wait
    assert places == 1 or wait_of(load, places - 1) > wait
