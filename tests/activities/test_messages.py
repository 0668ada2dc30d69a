"""Composing messages for the wire."""

import pytest

from activities.compaction import (
    PEOPLE,
    WHOLE,
    Line,
    assets_in,
    people_in,
    person_line,
    result_line,
    summarise,
    written,
)
from activities.messages import mark_long_turn, pairing_problem, result_block, sendable, user_content, with_order
from tests.activities.conversing import note, say, think, use

SUMMARY = {"type": "compaction", "content": "What was.", "signature": "c2ln"}
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
        [TASK, answer(use("a")), told(done("a")), told(say("after a refusal"))],
        [answer(SUMMARY), answer(use("a")), told(done("a"))],
        [answer(SUMMARY), told(say("note"))],
    ],
)
def test_whole_pairs_are_accepted(messages):
    assert pairing_problem(messages) == ""


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [answer(say("first"))],
        [answer(SUMMARY, say("first"))],
        [answer(SUMMARY), answer(use("a")), told(say("no result"))],
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
    assert "198 earlier lines are left out" in summary
    assert "turn 299" in summary
    assert "turn 0 " not in summary


def test_an_order_comes_back_between_results_and_notes():
    content = with_order([done("a"), done("b"), say("Hurry.")], [say("task"), say("contract")])
    assert [block.get("text", "result") for block in content[:2]] == ["result", "result"]
    assert [block["text"] for block in content[3:]] == ["task", "contract", "Hurry."]


def test_a_summary_goes_on_from_the_one_before_and_counts_what_both_left_out():
    first = summarise(Line(turn, f"- find_model (success): {'x' * 200}") for turn in range(300))
    second = summarise((Line(turn, f"- look (success): {'y' * 200}") for turn in range(300, 310)), first)
    assert "208 earlier lines are left out" in second
    assert second.count("## Earlier in this conversation") == 1
    assert second.index("turn 299 ") < second.index("turn 300 ") < second.index("turn 309 ")
    assert summarise([], first) == first


def test_an_artefact_is_named_wherever_its_result_is_cut():
    asset = "ast_0123456789abcdef0123"
    line = result_line(3, "render_shot", f"{'x' * 300} {asset}", ok=True, asset=asset)
    assert assets_in(summarise([line])) == (asset,)
    assert result_line(3, "render_shot", asset, ok=True, asset=asset).text.count(asset) == 1


def test_what_people_said_stays_word_for_word_beside_what_a_model_wrote():
    people = people_in([person_line(4, "Use linen,\nnot silk."), result_line(4, "look", "a person said: hm", ok=True)])
    summary = written(" We shot the tee. ", people)
    assert "turn 4 - a person said: Use linen, not silk." in summary
    assert people_in([person_line(9, "Hurry.")], summary).split("\n") == [people, "turn 9 - a person said: Hurry."]
    assert len(people_in([person_line(turn, "x" * 100) for turn in range(100)])) < PEOPLE + 100
