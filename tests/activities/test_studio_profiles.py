"""Venue rules as data files."""

from datetime import date

import pytest

from activities.studio.profiles import SHIPPED, ProfileError, Profiles

SHIPPED_TEXT = (SHIPPED / "amazon.main@2026.1.yaml").read_text("utf-8")


def written(folder, text, name="amazon.main@2026.1.yaml"):
    (folder / name).write_text(text, "utf-8")
    return folder


def test_six_venues_are_shipped_each_with_source_and_date():
    profiles = Profiles.load()
    assert profiles.ids() == (
        "aboutyou.packshot",
        "amazon.main",
        "brand.lookbook",
        "google.merchant",
        "shopify.collection",
        "zalando.packshot",
    )
    for name in profiles.ids():
        profile = profiles.get(name)
        assert profile.source
        assert profile.checked_on >= profile.effective_from
        assert profile.rules.provenance
        assert profile.rules.provenance.required


def test_the_advised_settings_have_the_shape_that_the_rules_ask_for():
    for profile in (Profiles.load().get(name) for name in Profiles.load().ids()):
        if profile.rules.aspect:
            ratio = profile.advised.width / profile.advised.height
            assert ratio == pytest.approx(profile.rules.aspect.ratio, abs=profile.rules.aspect.tolerance)


def test_the_newest_version_in_force_is_taken(tmp_path):
    newer = SHIPPED_TEXT.replace('"2026.1"', '"2027.1"').replace("from: 2026-01-01", "from: 2027-01-31")
    written(tmp_path, SHIPPED_TEXT)
    profiles = Profiles.load(written(tmp_path, newer, "amazon.main@2027.1.yaml"))
    assert profiles.get("amazon.main").version == "2027.1"
    assert profiles.get("amazon.main", on=date(2026, 11, 1)).version == "2026.1"
    assert profiles.get("amazon.main", version="2026.1").version == "2026.1"


def test_an_unknown_venue_is_answered_with_those_that_there_are():
    with pytest.raises(ProfileError, match=r"no profile ebay\.main; there are aboutyou\.packshot, amazon\.main"):
        Profiles.load().get("ebay.main")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("at_most: 10000000", "at_most: many", r"amazon\.main@2026\.1\.yaml: rules\.bytes\.at_most"),
        ("  noise:", "  nois:", r"rules\.nois: Extra inputs"),
        ("checked_on: 2026-11-15\n", "", r"checked_on: Field required"),
        ("shadow: 0.0", "shadow: 7", r"advised\.shadow"),
        ("rules:", "rules: [", r"not readable as YAML"),
        ('"2026.1"', '"2026.2"', r"must be named amazon\.main@2026\.2\.yaml"),
    ],
)
def test_a_mistake_in_a_profile_is_told_with_its_file_and_field(tmp_path, old, new, complaint):
    assert old in SHIPPED_TEXT
    with pytest.raises(ProfileError, match=complaint):
        Profiles.load(written(tmp_path, SHIPPED_TEXT.replace(old, new)))


def test_an_empty_profile_file_is_told(tmp_path):
    with pytest.raises(ProfileError, match="the file: Input should be"):
        Profiles.load(written(tmp_path, ""))
