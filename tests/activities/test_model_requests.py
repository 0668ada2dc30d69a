"""Requests: their frozen part, and the bound of what they make a model read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.requests import hour_bound, params_of, prefix_of, prompt_bound, text_bound
from tests.activities.conversing import SCHEMA, say, think

PIN = {
    "model": "claude-sonnet-5-5",
    "instructions": "You are the generator.",
    "effort": "medium",
    "format": SCHEMA,
    "tools": [{"name": "look", "description": "Look.", "input_schema": {"type": "object"}, "effect": "read"}],
}
TASK = {"role": "user", "content": [say("task")]}
TEXTS = st.text(st.characters(codec="utf-8"), max_size=80)


def said(text):
    return {"role": "user", "content": [say(text)]}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a word or two words", 10),  # 19 letters and spaces
        ("x" * 24, 12),
        ("x" * 25, 25),
        ("4242 17", 7),
        ("{}[];,!?", 8),
        ("übel", 2 + 2),
        ("京都市", 9),
        ("🧥", 4),
        ("c2hvb3QgdGhlIHRlZSBvbiB3aGl0ZQ==", 32),
    ],
)
def test_a_text_is_bounded_by_what_its_bytes_can_hold(text, tokens):
    assert text_bound([text]) - text_bound([""]) == tokens


@given(TEXTS)
def test_a_bound_lies_between_half_a_token_and_one_for_every_byte(text):
    written = len(json.dumps([text], ensure_ascii=False).encode())
    assert written / 2 <= text_bound([text]) <= written


@given(st.lists(TEXTS, max_size=4), TEXTS)
def test_more_to_read_is_never_bounded_lower(texts, more):
    messages = [said(text) for text in texts]
    assert prompt_bound(PIN, messages) < prompt_bound(PIN, [*messages, said(more)])


@given(st.lists(TEXTS, min_size=1, max_size=4), st.integers(1, 300_000))
def test_what_the_endpoint_counted_is_not_estimated_again(texts, known):
    messages = [said(text) for text in texts]
    bound = prompt_bound(PIN, messages, known=known, since=len(messages))
    assert known < bound < known + 100
    assert prompt_bound(PIN, messages, known=known, since=len(messages) - 1) > bound


def test_half_a_pair_of_surrogates_is_bounded_like_anything_else():
    assert text_bound("\ud83e") >= 3


def test_an_image_whose_size_is_not_known_is_bounded_by_the_largest():
    image = {"type": "image", "source": {"type": "asset", "digest": "sha256:1"}}
    shown = {"role": "user", "content": [say("task"), image]}
    assert prompt_bound(PIN, [shown]) - prompt_bound(PIN, [shown], images=50) == 3_136 - 50
    fresh = prompt_bound(PIN, [TASK, shown], known=1_000, since=1)
    assert fresh > 1_000 + 3_136


def test_only_what_stands_before_the_messages_is_kept_for_an_hour():
    assert 600 < hour_bound(PIN) < prompt_bound(PIN, [TASK])
    assert hour_bound({**PIN, "instructions": " "}) == 0


def test_the_prefix_is_of_all_that_comes_before_the_messages():
    assert prefix_of(PIN) == prefix_of({**PIN, "agent": "other", "limits": {}})
    other = [
        {**PIN, "model": "claude-opus-5-5"},
        {**PIN, "instructions": "You are the critic."},
        {**PIN, "effort": "high"},
        {**PIN, "format": None},
        {**PIN, "tools": []},
    ]
    assert len({prefix_of(pin) for pin in [PIN, *other]}) == 6


def test_another_model_is_asked_for_what_it_knows():
    older = params_of(PIN, [TASK], model="claude-haiku-4-5")
    assert (older["model"], "thinking" in older, "effort" in older["output_config"]) == (
        "claude-haiku-4-5",
        False,
        False,
    )
    assert prefix_of(PIN, "claude-haiku-4-5") == prefix_of({**PIN, "model": "claude-haiku-4-5"})


def test_a_request_is_the_same_bytes_every_time_and_has_no_cap_yet():
    params = params_of(PIN, [TASK, {"role": "assistant", "content": [think("hm")]}], without_tools=True)
    again = params_of(json.loads(json.dumps(PIN)), [TASK, {"role": "assistant", "content": [think("hm")]}])
    assert list(params) == [*again, "tool_choice"]
    assert json.dumps({**params, "tool_choice": 0}) == json.dumps({**again, "tool_choice": 0})
    assert "max_tokens" not in params


def test_the_cache_ends_behind_the_instructions_for_an_hour_and_behind_the_last_message_for_five_minutes():
    params = params_of(PIN, [TASK])
    assert [block["cache_control"] for block in params["system"]] == [{"type": "ephemeral", "ttl": "1h"}]
    assert params["cache_control"] == {"type": "ephemeral"}
    assert json.dumps(params).count('"cache_control"') == 2
