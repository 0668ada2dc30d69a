"""The studio's own truth is the test set: what was set wrong must be what is found wrong."""

import itertools

import pytest

from activities.studio.measure import measure
from activities.studio.profiles import Profiles
from activities.studio.render import render
from activities.studio.settings import Settings, Subject

PROFILES = Profiles.load()
OPTIC_WHITE = "#f8f8f6"
SMALL = {
    "aboutyou.packshot": {},
    "amazon.main": {"width": 1600, "height": 1600},
    "brand.lookbook": {"width": 1200, "height": 1500},
    "google.merchant": {"width": 900, "height": 900},
    "shopify.collection": {"width": 1600, "height": 1600},
    "zalando.packshot": {"width": 800, "height": 1152},
}


def shoot(profile, subject, **settings):
    """Render as advised except for `settings`; give the facts by rule."""
    rules = PROFILES.get(profile)
    taken = render(subject, Settings.model_validate(rules.advised.model_dump() | settings))
    facts = measure(taken.bytes, colour_hex=subject.colour, view=subject.view, profile=rules)
    return {fact.rule: fact for fact in facts}


def broken(facts):
    return {rule for rule, fact in facts.items() if fact.required and not fact.passed}


def dress(**changes):
    return Subject(**{"garment": "dress", "fabric": "cotton", "colour": "#b5533c", "seed": 1} | changes)


@pytest.mark.parametrize("profile", PROFILES.ids())
def test_a_mid_tone_garment_shot_as_advised_passes_every_venue(profile):
    facts = shoot(profile, dress())
    assert broken(facts) == set(), facts


@pytest.mark.parametrize(
    ("profile", "subject"),
    [
        ("aboutyou.packshot", Subject(garment="trousers", fabric="denim", colour="#2f4a6d", view="back", seed=2)),
        ("amazon.main", Subject(garment="coat", fabric="wool", colour="#b08d5e", seed=3)),
        ("amazon.main", Subject(garment="tee", fabric="knit", colour="#2b2b2d", view="side", seed=4)),
        ("brand.lookbook", Subject(garment="skirt", fabric="silk", colour="#6b2d4e", seed=5)),
        ("google.merchant", Subject(garment="shirt", fabric="linen", colour="#6f8fb0", view="detail", seed=6)),
        ("shopify.collection", Subject(garment="tee", fabric="cotton", colour="#1f2a44", seed=7)),
        ("zalando.packshot", Subject(garment="coat", fabric="wool", colour="#7b3b52", view="detail", seed=8)),
        ("zalando.packshot", Subject(garment="skirt", fabric="linen", colour="#c9b79c", view="side", seed=9)),
    ],
)
def test_other_garments_fabrics_colours_and_views_pass_as_well(profile, subject):
    facts = shoot(profile, subject, **SMALL[profile])
    assert broken(facts) == set(), facts


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"width": 700, "height": 700}, {"size"}),
        ({"camera_distance": 3.5}, {"frame_fill"}),
        ({"camera_distance": 2.05, "offset_x": 0.12}, {"centring"}),
        ({"kelvin": 3600}, {"background_white"}),
        ({"kelvin": 3000}, {"background_white", "garment_colour"}),
        ({"background_light": 1.0}, {"background_white"}),
        ({"shadow": 0.6}, {"background_white"}),
        ({"iso": 6400}, {"noise"}),
        ({"focus": 0.2}, {"sharpness"}),
        ({"exposure": 1.5}, {"exposure", "garment_colour"}),
        ({"key_light": 3.0}, {"exposure", "garment_colour"}),
    ],
)
def test_one_wrong_setting_breaks_exactly_the_rule_it_should(settings, found):
    facts = shoot("amazon.main", dress(), **SMALL["amazon.main"] | settings)
    assert broken(facts) == found, facts
    assert all(facts[rule].miss > 0 for rule in found)


@pytest.mark.parametrize("settings", [{"exposure": 1.0}, {"key_light": 2.0}])
def test_too_much_light_burns_out_a_light_garment(settings):
    facts = shoot("google.merchant", dress(colour="#e3dccb"), **SMALL["google.merchant"] | settings)
    assert "clipping" in broken(facts), facts


def test_a_photograph_in_the_wrong_shape_breaks_the_ratio_and_a_forbidden_format_is_named():
    facts = shoot("zalando.packshot", dress(), width=1200, height=1200, format="png")
    assert broken(facts) == {"aspect", "format"}
    assert facts["format"].measured == "png"


def test_a_detail_shot_need_not_fill_the_frame_or_be_centred():
    facts = shoot("google.merchant", dress(view="detail"), **SMALL["google.merchant"])
    assert not facts["frame_fill"].required
    assert not facts["centring"].required


def test_an_optic_white_garment_can_pass_where_near_white_is_enough():
    settings = {"background_light": 0.9, "key_light": 0.7, "shadow": 0.0}
    facts = shoot("zalando.packshot", dress(colour=OPTIC_WHITE), **SMALL["zalando.packshot"] | settings)
    assert broken(facts) == set(), facts


@pytest.mark.parametrize("stops", [-1.0, 0.0])
def test_no_light_gets_an_optic_white_garment_through_where_the_page_is_pure_white(stops):
    factor = 2.0**-stops
    lights = itertools.product((1.0, 1.3), (0.2, 0.5, 0.8), (0.2, 0.8))
    for sweep, key, fill in lights:
        settings = {"background_light": sweep * factor, "key_light": key * factor, "fill_light": fill * factor}
        facts = shoot("amazon.main", dress(colour=OPTIC_WHITE), width=600, height=600, exposure=stops, **settings)
        assert broken(facts) - {"size"}, settings


@pytest.mark.parametrize(
    ("garment", "view"), [("tee", "front"), ("coat", "back"), ("shirt", "detail"), ("skirt", "side")]
)
def test_the_cut_of_an_optic_white_garment_does_not_help_it(garment, view):
    subject = Subject(garment=garment, fabric="cotton", colour=OPTIC_WHITE, view=view, seed=5)
    for key in (0.3, 0.6):
        facts = shoot("amazon.main", subject, width=600, height=600, key_light=key)
        assert broken(facts) - {"size"}, key


def test_what_keeps_an_optic_white_garment_out_is_its_lost_outline():
    skirt = Subject(garment="skirt", fabric="silk", colour=OPTIC_WHITE, seed=3)
    light = {"background_light": 1.3, "key_light": 0.4, "fill_light": 1.0}
    facts = shoot("amazon.main", skirt, **SMALL["amazon.main"] | light)
    assert broken(facts) == {"clipping"}, facts
