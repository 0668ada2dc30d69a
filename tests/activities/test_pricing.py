"""From usage to micro-dollars."""

import pytest

from activities.pricing import MODELS, SOURCE, Prices, UnknownPriceError

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


@pytest.mark.parametrize("modifier", [{"service_tier": "priority"}, {"speed": "fast", "model": "claude-opus-4-7"}])
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
    ],
)
def test_junk_usage_is_not_known_and_never_raises(usage):
    assert Prices().cost_of({"model": "claude-opus-5-5", "usage": usage}, "claude-opus-5-5").known is False


def test_the_worst_case_is_the_whole_prompt_written_and_the_whole_cap_used():
    assert Prices().worst_case("claude-opus-5-5", 54_000, 16_000) == 752_000


@pytest.mark.parametrize("model", MODELS)
def test_every_allowed_model_has_a_price(model):
    assert Prices().worst_case(model, 1_000_000, 0) > 0
