"""The gate, and which take is kept as the best."""

import pytest

from workflows.graph import Judged
from workflows.guards.gate import CRITERIA, contradiction, objections, total
from workflows.models import Attempt, Criterion, Fact, FactSheet, Verdict, asset_id

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
FILLS = Fact(rule="frame_fill", measured=0.9, wanted="0.85 or more", passed=True)
GREY = Fact(rule="background_white", measured=250.0, wanted="255", passed=False, miss=5.0)
SOFT = Fact(rule="sharpness", measured=2.0, wanted="1.6 or less", passed=False, required=False)


def sheet(*facts, digest=DIGEST):
    return FactSheet(digest=digest, profile="amazon.main", version="1", facts=facts or (FILLS,))


def verdict(*scores, digest=DIGEST, names=CRITERIA, score=None):
    given = scores or (90, 90, 90, 90, 90)
    criteria = tuple(
        Criterion(name=name, evidence="seen", reasoning="so", score=each)
        for name, each in zip(names, given, strict=True)
    )
    mean = (2 * sum(given) + 5) // 10
    return Verdict(asset=asset_id(digest), criteria=criteria, score=mean if score is None else score)


def test_a_take_that_meets_every_rule_and_the_threshold_passes():
    assert objections(DIGEST, sheet(FILLS, SOFT), verdict(), 80) == ()


@pytest.mark.parametrize(
    ("facts", "judged", "said"),
    [
        (None, verdict(), "it was not measured"),
        (sheet(digest=OTHER), verdict(), "it was not measured"),
        (sheet(), None, "it was not judged"),
        (sheet(), verdict(digest=OTHER), "it was not judged"),
        (sheet(FILLS, GREY), verdict(), "background_white: 250.0 where 255 is required"),
        (sheet(), verdict(79, 79, 79, 79, 79), "score 79 is below 80"),
        (sheet(), verdict(10, 10, 10, 10, 10, score=95), "score 10 is below 80"),
        (FactSheet(digest=DIGEST, profile="p", version="1", facts=()), verdict(), "nothing was measured"),
    ],
)
def test_the_gate_says_why_a_take_does_not_pass(facts, judged, said):
    assert objections(DIGEST, facts, judged, 80) == (said,)


def test_the_total_is_the_mean_rounded_half_up():
    assert total(verdict(80, 80, 80, 81, 81)) == 80
    assert total(verdict(80, 80, 81, 81, 81)) == 81
    assert total(verdict(81, 81, 81, 80, 80, score=0)) == 81


@pytest.mark.parametrize(
    ("judged", "facts", "said"),
    [
        (verdict(), sheet(FILLS), None),
        (verdict(digest=OTHER), sheet(), "asset: judge"),
        (verdict(names=("rules", "rules", "colour", "light", "finish")), sheet(), "criteria: give each of"),
        (verdict(score=60), sheet(), "score: the mean of your criteria is 90, not 60"),
        (verdict(), sheet(GREY), "criteria.rules: a score of 90 contradicts the facts, which miss background_white"),
        (verdict(40, 90, 90, 90, 90), sheet(GREY), None),
    ],
)
def test_a_verdict_that_contradicts_its_reasons_is_named(judged, facts, said):
    found = contradiction(judged, facts, 80)
    assert found is None if said is None else (found or "").startswith(said)


def kept(number, score, *missed):
    attempt = Attempt(number=number, digest=DIGEST, direction="", score=score, missed=missed)
    return Judged(attempt, sheet(), None)


def test_the_best_take_has_the_higher_score_then_fewer_broken_rules_then_came_first():
    first = kept(1, 46, "background_white")
    assert first.better(None) is first
    assert kept(2, 54, "background_white", "clipping").better(first).attempt.number == 2
    assert kept(2, 46).better(first).attempt.number == 2
    assert kept(2, 46, "clipping").better(first) is first
    assert kept(2, 40).better(first) is first
