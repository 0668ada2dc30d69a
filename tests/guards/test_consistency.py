"""A score follows from its reasons, a total from the scores, and nothing from nothing."""

import json

import pytest

from tests.scenarios.vacancies import BAKING, SERVING, role
from workflows.guards.consistency import (
    contradiction,
    disagreement,
    lacking,
    misstated,
    objection,
    standing,
    total,
    uncovered,
    verdict_of,
)
from workflows.models.evaluation import Evidence, Finding, Flag, Guide, Hint, Look, Summary
from workflows.models.rubrics import Requirement

BAKES = Requirement.model_validate(BAKING)
SERVES = Requirement.model_validate(SERVING)
QUOTE = Evidence(document="doc_1", quote="Baked sourdough", start=0, end=15)


def finding(score=3, verdict="met", reasoning="Baked for ten years.", evidence=(QUOTE,)):
    return Finding(evidence=evidence, reasoning=reasoning, score=score, verdict=verdict)


def look(score=3, verdict="met", **more):
    return Look(requirement="baking", sight="original", finding=finding(score, verdict, **more))


def test_the_schema_has_evidence_before_reasoning_before_score_before_verdict():
    # Structured output is written in the order of the schema; a verdict that comes first is made up, and then excused.
    assert list(Finding.model_json_schema()["properties"]) == ["evidence", "reasoning", "score", "verdict"]
    assert list(Evidence.model_json_schema()["properties"])[:2] == ["document", "quote"]
    assert list(Summary.model_json_schema()["properties"]) == ["strengths", "gaps", "summary", "total", "standing"]


def test_the_order_survives_the_wire():
    written = json.loads(finding().model_dump_json())
    assert list(written) == ["evidence", "reasoning", "score", "verdict"]


def test_a_finding_that_follows_from_its_evidence_is_accepted():
    assert objection(finding(), BAKES, {QUOTE.digest}) is None
    assert objection(finding(1, "partly_met"), BAKES, {QUOTE.digest}) is None
    assert objection(finding(None, "no_evidence", evidence=()), BAKES, set()) is None


@pytest.mark.parametrize("field", [{"quote": "Baked sour dough"}, {"start": 1}, {"end": 16}, {"document": "doc_2"}])
def test_evidence_that_was_not_confirmed_as_it_stands_is_refused_by_name(field):
    other = QUOTE.model_copy(update=field)
    problem = objection(finding(evidence=(other,)), BAKES, {QUOTE.digest})
    assert problem is not None
    assert problem.startswith("evidence[0].quote")
    assert other.quote in problem


@pytest.mark.parametrize(
    ("score", "verdict", "evidence", "says"),
    [
        (1, "met", (QUOTE,), "partly_met follows"),
        (3, "partly_met", (QUOTE,), "met follows"),
        (0, "partly_met", (QUOTE,), "not_met follows"),
        (None, "met", (QUOTE,), "needs one"),
        (2, "no_evidence", (), "has no score"),
        (None, "no_evidence", (QUOTE,), "contradicts the 1 passages"),
        (0, "not_met", (), "without evidence"),
        (3, "unreadable", (), "has no score"),
    ],
)
def test_a_verdict_that_contradicts_score_or_evidence_is_refused(score, verdict, evidence, says):
    problem = contradiction(finding(score, verdict, evidence=evidence), BAKES)
    assert problem is not None
    assert says in problem


@pytest.mark.parametrize(
    ("score", "verdict", "reasoning"),
    [
        (3, "met", "It names two of six, which does not meet the requirement."),
        (2, "met", "There is no evidence for work at night, so it is not met."),
        (3, "met", "This falls short of the requirement."),
        (0, "not_met", "The work described clearly meets what is asked."),
        (3, "met", "The right anchor is level 1."),
    ],
)
def test_reasoning_that_says_the_opposite_in_plain_words_is_caught(score, verdict, reasoning):
    assert contradiction(finding(score, verdict, reasoning), BAKES) is not None


