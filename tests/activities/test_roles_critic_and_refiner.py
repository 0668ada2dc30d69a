"""The rule-based critic and refiner: arithmetic that can be checked, and changes that go the right way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.roles.critic import mean
from rehearsal.roles.rig import spoken
from tests.activities.roles_stage import DESCRIBE, Refused, Talk, fact, facts, output, picture, shot, task, words

ASSET = {"asset": "ast_0123456789abcdef0123"}
USED = {
    "width": 1000,
    "height": 1000,
    "camera_distance": 2.6,
    "offset_x": 0.12,
    "key_light": 1.2,
    "background_light": 1.0,
    "kelvin": 4600,
    "iso": 3200,
    "focus": 0.4,
    "quality": 95,
    "format": "png",
}
NARROW = fact("frame_fill", 0.70, "0.85 to 0.97 of the frame", passed=False, miss=0.15)
WHITE = "background at 255 or more in every channel"
GREY = fact("background_white", "darkest 235, 98.20% off, colour cast 3", WHITE, passed=False, miss=20, unit="levels")
OFF = "lightness off by at most 12 L*"
SIDES = "longest side at least 1600, longest side at most 10000"
RATIO = "width / height 0.75, give or take 0.004"
GOOD = (
    fact("size", "200x200", "longest side at least 150, longest side at most 10000", unit="px"),
    fact("frame_fill", 0.87, "0.85 to 0.97 of the frame"),
    fact("background_white", "darkest 255, 0.00% off, colour cast 0", WHITE),
    fact("garment_colour", 2.1, "off the declared colour by at most 6 dE2000 (2:1)"),
    fact("sharpness", 0.8, "at least 0.4"),
)


def critic(*found, image=True, size=(200, 200), artefact=ASSET):
    text = task(Shot=shot(), Artefact=artefact, Facts=facts(*found))
    return output(Talk("critic", text, images=[picture(*size)] if image else []).say())


def scores(verdict):
    return {each["name"]: each["score"] for each in verdict["criteria"]}


def test_a_take_that_meets_every_rule_scores_85_to_97_on_each_criterion():
    verdict = critic(*GOOD)
    assert list(scores(verdict)) == ["rules", "colour", "framing", "light", "finish"]
    assert all(85 <= score <= 97 for score in scores(verdict).values())
    assert verdict["problems"] == []
    assert verdict["asset"] == ASSET["asset"]


def test_the_total_is_the_mean_of_the_criteria_rounded_half_up():
    verdict = critic(*GOOD, NARROW)
    total = sum(scores(verdict).values())
    assert verdict["score"] == (total * 2 + 5) // 10
    assert [mean([85, 85, 85, 86, 86]), mean([1, 2]), mean([0, 0, 0, 0, 5]), mean([97])] == [85, 2, 1, 97]


@given(st.lists(st.integers(0, 100), min_size=5, max_size=5))
def test_a_mean_of_five_never_differs_from_the_exact_one_by_more_than_half(five):
    assert abs(mean(five) - sum(five) / 5) <= 0.5


def test_each_criterion_quotes_its_facts_with_numbers_before_it_scores():
    framing = next(each for each in critic(NARROW)["criteria"] if each["name"] == "framing")
    assert list(framing) == ["name", "evidence", "reasoning", "score"]
    assert "0.7" in framing["evidence"]
    assert "0.85" in framing["evidence"]
    assert "frame_fill by 0.15" in framing["reasoning"]


def test_a_larger_miss_costs_more_and_a_large_one_falls_below_60():
    small = scores(critic(fact("frame_fill", 0.83, "at least 0.85", passed=False, miss=0.02)))
    large = scores(critic(fact("frame_fill", 0.60, "at least 0.85", passed=False, miss=0.25)))
    assert large["framing"] < small["framing"] < 80
    assert large["framing"] < 60
    assert large["rules"] < small["rules"]


@pytest.mark.parametrize(
    ("rule", "criterion"),
    [
        ("garment_colour", "colour"),
        ("centring", "framing"),
        ("clipping", "light"),
        ("noise", "finish"),
        ("provenance", "rules"),
        ("a_new_rule", "rules"),
    ],
)
def test_a_missed_rule_lowers_the_criterion_it_belongs_to_and_keeps_the_total_below_the_gate(rule, criterion):
    verdict = critic(fact(rule, 1.0, "at least 1.01", passed=False, miss=0.01))
    assert scores(verdict)[criterion] < 80
    assert scores(verdict)["rules"] < 60
    assert verdict["score"] < 80
    assert verdict["problems"][0].startswith(rule)
    assert "misses by 0.01" in verdict["problems"][0]


def test_an_advised_rule_that_is_missed_does_not_fail_a_take():
    verdict = critic(*GOOD, fact("noise", 9, "at most 4", passed=False, miss=5, required=False))
    assert all(score >= 85 for score in scores(verdict).values())


@pytest.mark.parametrize("view", [{"image": False}, {"size": (200, 150)}])
def test_a_missing_or_different_image_is_a_problem_and_not_a_pass(view):
    verdict = critic(*GOOD, **view)
    assert verdict["score"] < 60
    assert verdict["problems"][-1].startswith("image:")


def test_a_reduced_image_of_the_same_shape_is_the_same_image():
    assert critic(*GOOD, size=(100, 100))["problems"] == []


def test_a_verdict_stays_within_the_bounds_of_its_fields_whatever_the_facts():
    many = [fact(f"rule_{n}", "x" * 90, "y" * 90, passed=False, miss=1) for n in range(60)]
    verdict = critic(*many)
    assert len(verdict["problems"]) == 20
    assert all(len(each["evidence"]) <= 400 and len(each["reasoning"]) <= 600 for each in verdict["criteria"])
    assert all(0 <= score <= 100 for score in scores(verdict).values())


def refiner(*found, direction="Front view, warm look.\nset shadow to 0.2", settings=USED):
    verdict = {"asset": ASSET["asset"], "criteria": [], "problems": ["frame_fill: too small"], "score": 61}
    text = task(Shot=shot(), Direction=direction, Artefact=ASSET, Facts=facts(*found), Verdict=verdict)
    conversation = Talk("refiner", text, DESCRIBE)
    conversation.say()
    assert conversation.calls == {"describe_asset": ASSET}
    return output(conversation.back(describe_asset=settings))


def told(*found, **more):
    return spoken(refiner(*found, settings={"asset": ASSET["asset"], "settings": USED}, **more)["direction"])


def test_a_narrow_product_brings_the_camera_nearer_in_proportion():
    assert told(NARROW)["camera_distance"] == pytest.approx(2.6 * 0.70 / 0.91, abs=0.01)


def test_a_wish_with_one_limit_is_aimed_at_just_inside():
    one_sided = fact("frame_fill", 0.70, "at least 0.85", passed=False, miss=0.15)
    assert told(one_sided)["camera_distance"] == pytest.approx(2.6 * 0.70 / 0.87, abs=0.01)


def test_a_product_that_is_too_large_moves_the_camera_away_to_the_middle_of_the_range():
    found = fact("frame_fill", 0.96, "0.75 to 0.90", passed=False, miss=0.06)
    assert told(found)["camera_distance"] == pytest.approx(2.6 * 0.96 / 0.825, abs=0.01)


def test_a_grey_sweep_gets_more_light_and_neutral_colour():
    settings = told(GREY)
    assert settings["background_light"] > 1.25
    assert settings["kelvin"] == 5500


@pytest.mark.parametrize(
    ("found", "parameter", "better"),
    [
        (fact("noise", 9, "at most 4", passed=False, miss=5), "iso", lambda new: new < 3200),
        (fact("sharpness", 0.1, "at least 0.4", passed=False, miss=0.3), "focus", lambda new: new == 1.0),
        (fact("centring", 0.12, "at most 0.05", passed=False, miss=0.07), "offset_x", lambda new: new == 0),
        (fact("garment_colour", 9, "at most 6", passed=False, miss=3), "kelvin", lambda new: new == 5500),
        (fact("clipping", 0.2, "at most 0.01", passed=False, miss=0.19), "key_light", lambda new: new < 1.2),
        (
            fact("exposure", "L* 90.0, 20.0 above the declared 70.0", OFF, passed=False, miss=8),
            "key_light",
            lambda new: new < 1.2,
        ),
        (
            fact("exposure", "L* 50.0, 20.0 below the declared 70.0", OFF, passed=False, miss=8),
            "key_light",
            lambda new: new > 1.2,
        ),
        (fact("size", "1000x1000", SIDES, passed=False, miss=600), "width", lambda new: new >= 1600),
        (fact("bytes", 2_500_000, "at most 2000000", passed=False, miss=500_000), "quality", lambda new: new < 95),
        (fact("size", "12000x9000", SIDES, passed=False, miss=2000), "width", lambda new: new <= 10_000),
        (fact("aspect", 1.0, RATIO, passed=False, miss=0.246), "height", lambda new: new == 1333),
        (fact("duplicate", 3, "at least 12 of 256 bits", passed=False, miss=9), "seed", lambda new: new == 1),
        (
            fact("exposure", "L* 50.0, 20.0 below the declared 70.0", OFF, passed=False),
            "fill_light",
            lambda new: new > 0.5,
        ),
        (fact("format", "png", "one of jpeg, png", passed=False, miss=1), "format", lambda new: new == "jpeg"),
    ],
)
def test_each_miss_moves_its_parameter_in_the_right_direction(found, parameter, better):
    assert better(told(found)[parameter])


BURNT = fact("clipping", 0.2, "at most 0.03", passed=False, miss=0.17)


def lit(*found, light):
    settings = {**USED, "background_light": light}
    return spoken(refiner(*found, settings={"settings": settings})["direction"])["background_light"]


def test_a_burnt_garment_gets_less_light_from_the_sweep_as_far_as_the_venue_allows():
    near = fact("background_white", "darkest 240, 0.00% off", "background at 218 or more in every channel")
    assert 0.9 < lit(BURNT, near, light=1.0) < 1.0
    assert lit(BURNT, fact("background_white", "darkest 255", WHITE), light=1.5) == pytest.approx(1.3)
    assert lit(BURNT, light=1.0) < 0.9


def test_a_sweep_that_is_not_white_enough_is_never_dimmed_for_the_garments_sake():
    assert lit(BURNT, GREY, light=1.4) >= 1.4


def test_what_no_fact_blames_stays_as_it_was_rendered_and_earlier_orders_are_carried_over():
    settings = told(NARROW)
    assert {name: settings[name] for name in ("kelvin", "iso", "key_light")} == {
        "kelvin": 4600,
        "iso": 3200,
        "key_light": 1.2,
    }
    assert settings["shadow"] == 0.2


def test_the_direction_repeats_the_intent_in_words_and_the_reasoning_names_the_misses():
    revision = refiner(NARROW, GREY)
    assert revision["direction"].startswith("Front view, warm look.")
    assert "frame_fill" in revision["reasoning"]
    assert "background_white" in revision["reasoning"]
    assert len(revision["direction"]) <= 1_500


def test_an_asset_that_cannot_be_described_is_refined_from_the_last_direction():
    verdict = {"asset": ASSET["asset"], "criteria": [], "problems": [], "score": 61}
    direction = "Front view.\nset camera_distance to 3"
    sections = {"Shot": shot(), "Direction": direction, "Artefact": ASSET, "Facts": facts(NARROW), "Verdict": verdict}
    conversation = Talk("refiner", task(**sections), DESCRIBE)
    conversation.say()
    revision = output(conversation.back(describe_asset=Refused("asset: there is no asset")))
    assert spoken(revision["direction"])["camera_distance"] < 3


def test_missing_facts_are_named_in_words():
    assert "`## Facts`" in words(Talk("refiner", task(Shot=shot(), Artefact=ASSET), DESCRIBE).say())
    assert "`## Facts`" in words(Talk("critic", task(Shot=shot(), Artefact=ASSET)).say())
