"""The drift judge: when it looks, and when a person is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guards.transcripts import Act, Talk, transcript, turn
from workflows.guards import GUARDS, judging, rule
from workflows.models import Ask, Halt, Judge, LastTurn, Limits, Purse

EVERY_3 = Limits(turns=1_000, tool_calls=1_000, judge_every=3)


def after(turns, **more):
    return transcript(*(turn(n) for n in range(1, turns + 1)), **{"limits": EVERY_3, **more})


def played(turns, *findings, limits=EVERY_3):
    pages = [(Act("look", f"page {n}", f"text {n}"),) for n in range(turns)]
    return Talk(now=transcript(limits=limits), findings=iter(findings)).play(pages)


@pytest.mark.parametrize(("turns", "ruling"), [(0, None), (1, None), (2, None), (3, Judge()), (4, None), (6, Judge())])
def test_the_judge_looks_every_so_many_turns(turns, ruling):
    assert judging(after(turns, judged_at=max(turns - 1, 0) // 3 * 3)) == ruling


@pytest.mark.parametrize(
    ("turns", "judged", "ruling"), [(4, 0, Judge()), (7, 3, Judge()), (5, 4, None), (6, 4, Judge())]
)
def test_a_look_that_fell_into_a_turn_which_two_models_answered_is_made_up_for(turns, judged, ruling):
    assert judging(after(turns, judged_at=judged)) == ruling


def test_nothing_is_judged_unless_it_is_asked_for():
    assert [judging(after(turns, limits=Limits())) for turns in range(30)] == [None] * 30


def test_the_judge_looks_once_before_the_same_call():
    assert judging(after(3, judged_at=3)) is None
    assert judging(after(6, judged_at=3)) == Judge()


def test_a_last_turn_is_not_judged():
    assert judging(after(3, last_turn_given=True)) is None


@pytest.mark.parametrize(("drifts", "looks"), [(2, "Two looks"), (3, "3 looks")])
def test_drift_in_two_looks_in_a_row_asks_a_person(drifts, looks):
    ruling = judging(after(7, drifts=drifts, judged_at=6))
    said = f"{looks} in a row found the work away from its contract, the last one after turn 6."
    assert ruling == Ask(reason=said)


def test_drift_in_one_look_asks_nobody_yet():
    assert judging(after(4, drifts=1, judged_at=3)) is None
    assert judging(after(6, drifts=1, judged_at=3)) == Judge()


@given(turns=st.integers(0, 40), every=st.integers(0, 12))
def test_an_honest_conversation_is_judged_exactly_every_so_many_turns_and_never_stopped(turns, every):
    talk = played(turns, limits=EVERY_3.model_copy(update={"judge_every": every}))
    assert talk.at(Judge) == (list(range(every, turns + 1, every)) if every else [])
    assert talk.at(Ask) == []
    assert talk.at(Halt) == []


def test_an_agent_that_comes_back_to_its_contract_is_left_alone():
    talk = played(30, True, False, True, False, True)
    assert len(talk.at(Judge)) == 10
    assert not talk.ended


@given(st.lists(st.booleans(), max_size=12))
def test_a_person_is_asked_after_the_second_look_in_a_row_that_found_drift(findings):
    talk = played(36, *findings)
    pairs = [place for place in range(1, len(findings)) if findings[place - 1] and findings[place]]
    assert talk.at(Ask) == [3 * (place + 1) for place in pairs[:1]]


def test_when_money_is_short_the_last_turn_comes_first_and_the_judge_spends_nothing():
    now = after(3, purse=Purse(left=5, account="run:abc", needs=3))
    assert isinstance(rule(GUARDS, now), LastTurn)
    assert rule(GUARDS, now.model_copy(update={"last_turn_given": True})) is None
