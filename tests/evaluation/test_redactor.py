"""The redactor takes out who somebody is, keeps what they did, and knows the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.documents.quotes import find
from activities.documents.redactor import redact

TELLING = (
    "Amara|Óskarsdóttir|Lund|Harbour|BS1|mail.example|496|1987|Nigerian|Mrs|39|married|children|her |church|She|"
    "steward|union|Northfield|2010"
)
NAME = "Amara Óskarsdóttir-Lund"
CV = """Curriculum vitae of Amara Óskarsdóttir-Lund
14 Harbour Street, Bristol BS1 4QA, amara.lund@mail.example, +44 117 496 0123
Date of birth: 12 March 1987
Nationality: Nigerian
Mrs Lund is 39 years old, married, two children, and active in her parish church.
She led a team of 4 at Fern Systems from 2015 to 2021; every release within 200 ms.
Shop steward of the trade union. Master of Science, University of Northfield, 2010.
"""


@pytest.mark.parametrize(
    "telling",
    [*TELLING.split("|")],
)
def test_what_tells_who_somebody_is_goes(telling):
    assert telling in CV
    assert telling not in redact(CV, NAME).text


@pytest.mark.parametrize(
    "deed", ["led a team of 4 at Fern Systems", "from 2015 to 2021", "within 200 ms", "Master of Science"]
)
def test_what_somebody_did_stays(deed):
    assert deed in redact(CV, NAME).text


def test_replacements_are_counted_by_kind():
    counted = redact(CV, NAME).replaced
    assert counted["name"] >= 2
    assert {"address", "age", "contact", "family", "gender", "nationality", "religion", "school", "year"} <= set(
        counted
    )


def test_a_quote_from_the_copy_leads_back_to_the_original():
    copy = redact(CV, NAME)
    found = find("led a team of 4 at Fern Systems", copy.text)
    start, end = copy.source(found.start, found.end)
    assert CV[start:end] == "led a team of 4 at Fern Systems"


def test_what_was_replaced_leads_back_as_a_whole():
    copy = redact(CV, NAME)
    place = copy.text.index("[gender] led")
    start, end = copy.source(place, place + len("[gender] led"))
    assert CV[start:end] == "She led"


@given(st.text(max_size=300), st.text(max_size=30))
def test_any_text_can_be_redacted_and_every_place_leads_back(text, name):
    copy = redact(text, name)
    assert "".join(text[span.source : span.source_end] for span in copy.spans) == text
    for span in copy.spans:
        assert copy.source(span.start, span.end) == (span.source, span.source_end)
