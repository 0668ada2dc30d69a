"""Composing messages for the wire."""

import pytest

from activities.compaction import WHOLE, Line, summarise
from activities.messages import mark_long_turn, pairing_problem, result_block, sendable, user_content
from tests.activities.conversing import note, say, think, use

TASK = {"role": "user", "content": [say("task")]}


def answer(*content):
    return {"role": "assistant", "content": list(content)}


def told(*content):
    return {"role": "user", "content": list(content)}


def done(call_id):
    return result_block(call_id, "{}", ok=True)


@pytest.mark.parametrize(
    "messages",
    [
        [TASK],
        [TASK, answer(use("a"), use("b")), told(done("b"), done("a"), say("note"))],
        [TASK, answer(use("a")), answer(use("b")), told(done("a"), done("b"))],
        [TASK, answer(say("paused"))],
        [TASK, answer(use("open"))],
    ],
)
def test_whole_pairs_are_accepted(messages):
    assert pairing_problem(messages) == ""


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [answer(say("first"))],
        [TASK, answer(use("a"), use("b")), told(done("a"))],
        [TASK, answer(use("a")), told(say("no result"))],
        [TASK, answer(use("a")), told(done("a"), done("a"))],
        [TASK, answer(use("a")), told(done("b"))],
        [TASK, answer(say("hm")), told(done("a"))],
        [told(done("a"))],
        [TASK, answer(use("a")), told(say("note"), done("a"))],
        [TASK, answer(use("a"), use("a")), told(done("a"), done("a"))],
    ],
)
def test_broken_pairs_are_named(messages):
    assert pairing_problem(messages) != ""


def test_empty_blocks_are_not_sent_and_a_message_never_stands_empty():
    assert sendable("assistant", [say(" "), "junk", say("hm")])["content"] == [say("hm")]
    assert sendable("assistant", [say("")])["content"][0]["text"]


def test_signed_thinking_is_sent_as_it_came():
    empty = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    assert sendable("assistant", [empty, think("hm")])["content"] == [empty, think("hm")]


def test_notes_without_words_are_not_sent():
    assert user_content([], [note("  ")]) == []


def test_only_a_long_turn_is_marked_where_the_last_request_ended():
    short = [TASK, answer(use("a")), told(done("a"))]
    assert mark_long_turn(short) == short
    calls = [use(f"c{n}") for n in range(12)]
    long = [TASK, answer(*calls), told(*(done(call["id"]) for call in calls))]
    marked = mark_long_turn(long)
    assert marked[0]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert marked[1:] == long[1:]


def test_an_over_long_summary_loses_its_oldest_lines_and_says_so():
    summary = summarise(Line(turn, f"- find_model (success): {'x' * 200}") for turn in range(300))
    assert len(summary) < WHOLE + 300
    assert "earlier results are left out" in summary
    assert "turn 299" in summary
    assert "turn 0 " not in summary
