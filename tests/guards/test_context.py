"""The context window: when a conversation is shortened, and when that is no use."""

import pytest

from tests.guards.transcripts import transcript, turn
from workflows.guards import crowding
from workflows.models import Compact, Halt, Limits

HUNDRED = Limits(window=100)
THREE = (turn(1), turn(2), turn(3))
EXCEEDED = turn(3, stop="context_exceeded")


def ruled(*turns, used, compacted_at=0):
    return crowding(transcript(*turns, limits=HUNDRED, context=used, compacted_at=compacted_at))


@pytest.mark.parametrize(("used", "ruling"), [(0, None), (74, None), (75, Compact()), (140, Compact())])
def test_a_conversation_is_shortened_at_three_quarters_of_the_window(used, ruling):
    assert ruled(*THREE, used=used) == ruling


def test_the_last_six_messages_stay():
    assert ruled(*THREE, used=80).keep == 6


def test_a_window_that_no_float_can_halve_is_compared_exactly():
    window = 10**17 + 4
    limits = Limits(window=window)
    assert crowding(transcript(*THREE, limits=limits, context=window * 3 // 4 - 1)) is None
    assert crowding(transcript(*THREE, limits=limits, context=window * 3 // 4)) == Compact()


def test_a_compaction_that_left_the_window_full_halts():
    ruling = ruled(*THREE, used=75, compacted_at=3)
    assert ruling.kind == "context"
    assert "75 of 100 tokens" in ruling.reason
    assert "turn 3" in ruling.reason


def test_a_compaction_that_bought_a_single_turn_halts():
    assert isinstance(ruled(*THREE, used=75, compacted_at=2), Halt)


def test_a_compaction_that_helped_is_followed_by_another_when_the_window_fills_again():
    assert ruled(*THREE, used=74, compacted_at=3) is None
    assert ruled(*THREE, used=75, compacted_at=1) == Compact()


def test_a_baseline_that_fills_the_window_halts_before_the_first_turn_and_says_what_it_is():
    assert ruled(used=74) is None
    ruling = ruled(used=75)
    assert isinstance(ruling, Halt)
    assert ruling.kind == "context"
    assert ruling.reason == (
        "The conversation does not fit its window from the start: instructions, tools and task are about 75 of 100 "
        "tokens, and 75 % is the most. What has to stay is too large."
    )


def test_a_prompt_that_the_endpoint_found_too_long_is_compacted_once_then_halts():
    assert ruled(turn(1), turn(2), EXCEEDED, used=10) == Compact()
    assert ruled(turn(1), turn(2), EXCEEDED, used=10, compacted_at=3) is None
    assert isinstance(ruled(turn(1), turn(2), EXCEEDED, used=10, compacted_at=2), Halt)
