"""From usage to micro-dollars."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.pricing import MODELS, SOURCE, Prices, UnknownPriceError
from activities.usage import context_of
from workflows.models import Usage

USAGE = {
    "input_tokens": 1_000,
    "cache_read_input_tokens": 50_000,
    "cache_creation_input_tokens": 3_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 2_000, "ephemeral_1h_input_tokens": 1_000},
    "output_tokens": 800,
    "output_tokens_details": {"thinking_tokens": 500},
}


def price(model, **usage):
    return Prices().cost_of({"model": model, "usage": {**USAGE, **usage}}, model)


@pytest.mark.parametrize(
    ("model", "micro_usd"),
    [
        ("claude-opus-5-5", 48_000),
        ("claude-fable-5-2", 86_000),
        ("claude-mythos-5-2", 86_000),
        ("claude-fable-5-1", 107_500),
        ("claude-fable-5", 145_000),
        ("claude-opus-5", 72_500),
        ("claude-opus-4-8", 72_500),
        ("claude-sonnet-5-5", 24_000),
        ("claude-sonnet-5", 29_000),
        ("claude-sonnet-4-6", 43_500),
        ("claude-haiku-4-5", 14_500),
        ("claude-haiku-5-5", 1_450),
    ],
)
def test_a_reply_is_priced_by_model_and_cache_class(model, micro_usd):
    cost = price(model)
    assert (cost.micro_usd, cost.known, cost.source) == (micro_usd, True, SOURCE)


@pytest.mark.parametrize(
    ("modifier", "micro_usd"),
    [
        ({"service_tier": "batch"}, 24_000),
        ({"speed": "fast"}, 96_000),
        ({"inference_geo": "us"}, 52_800),
        ({"server_tool_use": {"web_search_requests": 3}}, 78_000),
        ({"server_tool_use": {"web_fetch_requests": 3, "code_execution_requests": 0}}, 48_000),
        ({"service_tier": "standard", "speed": "standard", "inference_geo": "global"}, 48_000),
        ({"service_tier": None, "speed": None, "inference_geo": "not_available"}, 48_000),
        ({"service_tier": "batch", "server_tool_use": {"web_search_requests": 3}}, 24_000 + 30_000),
    ],
)
def test_modifiers_of_a_reply_change_its_price(modifier, micro_usd):
    assert price("claude-opus-5-5", **modifier).micro_usd == micro_usd


def test_a_long_prompt_is_priced_at_its_tier():
    assert price("claude-haiku-5-5", cache_read_input_tokens=120_000).micro_usd == 10_750


def test_a_compaction_inside_the_call_is_priced_too():
    compaction = {"type": "compaction", "input_tokens": 100, "cache_read_input_tokens": 150_000, "output_tokens": 3_000}
    cost = price("claude-opus-5-5", iterations=[compaction, {**USAGE, "type": "message"}])
    assert cost.micro_usd == 138_400


def test_a_dated_model_name_has_the_price_of_its_model():
    assert price("claude-opus-5-5-20261001").micro_usd == 48_000


@pytest.mark.parametrize("model", ["claude-opus-4-85", "claude-mythos-5", "gpt-5", "", "claude-opus-5-5-turbo"])
def test_an_unknown_model_is_never_free(model):
    assert price(model).known is False
    with pytest.raises(UnknownPriceError):
        Prices().worst_case(model, 1_000, 100)


@pytest.mark.parametrize(
    "modifier",
    [
        {"service_tier": "priority"},
        {"service_tier": "flex"},
        {"speed": "fast", "model": "claude-opus-4-7"},
        {"speed": "slow"},
        {"inference_geo": "eu"},
        {"server_tool_use": {"web_search_requests": 0, "code_execution_requests": 2}},
        {"server_tool_use": {"web_search_requests": -3}},
    ],
)
def test_a_modifier_without_a_listed_price_is_not_known(modifier):
    model = modifier.pop("model", "claude-opus-5-5")
    assert price(model, **modifier).known is False


def test_the_served_model_sets_the_price_not_the_requested_one():
    cost = Prices().cost_of({"model": "claude-haiku-4-5", "usage": USAGE}, "claude-opus-5-5")
    assert cost.micro_usd == 14_500


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"input_tokens": "many", "output_tokens": 1},
        {**USAGE, "iterations": [1]},
        {**USAGE, "cache_creation": 7},
        {**USAGE, "output_tokens": -10_000_000},
        {**USAGE, "output_tokens": 10**30},
        {**USAGE, "output_tokens": None},
        {**USAGE, "output_tokens": 1.5},
        {**USAGE, "input_tokens": None},
        {**USAGE, "cache_read_input_tokens": True},
        {**USAGE, "iterations": [{"type": "message"}]},
        {**USAGE, "iterations": [{**USAGE, "type": "message"}, {"type": "compaction", "input_tokens": 100}]},
    ],
)
def test_junk_usage_is_not_known_and_never_raises(usage):
    assert Prices().cost_of({"model": "claude-opus-5-5", "usage": usage}, "claude-opus-5-5").known is False


def test_a_cost_comes_with_the_tokens_of_all_iterations_by_their_classes():
    compaction = {"type": "compaction", "input_tokens": 100, "cache_read_input_tokens": 150_000, "output_tokens": 3_000}
    cost = price("claude-opus-5-5", iterations=[compaction, {**USAGE, "type": "message"}])
    assert cost.usage == Usage(input=1_100, output=3_800, thinking=500, cache_read=200_000, cache_write=3_000)
    assert (cost.write_1h, cost.served) == (1_000, "claude-opus-5-5")


def test_a_compaction_is_no_part_of_what_the_conversation_holds():
    compaction = {"type": "compaction", "input_tokens": 100, "cache_read_input_tokens": 150_000, "output_tokens": 3_000}
    said = {**USAGE, "type": "message"}
    for iterations in ([compaction, said], [said, compaction]):
        assert context_of({"usage": {**USAGE, "iterations": iterations}}) == 54_800
    assert context_of({"usage": USAGE}) == 54_800
    assert context_of({"usage": None}) == context_of({}) == 0


@pytest.mark.parametrize("missing", ["input_tokens", "output_tokens"])
def test_what_was_counted_in_half_is_no_measure_for_the_next_reservation(missing):
    half = {**USAGE, missing: None}
    assert context_of({"usage": half, "stop_reason": "end_turn"}) == 0
    assert context_of({"usage": {**USAGE, "iterations": [{**half, "type": "message"}]}}) == 0
    assert context_of({"usage": USAGE, "stop_reason": None}) == 0


def test_every_attempt_of_a_fallback_is_priced_by_its_own_model():
    declined = {**USAGE, "type": "message", "model": "claude-opus-5-5"}
    served = {**USAGE, "type": "fallback_message", "model": "claude-haiku-4-5"}
    reply = {"model": "claude-haiku-4-5", "usage": {**USAGE, "iterations": [declined, served]}}
    assert Prices().cost_of(reply, "claude-opus-5-5").micro_usd == 48_000 + 14_500


def test_a_compaction_that_was_asked_for_is_priced_as_the_requested_model():
    compaction = {**USAGE, "type": "compaction"}
    reply = {"model": "claude-haiku-4-5", "usage": {"input_tokens": 0, "output_tokens": 0, "iterations": [compaction]}}
    assert Prices().cost_of(reply, "claude-opus-5-5").micro_usd == 48_000


def test_a_batch_is_half_the_price_whoever_says_that_it_was_one():
    reply = {"model": "claude-opus-5-5", "usage": USAGE}
    assert Prices().cost_of(reply, "claude-opus-5-5", batch=True).micro_usd == 24_000
    assert Prices().worst_case("claude-opus-5-5", 54_000, 16_000, hour=54_000, batch=True) == 376_000
    assert Prices().knows("claude-opus-5-5", batch=True)


def test_of_the_prompt_only_what_is_kept_for_an_hour_is_bounded_at_that_price():
    prices = Prices()
    assert prices.worst_case("claude-opus-5-5", 54_000, 16_000, hour=54_000) == 752_000
    assert prices.worst_case("claude-opus-5-5", 54_000, 16_000, hour=4_000) == 32_000 + 250_000 + 320_000
    assert prices.worst_case("claude-opus-5-5", 54_000, 16_000) == 590_000


@pytest.mark.parametrize("model", MODELS)
def test_every_allowed_model_has_a_price(model):
    assert Prices().worst_case(model, 1_000_000, 0) > 0


COUNTS = st.integers(0, 150_000)
SPLITS = st.tuples(COUNTS, COUNTS, COUNTS, st.integers(0, 20_000), st.integers(0, 64_000))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MODELS), SPLITS, st.integers(0, 50_000), st.integers(0, 2_000))
def test_no_plain_reply_costs_more_than_its_worst_case_however_it_was_cached(model, split, more, spare):
    plain, read, write, hour, output = split
    usage = {
        "input_tokens": plain,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": write + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": write, "ephemeral_1h_input_tokens": hour},
        "output_tokens": output,
    }
    cost = Prices().cost_of({"model": model, "usage": usage}, model)
    bound = Prices().worst_case(model, plain + read + write + hour + more, output + spare, hour=hour + more)
    assert cost.known
    assert cost.micro_usd <= bound


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(MODELS), COUNTS, st.integers(0, 4_000), st.integers(1, 64_000), st.integers(0, 3_000_000))
def test_the_cap_that_fits_is_the_largest_one(model, prompt, hour, most, micro_usd):
    prices = Prices()
    cap = prices.fit(model, prompt, micro_usd, most, hour=hour)
    assert 0 <= cap <= most
    assert cap == 0 or prices.worst_case(model, prompt, cap, hour=hour) <= micro_usd
    assert cap == most or prices.worst_case(model, prompt, cap + 1, hour=hour) > micro_usd


@settings(max_examples=100, deadline=None)
@given(COUNTS, COUNTS, st.integers(0, 9_000), st.integers(0, 9_000))
def test_a_longer_prompt_never_costs_less_also_where_a_tier_begins(prompt, more, cap, hour):
    def bound(tokens, hour=hour):
        return Prices().worst_case("claude-haiku-5-5", tokens, cap, hour=hour)

    assert bound(prompt) <= bound(prompt + more) <= bound(prompt + more, hour + more)