@pytest.mark.parametrize(
    "reasoning",
    [
        "Baked for ten years; level 3 fits, for level 4 teaching would be needed.",
        "He does not mention wages, which nobody asked about.",
        "The ovens were not new. The work fits the third anchor.",
        "Not only baguettes: sourdough as well.",
    ],
)
def test_honest_reasoning_raises_no_alarm(reasoning):
    assert contradiction(finding(3, "met", reasoning), BAKES) is None


def test_the_verdict_follows_from_the_level():
    assert [verdict_of(score, BAKES) for score in (None, 0, 1, 2, 4)] == [
        "no_evidence",
        "not_met",
        "partly_met",
        "met",
        "met",
    ]


def test_readings_that_differ_by_the_threshold_or_in_what_they_come_to_disagree():
    assert disagreement(look(4), look(2), 2) == "level 4 as it was, level 2 redacted"
    assert disagreement(look(4), look(3), 2) is None
    assert "partly met" in (disagreement(look(2), look(1, "partly_met"), 2) or "")
    assert "no evidence" in (disagreement(look(2), look(None, "no_evidence", evidence=()), 2) or "")


def test_a_reading_with_a_flag_is_not_compared_because_it_is_flagged_already():
    flagged = look(4).model_copy(update={"flags": (Flag(kind="contradiction", text="x"),)})
    assert disagreement(flagged, look(1, "partly_met"), 2) is None
    assert flagged.score is None


def test_an_absence_of_evidence_is_a_flag_and_for_a_must_have_a_louder_one():
    nothing = look(None, "no_evidence", evidence=())
    assert lacking(nothing, BAKES).kind == "missing_must_have"
    assert lacking(nothing, SERVES).kind == "no_evidence"
    assert lacking(look(0, "not_met"), BAKES) is None


def test_the_total_is_weighed_and_rounded_half_up():
    assert total(role(), {"baking": 4, "serving": 4}) == 100
    assert total(role(), {"baking": 2, "serving": 1}) == 44  # (3*2 + 1*1) / 16 = 43.75
    assert total(role(), {"baking": 0, "serving": 2}) == 13  # 12.5
    assert total(role(), {"baking": 0, "serving": 0}) == 0


def test_without_a_level_for_everything_there_is_no_total_because_no_evidence_is_not_a_low_score():
    assert total(role(), {"baking": 4, "serving": None}) is None
    assert total(role(), {"baking": 4}) is None


def test_the_standing_follows_from_scores_must_haves_and_doubts():
    assert standing(role(), {"baking": 3, "serving": 2}, doubts=False) == "meets"
    assert standing(role(), {"baking": 3, "serving": 2}, doubts=True) == "open"
    assert standing(role(), {"baking": 3, "serving": None}, doubts=False) == "open"
    assert standing(role(), {"baking": 2, "serving": 1}, doubts=False) == "below"  # 44 of 50
    # A must-have below its mark is not made up for by the rest.
    strict = role(BAKING, {**SERVING, "weight": 9})
    assert standing(strict, {"baking": 1, "serving": 4}, doubts=False) == "below"


def test_a_summary_may_not_set_what_it_sums_up():
    said = Summary(strengths=("bakes",), gaps=(), summary="Bakes.", total=80, standing="meets")
    assert misstated(said, 80, "meets") is None
    assert "it is 79, not 80" in (misstated(said, 79, "meets") or "")
    assert "'open'" in (misstated(said, 80, "open") or "")
    assert misstated(said.model_copy(update={"strengths": ()}), 80, "meets") is not None


def test_a_guide_covers_every_requirement_once_and_nothing_else():
    def guide(*names):
        return Guide(reasoning="r", hints=[Hint(requirement=name, look_for=("x",)) for name in names])

    assert uncovered(guide("baking", "serving"), role()) is None
    problem = uncovered(guide("baking", "baking", "charm"), role())
    assert problem == "hints: missing: serving; not asked for: charm; given twice: baking"
