"""A brief is read whole, or every problem in it is named with its path and line."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.briefs import MOST_BYTES, BriefProblems, load_brief
from activities.shoots import count
from activities.studio.profiles import Profiles

SAMPLE = Path("briefs/spring-capsule.yaml")
TODAY = date(2026, 11, 22)
PROFILES = Profiles.load()

GOOD = """\
title: Small
guidelines: {brand: Fern}
products:
  - id: dress
    title: Dress
    garment: dress
    fabric: linen
    colours:
      - {name: navy, hex: "#112233"}
venues:
  - profile: amazon.main
    views: [front]
"""


def problems(text, today=TODAY):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(BriefProblems) as caught:
        load_brief(data, PROFILES, today=today)
    return [tuple(each) for each in caught.value.problems]


def test_the_sample_brief_makes_nine_images():
    brief = load_brief(SAMPLE.read_bytes(), PROFILES, today=TODAY)
    assert count(brief) == 9


def test_yaml_and_json_make_the_same_brief():
    brief = load_brief(GOOD.encode(), PROFILES)
    assert load_brief(brief.model_dump_json().encode(), PROFILES) == brief


def test_every_problem_is_listed_with_its_path_and_line():
    text = GOOD.replace("garment: dress", "garment: gown").replace("amazon.main", "amazon.man") + "colour: red\n"
    found = problems(text)
    assert [(path, line) for path, line, _ in found] == [
        ("products[0].garment", 6),
        ("venues[0].profile", 11),
        ("colour", 13),
    ]
    assert "nearest first: amazon.main" in found[1][2]


def test_a_misspelt_field_is_named_with_the_one_that_was_meant():
    [(path, line, message)] = problems(GOOD.replace("    title: Dress", "    title: Dress\n    colors: []"))
    assert (path, line) == ("products[0].colors", 6)
    assert message.endswith("did you mean colours?")


def test_a_colour_that_yaml_took_for_a_comment_is_explained():
    [(path, line, message)] = problems(GOOD.replace('{name: navy, hex: "#112233"}', "name: navy\n        hex: #112233"))
    assert (path, line) == ("products[0].colours[0].hex", 10)
    assert "quoted" in message


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("views: [front]", "views: [front, front]", "venues[0].views[1]", "is given twice"),
        ("views: [front]", "views: [top]", "venues[0].views[0]", "Input should be 'front'"),
        (
            'hex: "#112233"}',
            'hex: "#112233"}\n      - {name: Navy!, hex: "#000000"}',
            "products[0].colours[1].name",
            "twice",
        ),
        ("title: Small", "title: Small\ndeadline: 2026-01-01", "deadline", "has passed"),
        ("title: Small", "title: Small\ntitle: Large", "title", "is given twice, first on line 1"),
        ("title: Small", "title: !!python/name:os.system x", "title", "is not read"),
        ("{brand: Fern}", "3", "guidelines", "valid dictionary"),
    ],
)
def test_each_kind_of_mistake_is_named(old, new, path, words):
    assert any(found == path and words in message for found, _, message in problems(GOOD.replace(old, new)))


def test_two_products_of_one_id_are_refused():
    twice = GOOD.replace("venues:", GOOD[GOOD.index("  - id") : GOOD.index("venues:")] + "venues:")
    [(path, line, message)] = problems(twice)
    assert (path, line) == ("products[1].id", 10)
    assert "first at products[0].id" in message


def test_a_product_and_colour_that_read_like_another_one_are_refused():
    second = GOOD[GOOD.index("  - id") : GOOD.index("venues:")].replace("id: dress", "id: dress-navy")
    both = GOOD.replace("name: navy", "name: navy red").replace("venues:", second.replace("navy,", "red,") + "venues:")
    [(path, _, message)] = problems(both)
    assert path == "products[1].colours[0].name"
    assert "'dress-navy-red' is given twice" in message


def test_a_deadline_that_has_passed_is_no_problem_when_a_run_is_resumed():
    load_brief(GOOD.replace("title: Small", "title: Small\ndeadline: 2020-01-01").encode(), PROFILES)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"title: \xff", "not UTF-8"),
        (b"title: a\x00b", "NUL"),
        (b"a: [", "not YAML"),
        (b"- 1\n- 2\n", "valid dictionary"),
        (b"a: &a [*a]", "nested too deeply"),
        (b"x" * (MOST_BYTES + 1), "at most 1,000,000"),
    ],
)
def test_a_file_that_is_no_brief_at_all_is_refused_in_one_line(data, words):
    assert any(words in message for _, _, message in problems(data))


def test_anchors_cannot_grow_without_bound():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    [(_, _, message)] = problems("\n".join(lines))
    assert "grows too large" in message


def test_a_name_that_json_gives_twice_is_a_problem_with_its_line():
    text = json.dumps(json.loads(load_brief(GOOD.encode(), PROFILES).model_dump_json()), indent=1)
    found = problems(text.replace('"model": "",', '"model": "",\n "model": "Ama",'))
    assert [path for path, _, _ in found] == ["model"]
    assert found[0][1] > 1


def test_more_images_than_a_run_can_hold_are_refused():
    brief = json.loads(load_brief(GOOD.encode(), PROFILES).model_dump_json())
    [product] = brief["products"]
    colours = [{"name": f"c{n}", "hex": "#112233"} for n in range(24)]
    brief["products"] = [{**product, "id": f"p{n}", "colours": colours} for n in range(35)]
    views = ["front", "back", "detail", "side"]
    brief["venues"] = [{"profile": profile, "views": views} for profile in PROFILES.ids()]
    assert any("20,160 images" in message for _, _, message in problems(json.dumps(brief)))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_brief_or_a_list_of_problems(data):
    with pytest.raises(BriefProblems):
        load_brief(data, PROFILES, today=TODAY)
