"""Selection rates and impact ratios: the arithmetic of the rules, and the honesty of small numbers."""

import pytest

from console.rates import UNKNOWN, Applied, as_csv, read_groups, tables, wilson


def applied(group, selected, number, total=None, **more):
    return [
        Applied(f"{group}-{at}", at < selected, total if total is None else total + at, {"sex": group, **more})
        for at in range(number)
    ]


def table(found, measure, category):
    return next(each for each in found if (each.measure, each.category) == (measure, category))


def test_the_impact_ratio_is_the_share_of_the_highest_rate():
    found = table(tables([*applied("a", 48, 80), *applied("b", 12, 40)]), "selected", "sex")
    first, second = found.rates
    assert (first.rate, first.ratio, first.flagged) == (0.6, 1.0, False)
    assert (second.rate, second.ratio, second.flagged) == (0.3, 0.5, True)


def test_exactly_four_fifths_is_not_flagged():
    found = table(tables([*applied("a", 50, 100), *applied("b", 40, 100)]), "selected", "sex")
    assert [rate.flagged for rate in found.rates] == [False, False]


def test_groups_are_crossed_as_well():
    people = [*applied("f", 1, 2, ethnicity="x"), *applied("m", 2, 2, ethnicity="y")]
    crossed = table(tables(people), "selected", "ethnicity x sex")
    assert [rate.group for rate in crossed.rates] == ["x x f", "y x m"]


def test_whoever_named_no_group_is_counted_apart_and_weighs_in_no_rate():
    people = [*applied("f", 1, 2), *applied(UNKNOWN, 0, 5)]
    found = table(tables(people), "selected", "sex")
    assert (len(found.rates), found.unknown) == (1, 5)


def test_whoever_is_not_decided_about_is_no_applicant_yet():
    waiting = [Applied("w", None, None, {"sex": "f"})]
    assert table(tables([*applied("f", 1, 2), *waiting]), "selected", "sex").rates[0].applicants == 2


def test_scoring_rates_are_above_the_median_of_the_whole():
    people = [*applied("f", 0, 2, total=90), *applied("m", 0, 2, total=10)]
    found = table(tables(people), "scored above the median", "sex")
    assert [(rate.group, rate.rate) for rate in found.rates] == [("f", 1.0), ("m", 0.0)]


def test_small_groups_say_how_much_one_decision_weighs_and_tiny_ones_that_they_may_be_left_out():
    found = table(tables([*applied("a", 100, 200), *applied("b", 1, 2)]), "selected", "sex")
    assert found.rates[0].caveat == ""
    assert "under 2 %" in found.rates[1].caveat
    few = table(tables(applied("a", 2, 4)), "selected", "sex")
    assert few.rates[0].caveat == "only 4: one decision moves this rate by 25 points"


def test_where_nobody_was_selected_there_is_no_ratio():
    found = table(tables([*applied("a", 0, 3), *applied("b", 0, 3)]), "selected", "sex")
    assert [(rate.ratio, rate.flagged) for rate in found.rates] == [(None, False), (None, False)]


@pytest.mark.parametrize(
    ("selected", "number", "low", "high"), [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (8, 8, 0.676, 1.0)]
)
def test_the_interval_is_wilsons(selected, number, low, high):
    # Reference values: Newcombe, 1998, computed for the score interval without continuity correction.
    found = wilson(selected, number)
    assert found == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))


def test_the_export_has_every_group_and_the_unknown():
    lines = as_csv(tables([*applied("a", 1, 2), *applied(UNKNOWN, 0, 1)])).splitlines()
    assert lines[0].startswith("measure,category,group,applicants,selected,rate,low,high,ratio,flagged")
    assert lines[1].startswith("selected,sex,a,2,1,0.5000,")
    assert "selected,sex,unknown,1" in lines[2]


def test_groups_are_read_from_a_file_and_empty_cells_are_unknown():
    found = read_groups("# invented\ncandidate,sex,ethnicity\nc-01,female,\nc-02,male,Asian\n")
    assert found == {
        "c-01": {"sex": "female", "ethnicity": UNKNOWN},
        "c-02": {"sex": "male", "ethnicity": "Asian"},
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "first line"), ("candidate\nc-01\n", "category"), ("name,sex\nx,f\n", "candidate"),
     ("candidate,sex\nc-01,f\nc-01,m\n", "named twice"), ("candidate,sex\n,f\n", "missing")],
)  # fmt: skip
def test_a_file_that_names_no_groups_is_refused_in_words(text, says):
    with pytest.raises(ValueError, match=says):
        read_groups(text)
