"""Figures and expectations: what a few trials say, and what must hold of an outcome."""

import pytest
from pydantic import ValidationError

from activities.database import now
from console.evals.expectations import Expected, values
from console.evals.figures import difference, mean, mean_difference, rate
from console.evals.results import Results, Shelf, Trial, changes, shortfalls

OUTCOME = {
    "status": "complete",
    "counts": {"published": 2},
    "items": [{"key": "a", "score": 92}, {"key": "b", "score": 81}],
    "published": [],
    "error": None,
}


@pytest.mark.parametrize(
    ("passed", "of", "low", "high"),
    # Wilson's interval as published: Agresti & Coull 1998, and every statistics package
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_a_rate_is_given_with_wilsons_interval(passed, of, low, high):
    found = rate(passed, of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_no_trial_nothing_is_known():
    assert (rate(0, 0).low, rate(0, 0).high) == (0.0, 1.0)
    assert mean([]) is None
    assert mean_difference([], [1.0]) is None


def test_a_difference_of_rates_is_newcombes():
    found = difference((56, 70), (48, 80))  # Newcombe 1998, example (a), method 10
    assert [round(x, 4) for x in (found.value, found.low, found.high)] == [0.2, 0.0524, 0.3339]


def test_a_mean_has_the_bootstraps_interval_and_is_always_the_same():
    found = mean([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found == mean([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.value == 3.0
    assert 1.4 <= found.low < 2.2
    assert 3.8 < found.high <= 4.6
    assert mean([7.0, 7.0]).low == mean([7.0, 7.0]).high == 7.0


def test_a_difference_of_means_tells_chance_from_change():
    assert mean_difference([9.0, 10.0, 11.0] * 5, [1.0, 2.0, 3.0] * 5).excludes_zero
    assert not mean_difference([1.0, 5.0, 9.0], [2.0, 4.0, 8.0]).excludes_zero


def test_a_path_finds_every_value():
    assert list(values(OUTCOME, "items.*.score")) == [92, 81]
    assert list(values(OUTCOME, "items.1.key")) == ["b"]
    assert list(values(OUTCOME, "counts.published")) == [2]
    assert list(values(OUTCOME, "items.7.key")) == []
    assert list(values(OUTCOME, "error")) == []
    assert list(values([{"name": "Spring"}], "*.name")) == ["Spring"]


@pytest.mark.parametrize(
    ("path", "expected", "misses"),
    [
        ("status", "complete", []),
        ("status", "failed", ["status: 'complete' is not 'failed'"]),
        ("status", {"one_of": ["partial", "complete"]}, []),
        ("status", {"contains": "plet"}, []),
        ("items.*.score", {"at_least": 80}, []),
        ("items.*.score", {"at_least": 90, "at_most": 91}, ["92 is not at most 91", "81 is not at least 90"]),
        ("items.*", {"count": 2}, []),
        ("items.*", {"count": 3}, ["there are 2, not 3"]),
        ("published.*", {"count": 0}, []),
        ("counts.rejected", 1, ["counts.rejected: there is nothing"]),
        ("status", {"at_least": 1}, ["'complete' is not at least 1"]),
    ],
)
def test_an_expectation_says_where_an_outcome_misses_it(path, expected, misses):
    found = list(Expected.model_validate(expected).misses(path, OUTCOME))
    assert len(found) == len(misses)
    assert all(any(miss in each for each in found) for miss in misses)


@pytest.mark.parametrize("nothing", [{}, {"at_leest": 3}, [1]])
def test_an_expectation_that_says_nothing_is_a_mistake(nothing):
    with pytest.raises(ValidationError):
        Expected.model_validate(nothing)


def results(passed, of, *, costs=1_000, left_out=0, pass_rate=0.5):
    trials = [Trial(case="a", run=f"r{n}", misses=() if n < passed else ("no",), micro_usd=costs) for n in range(of)]
    return Results(suite="s", model="m", at=now(), pass_rate=pass_rate, trials=tuple(trials), left_out=left_out)


def test_a_build_stops_where_too_few_pass_or_fewer_than_before_beyond_chance():
    assert shortfalls(results(8, 10), None) == []
    assert "4 of 10 trials passed; 50% must" in shortfalls(results(4, 10), None)[0]
    assert "the pass rate fell by 40%" in shortfalls(results(60, 100), results(100, 100))[0]
    assert shortfalls(results(9, 10), results(10, 10)) == []  # may well be chance
    assert "3 trials were not begun" in shortfalls(results(10, 10, left_out=3), None)[0]


def test_a_change_that_may_be_chance_is_called_so():
    dearer = {each.name: each.word for each in changes(results(9, 10, costs=5_000), results(10, 10, costs=1_000))}
    assert dearer == {"pass-rate": "no change beyond chance", "cost-usd": "higher"}


def test_the_last_results_are_kept_and_what_cannot_be_read_is_passed_over(tmp_path):
    shelf = Shelf(tmp_path)
    assert shelf.last("s") is None
    shelf.keep(results(1, 2))
    path = shelf.keep(latest := results(2, 2))
    assert shelf.last("s") == latest
    path.write_text("{")
    assert shelf.last("s").score == (1, 2)
