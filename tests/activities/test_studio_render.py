"""What leaves the studio."""

import pickle
from io import BytesIO

import pytest
from PIL import Image

from activities.studio.encode import SOURCE_TYPE
from activities.studio.picture import open_picture
from activities.studio.render import cut_out, render
from activities.studio.settings import Settings, Subject

GARMENTS = ("dress", "tee", "shirt", "skirt", "trousers", "coat")
VIEWS = ("front", "back", "side", "detail")


def small(**changes):
    return Settings(**{"width": 300, "height": 400} | changes)


def subject(**changes):
    return Subject(**{"garment": "shirt", "fabric": "linen", "colour": "#6f8fb0", "seed": 3} | changes)


def test_the_same_seed_and_settings_give_the_same_bytes():
    assert render(subject(), small()).bytes == render(subject(), small()).bytes


@pytest.mark.parametrize("changed", [{"seed": 4}, {"fabric": "denim"}, {"colour": "#6f8fb1"}, {"view": "back"}])
def test_another_subject_gives_another_picture(changed):
    assert render(subject(), small()).bytes != render(subject(**changed), small()).bytes


@pytest.mark.parametrize("garment", GARMENTS)
def test_every_view_of_every_garment_is_a_picture_of_its_own(garment):
    taken = {view: render(subject(garment=garment, view=view), small()).bytes for view in VIEWS}
    assert len(set(taken.values())) == len(VIEWS)


@pytest.mark.parametrize("fabric", ["cotton", "linen", "silk", "wool", "denim", "knit"])
def test_every_fabric_has_a_texture_of_its_own(fabric):
    pixels = open_picture(render(subject(fabric=fabric, view="detail"), small(width=500, height=500)).bytes).pixels
    assert pixels[300:400, 100:200].std() > 0.5


@pytest.mark.parametrize("form", ["jpeg", "png"])
def test_the_file_says_what_it_is_and_how_it_was_made(form):
    taken = render(subject(), small(format=form))
    picture = open_picture(taken.bytes)
    assert (
        (picture.width, picture.height, picture.format) == (taken.width, taken.height, taken.format) == (300, 400, form)
    )
    assert picture.source_type == SOURCE_TYPE
    assert Image.open(BytesIO(taken.bytes)).info["icc_profile"]


@pytest.mark.parametrize(("width", "height"), [(200, 200), (201, 1001), (1999, 211), (1003, 1501)])
def test_any_size_in_bounds_is_rendered_at_exactly_that_size(width, height):
    taken = open_picture(render(subject(), small(width=width, height=height)).bytes)
    assert (taken.width, taken.height) == (width, height)


@pytest.mark.parametrize(
    "extreme",
    [
        {"camera_distance": 1.0, "offset_x": 0.3, "offset_y": -0.3},
        {"camera_distance": 6.0},
        {"key_light": 3.0, "fill_light": 2.0, "background_light": 3.0, "exposure": 2.0},
        {"key_light": 0.2, "fill_light": 0.0, "background_light": 0.0, "exposure": -2.0},
        {"iso": 6400, "focus": 0.0, "shadow": 1.0, "kelvin": 2500, "backdrop": "#203040"},
    ],
)
def test_extreme_settings_still_give_a_picture(extreme):
    for view in VIEWS:
        assert open_picture(render(subject(view=view), small(**extreme)).bytes).width == 300


def test_warm_light_makes_the_sweep_yellow_and_cold_light_makes_it_blue():
    warm = open_picture(render(subject(), small(kelvin=3200)).bytes).pixels[5, 5].astype(int)
    cold = open_picture(render(subject(), small(kelvin=8500)).bytes).pixels[5, 5].astype(int)
    assert warm[0] - warm[2] > 20
    assert cold[2] - cold[0] > 10


def test_a_style_has_one_cut_in_every_colour_and_its_folds_may_differ():
    def cut(**changes):
        return pickle.dumps(cut_out(subject(**changes)))

    assert cut(style=5, seed=1, colour="#203050") == cut(style=5, seed=2, colour="#a04020")
    assert cut(style=5, seed=1) != cut(style=6, seed=1)
