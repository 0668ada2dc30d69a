"""What candidates are told, and whether it was in time."""

from datetime import UTC, date, datetime

import pytest

from activities.candidate_notices import business_days, lateness, outcome_notice, use_notice
from tests.scenarios.vacancies import role
from workflows.models.hiring import STAND_IN, HiringDecision
from workflows.models.rubrics import HiringPolicy

TODAY = date(2026, 11, 26)
DECISION = HiringDecision(
    run="r",
    key="ada",
    question="q",
    outcome="decline",
    stance="approved",
    by="Ines Calder",
    justification="No bread.",
    asked_at=datetime(2026, 11, 26, tzinfo=UTC),
    decided_at=datetime(2026, 11, 26, tzinfo=UTC),
    digest="sha256:0",
    shown=(),
    total=12,
    standing="below",
)


def test_the_notice_says_what_is_looked_at_that_a_person_decides_and_whom_to_ask():
    text = use_notice(role(), HiringPolicy(contact="jobs@bakery.example", jurisdictions=("us-nyc", "eu")))
    for words in (
        "Baking; Serving",
        "A person reads",
        "jobs@bakery.example",
        "1461 days",
        "New York City",
        "European Union",
    ):
        assert words in text
    assert "Colorado" not in text


def test_an_outcome_names_the_person_who_decided_and_gives_no_score():
    text = outcome_notice(DECISION, "Baker", HiringPolicy())
    assert "Ines Calder decided this on 2026-11-26" in text
    assert "12" not in text.replace("2026-11-26", "")


@pytest.mark.parametrize(
    ("places", "told", "says"),
    [
        ((), None, None),
        (("eu",), None, "nothing says"),
        (("eu",), date(2026, 11, 25), None),
        (("us-nyc",), date(2026, 11, 13), "9 business days before"),
        (("us-nyc",), date(2026, 11, 12), None),
        (("eu",), date(2026, 11, 27), "still to come"),
    ],
)
def test_whether_a_candidate_was_told_in_time(places, told, says):
    found = lateness(HiringPolicy(jurisdictions=places), told, TODAY)
    assert found is None if says is None else says in found


def test_weekends_are_no_business_days():
    assert business_days(date(2026, 11, 20), date(2026, 11, 23)) == 1  # Friday to Monday
    assert business_days(TODAY, TODAY) == 0


def test_what_a_demo_decided_for_show_is_no_notice_to_anybody():
    text = outcome_notice(DECISION.model_copy(update={"by": STAND_IN}), "Baker", HiringPolicy())
    assert "nobody has read these documents" in text
    assert "go on with you" not in text
