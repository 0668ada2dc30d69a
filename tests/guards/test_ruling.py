"""All guards together: the strongest ruling, and what holds for any transcript whatsoever."""

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.guards.transcripts import CONTRACT, Act, transcript, turn
from workflows.guards import GUARDS, STRENGTH, allowance, calls_left, rule
from workflows.models import (
    Ask,
    Call,
    Compact,
    Halt,
    Judge,
    LastTurn,
    Limits,
    Nudge,
    Outcome,
    Purse,
    Remind,
    Spend,
    Stop,
    Transcript,
    Turn,
    Usage,
)

RULINGS = (
    Halt(kind="loop", reason="r"),
    Ask(reason="r"),
    LastTurn(text="t"),
    Compact(),
    Judge(),
    Nudge(text="t"),
    Remind(text="t"),
)


@pytest.mark.parametrize("place", range(len(RULINGS)))
def test_the_strongest_ruling_wins_whatever_the_order_of_the_guards(place):
    guards = [lambda _, ruling=ruling: ruling for ruling in RULINGS[place:]]
    assert rule(guards, transcript()) == RULINGS[place]
    assert rule(reversed(guards), transcript()) == RULINGS[place]


def test_of_two_equal_rulings_the_earlier_guard_wins():
    first, second = Nudge(text="first"), Nudge(text="second")
    assert rule([lambda _: first, lambda _: second], transcript()) == first


def test_guards_with_nothing_to_say_are_no_ruling():
    assert rule([], transcript()) is None
    assert rule(GUARDS, transcript()) is None


def test_a_nudge_and_a_reminder_are_both_given_before_the_same_call():
    now = transcript(*(turn(n, Act("look", "page", f"result {n}")) for n in range(1, 6)))
    assert isinstance(rule(GUARDS, now), Nudge)
    now = now.model_copy(update={"nudged_at": 5})
    assert isinstance(rule(GUARDS, now), Remind)
    now = now.model_copy(update={"reminded_at": 5})
    assert rule(GUARDS, now) is None


def test_an_empty_purse_beats_a_full_window():
    now = transcript(turn(1, stop="over_budget"), limits=Limits(window=10), context=10)
    assert rule(GUARDS, now).kind == "money"


def test_a_full_window_is_shortened_before_the_work_is_judged():
    limits = Limits(turns=9, window=100, judge_every=2)
    now = transcript(turn(1), turn(2), limits=limits, context=80)
    assert rule(GUARDS, now) == Compact()
    assert rule(GUARDS, now.model_copy(update={"context": 40, "compacted_at": 2})) == Judge()


def test_a_last_turn_is_not_taken_back_before_it_was_taken():
    now = transcript(*(turn(n, Act("look", f"page {n}")) for n in range(1, 6)), limits=Limits(turns=5))
    assert isinstance(rule(GUARDS, now), LastTurn)
    now = now.model_copy(update={"last_turn_given": True})
    assert isinstance(rule(GUARDS, now), Remind)
    assert rule(GUARDS, now.model_copy(update={"reminded_at": 5})) is None


small, names = st.integers(-3, 30), st.text(max_size=3)
calls = st.builds(Call, id=names, tool=names, digest=names, shape=names, preview=st.text(max_size=400))
outcomes = st.builds(Outcome, call_id=names, tool=names, ok=st.booleans(), digest=names, preview=names)
turns = st.builds(
    Turn,
    number=small,
    stop=st.sampled_from(get_args(Stop)),
    notes=st.sampled_from([(), ("last_turn",)]),
    text=names,
    calls=st.lists(calls, max_size=4).map(tuple),
    outcomes=st.lists(outcomes, max_size=4).map(tuple),
    micro_usd=small,
    context=small,
)
anything = st.builds(
    Transcript,
    contract=st.just(CONTRACT),
    limits=st.builds(
        Limits,
        micro_usd=st.integers(0, 60),
        tokens=st.integers(0, 60) | st.just(400_000),  # with so few tokens every other ruling gives way to a halt
        window=st.integers(1, 60) | st.just(200_000),
        judge_every=st.integers(0, 6),
    ),
    turns=st.lists(turns, max_size=8).map(tuple),
    spend=st.builds(Spend, micro_usd=small, usage=st.builds(Usage, input=small), turns=small, tool_calls=small),
    context=small,
    elapsed=st.timedeltas(timedelta(-1), timedelta(hours=2)),
    purse=st.builds(Purse, total=small, left=st.none() | small, account=names, needs=small),
    nudged_at=small,
    reminded_at=small,
    compacted_at=small,
    judged_at=small,
    drifts=st.integers(0, 3),
    alert=st.just("") | names,
    last_turn_given=st.booleans(),
)


@settings(max_examples=60)
@given(anything)
def test_no_transcript_makes_a_guard_raise_and_the_same_one_gets_the_same_ruling(now):
    first = [guard(now) for guard in GUARDS]
    again = Transcript.model_validate_json(now.model_dump_json())
    assert [guard(again) for guard in GUARDS] == first
    assert rule(GUARDS, again) == rule(GUARDS, now)
    assert allowance(now).tokens >= 0
    assert calls_left(now) >= 0


@settings(max_examples=60)
@given(anything)
def test_heeding_comes_to_an_end_before_every_call(now):
    """The loop asks again after each ruling that it heeds; that must not go on for ever."""
    now = now.model_copy(update={"spend": now.spend.model_copy(update={"turns": max(0, now.spend.turns)})})
    marks = {
        Compact: "compacted_at",
        Judge: "judged_at",
        Nudge: "nudged_at",
        Remind: "reminded_at",
        LastTurn: "last_turn_given",
    }
    for _ in range(len(marks) + 1):
        ruling = rule(GUARDS, now)
        if type(ruling) not in marks:
            assert ruling is None or isinstance(ruling, Halt | Ask)
            return
        mark = True if isinstance(ruling, LastTurn) else now.spend.turns
        now = now.model_copy(update={marks[type(ruling)]: mark})
    pytest.fail(f"still ruling: {ruling}")


def test_every_kind_of_ruling_has_its_strength():
    assert {type(ruling) for ruling in RULINGS} == set(STRENGTH)
