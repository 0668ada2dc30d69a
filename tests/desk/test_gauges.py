"""Facts as bars: the line of the rule is where the rule says, and what has no line in numbers has no bar."""

import pytest

from desk.gauges import LINE, gauge, measured, miss, readings
from workflows.models import Fact


def fact(measured, wanted, passed=True, miss=0.0, **more):
    return Fact(rule="rule", measured=measured, wanted=wanted, passed=passed, miss=miss, **more)


def test_a_ceiling_is_drawn_where_bars_of_all_rules_have_it_and_the_bar_ends_before_or_behind_it():
    below = gauge(fact(0.5, "noise at most 1 levels"))
    above = gauge(fact(2.0, "noise at most 1 levels", passed=False, miss=1.0))
    assert below.lines == above.lines == (LINE,)
    assert below.fill == LINE / 2
    assert above.fill == 100


def test_a_floor_allows_what_lies_behind_it():
    found = gauge(fact(24.0, "at least 12 of 256 bits from every other picture of the set"))
    assert found.allowed == (LINE, 100)
    assert found.fill > LINE


def test_a_range_has_two_lines_and_the_bar_ends_between_them_when_it_passes():
    found = gauge(fact(0.9, "0.85 to 0.97 of the frame"))
    low, high = found.lines
    assert low < found.fill < high
    assert gauge(fact(0.3, "0.85 to 0.97 of the frame", passed=False, miss=0.55)).fill < low


@pytest.mark.parametrize(
    ("words", "wanted", "missed", "behind"),
    [
        ("darkest 190, 35.48% off", "background at 255 or more in every channel", 65.0, False),
        ("L* 70, 27 below the declared 97.5", "lightness off by at most 12 L*", 15.0, True),
    ],
)
def test_where_the_measurement_is_words_the_miss_says_how_far_it_is_off(words, wanted, missed, behind):
    found = gauge(fact(words, wanted, passed=False, miss=missed))
    assert (found.fill > LINE) is behind


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("jpeg", "one of jpeg, png"), ("L* 88.8", "lightness off by at most 12 L*"), ("x", "at most 0"), (1.0, "5 to 5")],
)
def test_what_has_no_line_or_no_number_has_no_bar(words, wanted):
    assert gauge(fact(words, wanted)) is None


def test_what_missed_comes_first_and_what_is_only_advised_after_it():
    facts = (fact(1.0, "a"), fact(2.0, "b", passed=False, required=False), fact(3.0, "c", passed=False))
    assert [(each.fact.measured, each.tone) for each in readings(facts)] == [
        (3.0, "poor"),
        (2.0, "fair"),
        (1.0, "good"),
    ]


def test_numbers_are_written_with_the_digits_that_matter():
    assert measured(fact(263446.0, "", unit="bytes")) == "263,446 bytes"
    assert measured(fact(2.663512, "", unit="dE")) == "2.664 dE"
    assert measured(fact("http://cv.iptc.org/x/trained", "")) == "trained"
    assert miss(fact(1.0, "", passed=False, miss=0.03071, unit="px")) == "0.0307 px"
    assert miss(fact(1.0, "", passed=False)) == "missed"
