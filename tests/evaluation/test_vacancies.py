"""Vacancies that people write: every mistake is named with its path and line, and what no rubric may ask for."""

import pytest

from activities.brief_text import BriefProblems
from activities.vacancies import load_vacancy

GOOD = """
title: Baker
role:
  id: baker
  version: "1"
  title: Baker
  summary: Bakes.
  requirements:
    - id: baking
      title: Baking
      asks: Has baked bread.
      anchors: [none, little, some, much, teaches]
candidates:
  - {key: ada, name: Ada Blum, documents: [ada.txt]}
"""


def problems(text):
    with pytest.raises(BriefProblems) as caught:
        load_vacancy(text.encode())
    return [(each.path, each.line, each.message) for each in caught.value.problems]


def test_a_sound_vacancy_is_read():
    vacancy = load_vacancy(GOOD.encode())
    assert vacancy.role.requirement("baking").meets_at == 2
    assert vacancy.policy.first_view


def test_the_rubric_has_a_digest_that_any_change_changes():
    first = load_vacancy(GOOD.encode()).role.digest
    assert load_vacancy(GOOD.encode()).role.digest == first
    assert load_vacancy(GOOD.replace("some,", "a bit,").encode()).role.digest != first


@pytest.mark.parametrize(
    ("was", "is_now", "path", "says"),
    [
        ("asks: Has baked bread.", "asks: Is a native speaker.", "role.requirements[0].asks", "native speaker"),
        ("title: Baking", "title: Youthful baking", "role.requirements[0].title", "must not ask for"),
        ("[none, little, some, much, teaches]", "[none, much]", "role.requirements[0].anchors", "levels 0 to 4"),
        ("title: Baking", "titel: Baking", "role.requirements[0].titel", "did you mean title"),
        ("[ada.txt]", "[../ada.txt]", "candidates[0].documents[0]", "outside the folder"),
        ("[ada.txt]", "[/etc/passwd]", "candidates[0].documents[0]", "outside the folder"),
        ("[ada.txt]", "[]", "candidates[0].documents", "at least 1"),
        ("title: Baker\nrole", "titles: Baker\nrole", "titles", "did you mean title"),
        ("key: ada", "key: Ada Blum", "candidates[0].key", "match"),
    ],
)
def test_a_mistake_is_named_with_its_path_and_line(was, is_now, path, says):
    assert was in GOOD
    found = problems(GOOD.replace(was, is_now))
    line = next(
        at for at, text in enumerate(GOOD.replace(was, is_now).splitlines(), 1) if is_now.split("\n")[0] in text
    )
    assert any(each[0] == path and says in each[2] and each[1] in {line, line - 1} for each in found), found


def test_two_of_one_name_are_named_both():
    twice = GOOD + "  - {key: ada, name: Ada Moon, documents: [b.txt]}\n"
    assert problems(twice) == [("candidates[1].key", 15, "'ada' is given twice, first at candidates[0].key")]


@pytest.mark.parametrize("text", ["", "title: [", "- a\n- b\n", "title: Baker\ntitle: Cook\n", "\x00"])
def test_what_is_no_vacancy_at_all_is_refused_in_words(text):
    assert problems(text)


def test_what_a_rubric_may_ask_for_is_not_confused_with_what_it_may_not():
    fine = GOOD.replace(
        "Has baked bread.", "Manages age-appropriate menus, cares for children and avoids race conditions."
    )
    assert load_vacancy(fine.encode())
