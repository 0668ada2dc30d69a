"""The contract comes back every five turns."""

from hypothesis import given
from hypothesis import strategies as st

from tests.guards.transcripts import CONTRACT, Act, Talk, transcript, turn
from workflows.guards import drifting
from workflows.models import Remind


def test_the_contract_is_repeated_word_for_word():
    ruling = drifting(transcript(*(turn(n) for n in range(1, 6))))
    assert ruling.text == CONTRACT.text()
    assert ruling.text == "Goal: Shoot the dress\nConstraint: White background\nAccepted when: The gate passes"


def test_it_is_not_repeated_before_the_first_turn():
    assert drifting(transcript()) is None


def test_it_is_repeated_once_before_the_same_call():
    assert drifting(transcript(*(turn(n) for n in range(1, 6)), reminded_at=5)) is None


def test_a_reminder_that_fell_into_a_turn_which_two_models_answered_is_made_up_for():
    six = tuple(turn(n) for n in range(1, 7))
    assert isinstance(drifting(transcript(*six)), Remind)
    assert drifting(transcript(*six, reminded_at=6)) is None
    assert isinstance(drifting(transcript(*(turn(n) for n in range(1, 11)), reminded_at=6)), Remind)


@given(st.integers(0, 60))
def test_there_is_a_reminder_exactly_every_five_turns(turns):
    talk = Talk().play([(Act("look", f"page {n}"),) for n in range(turns)])
    assert talk.at(Remind) == list(range(5, turns + 1, 5))
