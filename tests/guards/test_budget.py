"""Budgets: what ends a conversation, what leads to the last turn, and what one call may use."""

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.guards.transcripts import Act, transcript, turn
from workflows.guards import allowance, calls_left, spending
from workflows.models import Halt, LastTurn, Limits, Purse, Spend, Transcript, Usage

LIMITS = Limits(
    tokens=10_000,
    turns=20,
    tool_calls=60,
    wall=timedelta(hours=1),
    max_tokens=4_000,
    least_tokens=500,
)
LOOK = Act("look", "page 1")
NEEDS = 3_000


def spent(*, micro_usd=0, tokens=0, turns=1, tool_calls=0) -> Spend:
    return Spend(micro_usd=micro_usd, usage=Usage(input=tokens), turns=turns, tool_calls=tool_calls)


def after(spend: Spend, last=None, **more) -> Transcript:
    return transcript(last or turn(1, LOOK), **{"limits": LIMITS, "spend": spend, **more})


def with_purse(left, last=None, *, needs=NEEDS, total=31_200, account="run:abc", **more) -> Transcript:
    purse = Purse(total=total, left=left, account=account, needs=needs)
    return after(spent(micro_usd=total), last, purse=purse, **more)


def taken(now: Transcript) -> Transcript:
    """The same, with the last turn given and taken."""
    last = now.turns[-1].model_copy(update={"notes": ("last_turn",)})
    return now.model_copy(update={"last_turn_given": True, "turns": (*now.turns[:-1], last)})


def test_a_conversation_with_room_goes_on():
    assert spending(after(spent(micro_usd=250_000, tokens=5_000, turns=10, tool_calls=30))) is None


def test_a_conversation_that_has_not_begun_goes_on():
    assert spending(transcript(limits=LIMITS)) is None


@pytest.mark.parametrize(
    ("transcript", "words"),
    [
        (after(spent(tokens=10_000)), "tokens 10000 of 10000"),
        (after(spent(tokens=9_501)), "tokens 9501 of 10000"),
        (after(spent(tokens=8_000), context=1_600), "tokens 8000 of 10000"),
        (after(spent(), elapsed=timedelta(hours=1)), "time 3600 s of 3600 s"),
        (after(spent(turns=21)), "turns 21 of 20"),
    ],
)
def test_a_cap_that_leaves_nothing_for_one_small_call_halts(transcript, words):
    for given_before in (False, True):
        ruling = spending(transcript.model_copy(update={"last_turn_given": given_before}))
        assert isinstance(ruling, Halt)
        assert ruling.kind == "budget"
        assert words in ruling.reason


@pytest.mark.parametrize(
    ("transcript", "kind", "words"),
    [
        (after(spent(turns=20)), "budget", "turns 20 of 20"),
        (after(spent(tool_calls=60)), "budget", "tool calls 60 of 60"),
        (with_purse(4_000), "money", "the account run:abc leaves $0.0040 and the next call needs $0.0030"),
    ],
)
def test_a_cap_on_work_or_little_money_gives_the_last_turn_then_halts(transcript, kind, words):
    first = spending(transcript)
    assert isinstance(first, LastTurn)
    assert words in first.text
    assert spending(transcript.model_copy(update={"last_turn_given": True})) is None
    second = spending(taken(transcript))
    assert isinstance(second, Halt)
    assert second.kind == kind
    assert words in second.reason


@pytest.mark.parametrize(
    ("transcript", "words"),
    [
        (after(spent(tokens=7_500), context=1_000), "tokens 7500 of 10000"),
        (after(spent(), elapsed=timedelta(minutes=57)), "time 3420 s of 3600 s"),
        (with_purse(12_999, turn(1, LOOK, micro_usd=10_000)), "needs $0.0030, and the last one cost $0.0100"),
    ],
)
def test_the_last_turn_comes_while_it_can_still_be_paid_for(transcript, words):
    ruling = spending(transcript)
    assert isinstance(ruling, LastTurn)
    assert words in ruling.text
    assert spending(transcript.model_copy(update={"last_turn_given": True})) is None
    assert spending(taken(transcript)) is None


@pytest.mark.parametrize(
    "transcript",
    [
        with_purse(2 * NEEDS),
        with_purse(NEEDS + 10_000, turn(1, LOOK, micro_usd=10_000)),
        with_purse(None),
        with_purse(0, turn(1, LOOK, micro_usd=10_000), needs=0),
        with_purse(10**12, total=10**9, limits=LIMITS.model_copy(update={"micro_usd": 1})),
    ],
    ids=["two calls fit", "one like the last and the last turn fit", "no cap", "need unknown", "cap was raised"],
)
def test_money_that_is_enough_or_unknown_gives_no_last_turn(transcript):
    assert spending(transcript) is None
    assert spending(taken(transcript)) is None


def test_less_money_than_the_next_call_needs_is_no_halt_since_others_may_give_theirs_back():
    assert isinstance(spending(with_purse(NEEDS - 1)), LastTurn)
    assert spending(with_purse(0, last_turn_given=True)) is None


def test_a_call_that_the_ledger_refused_halts_at_once_with_its_reason():
    refused = turn(2, stop="over_budget", text="run:abc leaves $0.0010 of $5.0000, and the call needs $0.0030.")
    for given_before in (False, True):
        ruling = spending(with_purse(1_000, refused, last_turn_given=given_before))
        assert isinstance(ruling, Halt)
        assert ruling.kind == "money"
        said = "cost $0.0312 so far; run:abc leaves $0.0010 of $5.0000, and the call needs $0.0030."
        assert ruling.reason == f"The budget is used up: {said}"


