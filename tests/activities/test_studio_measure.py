"""Measuring files of any origin."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from activities.studio.measure import fingerprint, measure
from activities.studio.picture import UnreadableError
from activities.studio.profiles import Profiles
from activities.studio.render import render
from activities.studio.settings import Settings, Subject

AMAZON = Profiles.load().get("amazon.main")
TEE = Subject(garment="tee", fabric="cotton", colour="#4a6b4f", seed=1)
LIGHT = Settings(width=600, height=600, camera_distance=1.95, background_light=1.35, shadow=0.0)


def facts_of(data, others=(), colour="#4a6b4f"):
    return {f.rule: f for f in measure(data, colour_hex=colour, view="front", profile=AMAZON, others=others)}


def saved(pixels, kind="PNG", **options):
    out = BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def shot(subject=TEE, **changes):
    return render(subject, LIGHT.model_copy(update=changes)).bytes


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + b"\0" * 64, b"\x89PNG\r\n\x1a\n", b"%PDF-1.7"]
)
def test_bytes_that_are_no_picture_give_one_failed_fact(data):
    (fact,) = measure(data, colour_hex="#000000", view="front", profile=AMAZON)
    assert (fact.rule, fact.passed, fact.required) == ("decodes", False, True)


def test_a_file_that_was_cut_off_does_not_decode():
    data = shot()
    assert list(facts_of(data[: len(data) // 2])) == ["decodes"]


def test_a_small_file_that_unfolds_to_a_huge_picture_is_not_unfolded():
    bomb = BytesIO()
    Image.new("1", (9_000, 9_000)).save(bomb, "PNG")
    assert "too many" in facts_of(bomb.getvalue())["decodes"].measured


def test_no_fingerprint_is_taken_of_what_is_no_picture():
    with pytest.raises(UnreadableError):
        fingerprint(b"nothing")


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_is_measured_and_fails(level):
    facts = facts_of(saved(np.full((400, 400, 3), level, np.uint8)))
    assert not facts["frame_fill"].passed
    assert not facts["clipping"].passed


def test_one_stray_pixel_off_white_is_found_and_its_value_told():
    pixels = np.asarray(Image.open(BytesIO(shot()))).copy()
    pixels[3, 3] = (254, 254, 253)
    fact = facts_of(saved(pixels))["background_white"]
    assert not fact.passed
    assert "darkest 253" in fact.measured
    assert fact.miss == 2.0


def test_the_ringing_of_a_strong_jpeg_compression_is_no_off_white():
    facts = facts_of(shot(quality=60))
    assert facts["background_white"].passed, facts["background_white"]


def test_a_file_without_its_mark_has_no_provenance():
    data = shot()
    assert facts_of(data)["provenance"].passed
    assert facts_of(saved(np.asarray(Image.open(BytesIO(data)))))["provenance"].measured == "no mark"


def test_a_transparent_picture_is_judged_on_white():
    pixels = np.zeros((400, 400, 4), np.uint8)
    pixels[40:360, 40:360] = (74, 107, 79, 255)
    facts = facts_of(saved(pixels))
    assert facts["background_white"].passed
    assert facts["frame_fill"].measured == pytest.approx(0.8, abs=0.02)


def test_a_box_of_known_place_and_colour_is_measured_as_such():
    pixels = np.full((1000, 1000, 3), 255, np.uint8)
    pixels[100:900, 300:600] = (74, 107, 79)
    facts = facts_of(saved(pixels))
    assert facts["frame_fill"].measured == pytest.approx(0.8, abs=0.01)
    assert facts["centring"].measured == pytest.approx(0.05, abs=0.01)
    assert facts["garment_colour"].measured == pytest.approx(0, abs=0.5)
    assert facts["noise"].measured == pytest.approx(0, abs=0.1)


def test_the_wrong_colour_is_found():
    facts = facts_of(shot(), colour="#6b4a4f")
    assert not facts["garment_colour"].passed


def test_the_same_picture_from_further_away_and_encoded_again_is_a_duplicate():
    facts = facts_of(shot(), others=[fingerprint(shot(camera_distance=2.6, quality=80))])
    assert not facts["duplicate"].passed, facts["duplicate"]


@pytest.mark.parametrize("changed", [{"view": "back"}, {"view": "side"}, {"seed": 2}, {"garment": "dress"}])
def test_another_picture_of_the_set_is_no_duplicate(changed):
    facts = facts_of(shot(), others=[fingerprint(shot(TEE.model_copy(update=changed)))])
    assert facts["duplicate"].passed, facts["duplicate"]


def test_the_same_style_in_another_colour_is_no_duplicate():
    facts = facts_of(shot(), others=[fingerprint(shot(TEE.model_copy(update={"colour": "#7b3b52"})))])
    assert facts["duplicate"].passed
