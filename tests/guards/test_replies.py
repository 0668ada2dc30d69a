"""Stop reasons after which a conversation ends."""

from typing import get_args

import pytest

from tests.guards.transcripts import Act, transcript, turn
from workflows.guards import failing
from workflows.models import Halt, Stop

LOOK = Act("look", "page 1")


@pytest.mark.parametrize("stop", ["refusal", "broken", "rejected"])
def test_a_reply_that_no_retry_would_better_halts(stop):
    ruling = failing(transcript(turn(1, LOOK), turn(2, stop=stop)))
    assert isinstance(ruling, Halt)
    assert ruling.kind == stop
    assert "turn 2" in ruling.reason


@pytest.mark.parametrize("stop", sorted(set(get_args(Stop)) - {"refusal", "broken", "rejected"}))
def test_any_other_stop_goes_on(stop):
    assert failing(transcript(turn(1, LOOK), turn(2, stop=stop))) is None


def test_an_older_refusal_is_history():
    assert failing(transcript(turn(1, stop="refusal"), turn(2, LOOK))) is None


def test_two_cut_off_replies_in_a_row_halt_and_the_reason_says_what_was_tried():
    ruling = failing(transcript(turn(1, stop="max_tokens"), turn(2, stop="max_tokens")))
    assert ruling.kind == "truncated"
    assert "It was raised once, after the first one" in ruling.reason
    assert failing(transcript(turn(1, LOOK), turn(2, stop="max_tokens"), turn(3, stop="max_tokens"))) is not None


def test_one_cut_off_reply_goes_on_with_a_higher_cap():
    assert failing(transcript(turn(1, stop="max_tokens"))) is None


@pytest.mark.parametrize("stop", ["refusal", "broken", "rejected"])
def test_what_the_reply_said_stands_in_the_reason(stop):
    assert failing(transcript(turn(1, stop=stop, text="Model not found."))).reason.endswith("(turn 1) Model not found.")


def test_two_cut_off_replies_apart_go_on():
    cut = {"stop": "max_tokens"}
    assert failing(transcript(turn(1, **cut), turn(2, LOOK), turn(3, **cut))) is None


def test_a_conversation_that_has_not_begun_goes_on():
    assert failing(transcript()) is None
