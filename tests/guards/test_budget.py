"""Budgets: what ends a conversation, what leads to the last turn, and what one call may use."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guards.transcripts import Act, transcript, turn
from workflows.guards import allowance, calls_left, spending
from workflows.models import Halt, LastTurn, Limits, Spend, Transcript, Usage

LIMITS = Limits(
    micro_usd=500_000,
    tokens=10_000,
    turns=20,
    tool_calls=60,
    wall=timedelta(hours=1),
    max_tokens=4_000,
    least_tokens=500,
)
LOOK = Act("look", "page 1")


def spent(*, micro_usd=0, tokens=0, turns=1, tool_calls=0) -> Spend:
    return Spend(micro_usd=micro_usd, usage=Usage(input=tokens), turns=turns, tool_calls=tool_calls)


def after(spend: Spend, last=None, **more) -> Transcript:
    return transcript(last or turn(1, LOOK), **{"limits": LIMITS, "spend": spend, **more})


def test_a_conversation_with_room_goes_on():
    assert spending(after(spent(micro_usd=250_000, tokens=5_000, turns=10, tool_calls=30))) is None


def test_a_conversation_that_has_not_begun_goes_on():
    assert spending(transcript(limits=LIMITS)) is None


@pytest.mark.parametrize(
    ("transcript", "words"),
    [
        (after(spent(micro_usd=500_000)), "cost $0.5000 of $0.5000"),
        (after(spent(micro_usd=512_345)), "cost $0.5123 of $0.5000"),
        (after(spent(micro_usd=1), spare_micro_usd=0), "$0.0000 left in the run"),
        (after(spent(micro_usd=1), spare_micro_usd=-7), "cost $0.0000 of $0.5000"),
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
    ("transcript", "words"),
    [
        (after(spent(turns=20)), "turns 20 of 20"),
        (after(spent(tool_calls=60)), "tool calls 60 of 60"),
        (after(spent(micro_usd=100), turn(1, stop="over_budget")), "the next call could cost more than is left"),
    ],
)
def test_a_cap_on_work_gives_the_last_turn_then_halts(transcript, words):
    first = spending(transcript)
    assert isinstance(first, LastTurn)
    assert words in first.text
    given_now = transcript.model_copy(update={"last_turn_given": True})
    assert spending(given_now) is None
    taken = given_now.turns[-1].model_copy(update={"notes": ("last_turn",)})
    second = spending(given_now.model_copy(update={"turns": (taken,)}))
    assert isinstance(second, Halt)
    assert words in second.reason


@pytest.mark.parametrize(
    ("transcript", "words"),
    [
        (after(spent(micro_usd=301_000), turn(1, LOOK, micro_usd=100_000)), "cost $0.3010 of $0.5000"),
        (after(spent(), turn(1, LOOK, micro_usd=100_000), spare_micro_usd=199_999), "$0.2000 left in the run"),
        (after(spent(tokens=7_500), context=1_000), "tokens 7500 of 10000"),
        (after(spent(), elapsed=timedelta(minutes=57)), "time 3420 s of 3600 s"),
    ],
)
def test_the_last_turn_comes_while_it_can_still_be_paid_for(transcript, words):
    ruling = spending(transcript)
    assert isinstance(ruling, LastTurn)
    assert words in ruling.text
    assert spending(transcript.model_copy(update={"last_turn_given": True})) is None


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


def test_the_smaller_purse_counts():
    assert allowance(after(spent(micro_usd=100), spare_micro_usd=70)).micro_usd == 70
    assert allowance(after(spent(micro_usd=499_950), spare_micro_usd=70)).micro_usd == 50


counts = st.integers(0, 20_000)
transcripts = st.builds(
    after,
    st.builds(spent, micro_usd=counts, tokens=counts, turns=st.integers(0, 40), tool_calls=st.integers(0, 80)),
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
    spare_micro_usd=st.none() | st.integers(-5_000, 20_000),
    last_turn_given=st.booleans(),
    elapsed=st.timedeltas(timedelta(0), timedelta(hours=2)),
)


@given(transcripts)
def test_an_allowance_is_never_negative_and_never_more_than_is_left(now):
    granted = allowance(now)
    assert 0 <= granted.micro_usd <= max(0, now.limits.micro_usd - now.spend.micro_usd)
    assert granted.micro_usd <= max(0, now.spare_micro_usd or 0) or now.spare_micro_usd is None
    assert 0 <= granted.tokens <= max(0, now.limits.tokens - now.spend.usage.total)
    assert 1 <= granted.least_tokens <= granted.max_tokens <= now.limits.max_tokens


@given(transcripts)
def test_a_call_that_the_guard_lets_through_fits_into_what_is_left(now):
    if not isinstance(spending(now), Halt):
        granted = allowance(now)
        assert granted.micro_usd > 0
        assert now.context + granted.max_tokens <= granted.tokens


@given(transcripts)
def test_a_last_turn_is_given_once(now):
    assert not isinstance(spending(now.model_copy(update={"last_turn_given": True})), LastTurn)