@pytest.mark.parametrize("left", [None, NEEDS, 10**6])
def test_a_call_that_the_money_covers_was_refused_for_its_tokens_which_nobody_can_top_up(left):
    refused = turn(2, stop="over_budget", text="a call with up to 900 tokens to read needs more than the 800 left")
    ruling = spending(with_purse(left, refused))
    assert (ruling.kind, "900 tokens to read" in ruling.reason) == ("budget", True)
    assert spending(with_purse(NEEDS - 1, refused)).kind == "money"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (with_purse(1_000, turn(2, stop="over_budget")), "run:abc leaves $0.0010 and the next call needs $0.0030."),
        (with_purse(-7, turn(2, stop="over_budget"), account=""), "the tightest account leaves $0.0000 and"),
        (after(spent(), turn(2, stop="over_budget")), "cost $0.0000 so far; the next call could cost more than is"),
        (after(spent(micro_usd=40_000), turn(2, stop="over_budget")), "cost $0.0400 so far"),
    ],
)
def test_a_refusal_without_words_is_explained_by_the_purse(now, words):
    assert words in spending(now).reason


def test_an_older_refusal_of_the_ledger_is_history():
    now = with_purse(10**6)
    assert spending(now.model_copy(update={"turns": (turn(1, stop="over_budget"), turn(2, LOOK))})) is None


def test_what_the_ledger_said_before_a_person_raised_the_cap_does_not_count():
    reopened = with_purse(0).model_copy(update={"turns": ()})
    assert spending(reopened) is None


def test_an_agent_without_tools_does_not_reach_its_cap_of_none():
    assert spending(after(spent(), limits=LIMITS.model_copy(update={"tool_calls": 0}))) is None


@pytest.mark.parametrize(("used", "left"), [(0, 60), (59, 1), (60, 0), (75, 0)])
def test_one_reply_cannot_cross_the_cap_on_tool_calls(used, left):
    assert calls_left(after(spent(tool_calls=used))) == left


@pytest.mark.parametrize(
    ("tokens", "context", "wanted"),
    [(0, 0, 4_000), (6_000, 0, 4_000), (7_000, 0, 3_000), (7_000, 2_000, 1_000), (9_000, 800, 500), (12_000, 0, 500)],
)
def test_the_output_cap_shrinks_with_the_tokens_left_down_to_its_floor(tokens, context, wanted):
    granted = allowance(after(spent(tokens=tokens), context=context))
    assert granted.max_tokens == wanted
    assert granted.least_tokens == 500


counts = st.integers(0, 20_000)
lasts = st.builds(turn, st.just(1), stop=st.sampled_from(["end_turn", "over_budget"]), micro_usd=counts)
transcripts = st.builds(
    after,
    st.builds(spent, micro_usd=counts, tokens=counts, turns=st.integers(0, 40), tool_calls=st.integers(0, 80)),
    lasts,
    limits=st.builds(
        Limits,
        micro_usd=counts,
        tokens=counts,
        turns=st.integers(1, 30),
        tool_calls=st.integers(0, 60),
        max_tokens=st.integers(1, 5_000),
        least_tokens=st.integers(1, 5_000),
    ),
    context=counts,
    purse=st.builds(Purse, total=counts, left=st.none() | st.integers(-5_000, 60_000), needs=counts),
    last_turn_given=st.booleans(),
    elapsed=st.timedeltas(timedelta(0), timedelta(hours=2)),
)


@given(transcripts)
def test_an_allowance_is_never_negative_and_never_more_than_is_left(now):
    granted = allowance(now)
    assert 0 <= granted.tokens <= max(0, now.limits.tokens - now.spend.usage.total)
    assert 1 <= granted.least_tokens <= granted.max_tokens <= now.limits.max_tokens


@given(transcripts)
def test_a_call_that_the_guard_lets_through_fits_into_the_tokens_that_are_left(now):
    if not isinstance(spending(now), Halt):
        granted = allowance(now)
        assert now.context + granted.max_tokens <= granted.tokens


@given(transcripts)
def test_a_last_turn_is_given_once(now):
    assert not isinstance(spending(now.model_copy(update={"last_turn_given": True})), LastTurn)


@given(transcripts)
def test_for_money_only_the_ledger_halts_until_the_last_turn_was_taken(now):
    rich = now.model_copy(update={"purse": Purse()})
    if now.turns[-1].stop != "over_budget" and not isinstance(spending(rich), Halt):
        assert not isinstance(spending(now), Halt)


@given(
    cap=st.integers(0, 60_000),
    needs=st.integers(1, 9_000),
    costs=st.lists(st.integers(0, 9_000), min_size=70, max_size=70).map(lambda costs: sorted(costs, reverse=True)),
)
def test_where_no_call_costs_more_than_the_one_before_the_last_turn_is_always_covered(cap, needs, costs):
    left, now = cap - costs[0], after(spent(), turn(1, LOOK, micro_usd=costs[0]))
    assume(left >= needs)  # the first call and one more are covered
    for number, cost in enumerate(costs[1:], start=2):
        ruling = spending(now.model_copy(update={"purse": Purse(left=left, account="run:abc", needs=needs)}))
        assert ruling is None or left >= needs
        if ruling is not None:
            return
        left -= cost
        now = after(spent(), turn(number, LOOK, micro_usd=cost))
