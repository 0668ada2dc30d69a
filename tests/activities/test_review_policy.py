"""The chain of people as its owner writes it, in a brief or an order: read, or refused with path, line and reason."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from activities.briefs import BriefProblems, load_brief
from activities.shoots import shoot_of
from activities.studio.profiles import Profiles
from console.errors import Stopped
from console.orders import read_agent_order
from workflows.models import ReviewPolicy, WrittenReview

BRIEF = (Path(__file__).parents[2] / "briefs" / "spring-capsule.yaml").read_text()
CHAIN = """
review:
  owner: reviewers
  reminders: [30m, 1h30m]
  deadline: 4h
  then:
    - {owner: art-direction, least: lead, reminders: [1h], deadline: 1d}
    - owner: noor
      deadline: PT2H
      reminders: []
  fallback: hold
"""
WRONG = [
    ("  deadline: soon", "review.deadline", "'soon' is no length of time; write it like 90s, 30m, 4h or 2d"),
    ("  deadline: 400d", "review.deadline", "has to lie between 0 and 365d"),
    ("  reminders: [5h]\n  deadline: 4h", "review", "each has to come before the deadline of its step"),
    ("  least: boss", "review.least", "'viewer', 'reviewer', 'lead' or 'operator'"),
    ("  fallback: approve", "review.fallback", "'reject' or 'hold'"),
    ("  remind: 4h", "review.remind", "is not known here; did you mean reminders?"),
    ("  then:\n    - {owner: noor, dead_line: 4h}", "review.then[0].dead_line", "did you mean deadline?"),
    ("  owner: ''", "review.owner", "at least 1 character"),
]


def brief(text):
    return load_brief(text.encode(), Profiles.load())


def test_a_brief_says_who_is_asked_and_when_in_words_of_people():
    read = brief(BRIEF + CHAIN)
    policy = shoot_of(read, Profiles.load(), read.deadline).review
    first, second = policy.then
    assert (policy.owner, policy.fallback, policy.deadline) == ("reviewers", "hold", timedelta(hours=4))
    assert policy.reminders == (timedelta(minutes=30), timedelta(minutes=90))
    assert (first.owner, first.least, first.deadline) == ("art-direction", "lead", timedelta(days=1))
    assert (second.owner, second.reminders, second.deadline) == ("noor", (), timedelta(hours=2))


def test_a_brief_that_says_nothing_has_the_standard_policy():
    assert brief(BRIEF).review.policy() == ReviewPolicy()


@pytest.mark.parametrize(("lines", "path", "why"), WRONG)
def test_a_policy_that_cannot_be_is_refused_with_its_place_and_what_would_be_right(lines, path, why):
    with pytest.raises(BriefProblems) as refused:
        brief(f"{BRIEF}\nreview:\n{lines}\n")
    (problem,) = refused.value.problems
    assert (problem.path, why in problem.message, problem.line > BRIEF.count("\n")) == (path, True, True)


@pytest.mark.parametrize(("lines", "path", "why"), WRONG)
def test_an_order_is_read_as_strictly_as_a_brief(tmp_path, lines, path, why):
    order = tmp_path / "agent.yaml"
    order.write_text(f"goal: Find the way.\nreview:\n{lines}\n")
    with pytest.raises(Stopped) as refused:
        read_agent_order(order)
    (problem,) = refused.value.problems
    assert (problem["path"], problem["line"] > 1) == (path, True)
    assert why in problem["message"]


def test_an_order_for_an_agent_holds_its_chain(tmp_path):
    order = tmp_path / "agent.yaml"
    order.write_text(f"goal: Find the way.\n{CHAIN}")
    read = read_agent_order(order)
    assert type(read.review) is ReviewPolicy
    assert [step.owner for step in read.review.then] == ["art-direction", "noor"]


@pytest.mark.parametrize("text", ["4", "h", "4 hours", "-4h", "1h then 2h", "4h!", ""])
def test_a_time_is_written_with_its_unit(text):
    with pytest.raises(ValidationError):
        WrittenReview.model_validate({"deadline": text})


def test_a_chain_is_bounded():
    with pytest.raises(ValidationError, match="at most 8"):
        WrittenReview.model_validate({"then": [{"owner": f"person {number}"} for number in range(9)]})
