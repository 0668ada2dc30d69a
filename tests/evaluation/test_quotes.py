"""A quote stands in a document word for word, or it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.documents.quotes import find, nearest, passage, sentences

TEXT = (
    "Ada Blum\n\nBaked sourdough and experi-\nmented with   rye. No inexperience with ovens here.\n"
    "Well-known co-founder of the Nineveh\u00adBakery; ran the of\ufb01ce.\n\n- Kept 3.11 tonnes of flour.\n"
)


@pytest.mark.parametrize(
    "quote",
    [
        "Baked sourdough and experimented with rye",
        "Baked  sourdough\nand experi-\nmented",
        "experi- mented with rye",
        "Well-known co-founder",
        "NinevehBakery; ran the office",
        "Kept 3.11 tonnes of flour.",
    ],
)
def test_what_printing_does_to_words_is_folded_on_both_sides(quote):
    found = find(quote, TEXT)
    assert found is not None
    assert find(found.quote, TEXT) == found  # what is given back can be cited again


@pytest.mark.parametrize(
    "quote",
    [
        "baked sourdough and experimented",  # another case
        "Baked sourdough, experimented",  # other words
        "experience with ovens",  # half of a word that says the opposite
        "Kept 3.1 tonnes of flour",
        "rye",  # too little to be evidence
        "",
        "x" * 501,
    ],
)
def test_other_words_are_no_quote(quote):
    assert find(quote, TEXT) is None


def test_the_offsets_are_those_of_the_text_that_was_read():
    found = find("experimented with rye", TEXT)
    assert TEXT[found.start : found.end] == "experi-\nmented with   rye"
    assert found.quote == "experimented with rye"


def test_the_nearest_real_passage_is_given_for_words_that_are_none():
    assert nearest("Baked sourdough and ran the whole bakery with rye", TEXT).quote.endswith("with rye.")
    assert nearest("Juggled three chainsaws over Lake Geneva", TEXT) is None


@given(st.text(max_size=200), st.text(max_size=80))
def test_whatever_is_found_can_be_found_again_and_stands_where_it_says(text, quote):
    found = find(quote, text)
    if found is not None:
        again = find(found.quote, text)
        assert 0 <= found.start < found.end <= len(text)
        assert again is not None
        assert again.start <= found.start


@given(st.lists(st.sampled_from(["Baked bread daily", "sold it", "at night\n", "\n\n", "- ", ". "]), max_size=20))
def test_sentences_stand_where_they_say(parts):
    text = " ".join(parts)
    for each in sentences(text):
        assert passage(text, each.start, each.end) == each
