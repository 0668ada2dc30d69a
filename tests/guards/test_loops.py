"""Loops: what is one, what is none, and what follows."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guards.transcripts import Act, Talk, one_by_one, transcript, turn
from workflows.guards import circling
from workflows.models import Halt, Nudge

A, B, C, D = (Act(f"tool_{name}", f"args_{name}") for name in "abcd")


def fresh(act: Act, place: int) -> Act:
    """Give the act a result of its own."""
    return act._replace(result=f"result {place}")


def spelled(pattern: str, *, changing: bool = True) -> list[tuple[Act, ...]]:
    """Write `ABA` as one call per turn, with results that change or stay."""
    acts = [dict(zip("ABCD", (A, B, C, D), strict=True))[letter] for letter in pattern]
    return one_by_one(*(fresh(act, place) if changing else act for place, act in enumerate(acts)))


def played(acts: list[tuple[Act, ...]]) -> Talk:
    return Talk(guards=(circling,)).play(acts)


@pytest.mark.parametrize(
    ("pattern", "nudged", "halted"),
    [
        ("AAAAAA", 5, 6),
        ("ABABAB", 5, 6),
        ("ABCABCAB", 7, 8),
        ("ABCDABCDAB", 9, 10),
        ("AABAABAA", 7, 8),
        ("CDAAAAAA", 7, 8),
    ],
)
def test_a_round_is_nudged_when_it_is_sure_and_halted_when_it_goes_on(pattern, nudged, halted):
    talk = played(spelled(pattern))
    assert talk.at(Nudge) == [nudged]
    assert talk.at(Halt) == [halted]


@pytest.mark.parametrize("pattern", ["AAAA", "ABAB", "ABCABC", "ABCDABCD", "ABCAB", "AAABAAAB", "AABBAABB"])
def test_two_rounds_are_not_yet_a_loop(pattern):
    assert played(spelled(pattern)).rulings == []


def test_the_same_call_with_the_same_result_is_a_loop_the_third_time():
    talk = played(spelled("AAAA", changing=False))
    assert talk.at(Nudge) == [3]
    assert talk.at(Halt) == [4]


def test_the_jitter_of_arguments_does_not_hide_that_nothing_new_comes():
    jittered = [Act("search", f"args {place}", "nothing found", shape="same") for place in range(4)]
    assert played(one_by_one(*jittered)).at(Halt) == [4]


def test_a_failing_call_in_disguise_is_a_loop_too():
    wrong = [Act("find_model", f"Ama{' ' * place}", "unknown model", ok=False, shape="ama") for place in range(3)]
    assert played(one_by_one(*wrong)).at(Nudge) == [3]


def test_three_different_calls_that_all_return_true_are_no_loop():
    assert (
        played(one_by_one(Act("fill", "name"), Act("fill", "size"), Act("press", "ok"), Act("fill", "colour"))).rulings
        == []
    )


def test_the_same_answer_three_times_is_no_loop_while_new_things_happen_in_between():
    acts = [act for place in range(8) for act in (Act("edit", f"line {place}"), Act("check", "all"))]
    assert played(one_by_one(*acts)).rulings == []


def test_failing_in_new_ways_in_between_is_nothing_new():
    wrong = [Act("render_shot", f"guess {place}", f"error {place}", ok=False) for place in range(2)]
    assert played(one_by_one(A, wrong[0], A, wrong[1], A)).at(Nudge) == [5]


def test_the_nudge_names_the_tool_and_its_arguments():
    ruling = circling(transcript(*(turn(n, fresh(A, n)) for n in range(1, 6))))
    assert isinstance(ruling, Nudge)
    assert "tool_a with args_a" in ruling.text
    assert "Do something else" in ruling.text


def test_the_halt_names_all_calls_of_the_round():
    (_, ruling) = played(spelled("ABABAB")).rulings[-1]
    assert ruling.kind == "loop"
    assert "tool_a with args_a" in ruling.reason
    assert "tool_b with args_b" in ruling.reason


def test_a_tool_name_as_long_as_a_book_is_cut():
    endless = Act("x" * 100_000, "y" * 100_000)
    ruling = circling(transcript(*(turn(n, endless) for n in range(1, 6))))
    assert len(ruling.text) < 1_000


def test_an_agent_that_changes_its_ways_after_the_nudge_goes_on():
    assert played(spelled("AAAAABCDABDCA")).at(Halt) == []


def test_an_agent_that_falls_back_into_the_same_loop_is_halted():
    assert played(spelled("AAAAABCDAAAAA")).at(Halt) == [13]


def test_half_of_a_nudged_alternation_is_still_that_loop():
    assert played(spelled("ABABAAAAAA")).at(Halt) == [9]


def test_a_new_loop_gets_a_nudge_of_its_own():
    talk = played(spelled("AAAAABBBBBB"))
    assert talk.at(Nudge) == [5, 10]
    assert talk.at(Halt) == [11]


def test_a_new_loop_right_after_a_nudge_waits_for_its_own_nudge():
    talk = played([*spelled("AAAAA"), *spelled("BBBBBB", changing=False)])
    assert talk.at(Nudge) == [5, 10]


def test_nothing_is_ruled_twice_when_the_agent_stops_calling():
    talk = played([*spelled("AAAAA"), (), ()])
    assert talk.at(Nudge) == [5]
    assert circling(transcript(*(turn(n, A) for n in range(1, 6)), turn(6))) is None


def test_identical_calls_of_one_reply_count_once():
    assert circling(transcript(turn(1, A, A, A, A, A))) is None
    assert circling(transcript(turn(1, A, A), turn(2, A, A))) is None
    assert isinstance(circling(transcript(turn(1, A, A), turn(2, A, A), turn(3, A, A))), Nudge)


def test_different_calls_of_one_reply_count_in_their_order():
    pair = [(fresh(A, place), fresh(B, place)) for place in range(3)]
    assert played(pair).at(Nudge) == [3]


def test_calls_that_were_cut_off_and_never_run_do_not_count():
    cut = [turn(n, A, stop="max_tokens") for n in range(1, 6)]
    assert circling(transcript(*cut)) is None


def test_calls_without_an_outcome_are_no_result():
    silent = [turn(n, A).model_copy(update={"outcomes": ()}) for n in range(1, 5)]
    assert circling(transcript(*silent)) is None


acts = st.builds(
    Act,
    tool=st.sampled_from(["look", "make"]),
    args=st.sampled_from("xyz"),
    result=st.sampled_from(["True", "False", "new"]),
    ok=st.booleans(),
)


@given(st.lists(st.lists(acts, max_size=3).map(tuple), max_size=30))
def test_no_conversation_is_halted_for_a_loop_without_a_nudge_before(turns):
    talk = played(turns)
    assert all(any(nudge < halt for nudge in talk.at(Nudge)) for halt in talk.at(Halt))


@given(st.lists(st.lists(acts, max_size=3).map(tuple), max_size=30))
def test_nudges_keep_their_distance(turns):
    nudges = played(turns).at(Nudge)
    assert all(later - earlier >= 5 for earlier, later in pairwise(nudges))


@given(st.lists(st.integers(), unique=True, max_size=40), st.lists(st.integers(1, 4), min_size=40, max_size=40))
def test_calls_that_never_repeat_never_alarm(names, sizes):
    left, turns = [Act("look", f"page {name}") for name in names], []
    for size in sizes:
        turns.append(tuple(left[:size]))
        left = left[size:]
    assert played(turns).rulings == []


@given(
    st.lists(st.integers(), unique=True, max_size=8),
    st.lists(st.sampled_from([A, B, C, D]), min_size=1, max_size=4),
    st.booleans(),
)
def test_every_round_of_up_to_four_calls_is_found_in_bounded_time(before, period, changing):
    honest = [Act("look", f"page {name}") for name in before]
    circling = [fresh(act, place) if changing else act for place, act in enumerate(period * 12)]
    talk = played(one_by_one(*honest, *circling))
    needed = max(5, 2 * len(period) + 1)
    assert talk.at(Nudge)[0] <= len(honest) + needed
    assert talk.at(Halt)
    assert talk.at(Halt)[0] <= len(honest) + needed + 5 + 2 * len(period)
