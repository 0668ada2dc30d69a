"""Two runs over the same vacancy, and what moved between them."""

from console.reproduced import reproduced
from tests.evaluation.files import evaluation, file


def test_two_runs_that_came_to_the_same_have_not_moved():
    found = reproduced([file("r1", evaluation(3))], [file("r2", evaluation(3, document="another id"))])
    assert (found.unmoved, found.widest, found.candidates[0].moved) == (1, 0, False)
    assert found.candidates[0].same_input


def test_a_score_that_moved_is_named_with_its_reading_and_the_totals():
    (moved,) = reproduced([file("r1", evaluation(3))], [file("r2", evaluation(1))]).candidates
    assert moved.scores == ("baking (original): level 3 → level 1", "baking (redacted): level 3 → level 1")
    assert moved.totals == (75, 25)
    assert moved.standings == ("meets", "below")


def test_other_evidence_for_the_same_score_is_a_move_as_well():
    (moved,) = reproduced(
        [file("r1", evaluation(3, quote="Baked rye daily"))], [file("r2", evaluation(3, quote="Sold rolls nightly"))]
    ).candidates
    assert moved.evidence == ("baking: 1 passages gone, 1 new",)
    assert moved.scores == ()


def test_flags_that_came_or_went_are_named():
    (moved,) = reproduced([file("r1", evaluation(3))], [file("r2", evaluation(3, flag="disagreement"))]).candidates
    assert moved.flags == ("new: disagreement baking",)


def test_other_input_is_said_to_be_other_input():
    (moved,) = reproduced([file("r1", evaluation(3))], [file("r2", evaluation(3), application="sha256:2")]).candidates
    assert not moved.same_input


def test_whoever_has_no_evaluation_in_both_is_listed():
    erased = file("r2", None)
    assert reproduced([file("r1", evaluation(3))], [erased]).missing == ("ada",)
