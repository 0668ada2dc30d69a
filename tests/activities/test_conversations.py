"""The store of conversations, on both databases."""

import asyncio
import json
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from activities.compaction import tail_start
from activities.conversation_tables import MessageRow
from activities.database import Database
from activities.messages import dumps, pairing_problem
from activities.records import Records
from tests.activities.conversing import (
    CONTRACT,
    new_store,
    note,
    opening,
    request,
    result,
    say,
    think,
    use,
)
from workflows.models import Closing, Cut, Reply


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else f"sqlite:///{tmp_path}/talks.db"
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def store(database):
    return new_store(database)


async def take_turn(store, pin, head, turn, content, *, context=1_000, **changes):
    """One turn as the model activity takes it; returns the head after it."""
    asked = request(pin, head, turn, **changes)
    draft = await store.draft(asked)
    reply = Reply(head=draft.position + 1, turn=turn, stop="end_turn", context=context)
    return (await store.commit(asked, draft, content, reply, {})).head


async def talk_for(store, turns, *, size=400):
    """A conversation of `turns` turns with a tool call each."""
    pin = (await store.open(opening())).pin
    head = 1
    for turn in range(1, turns + 1):
        head = await take_turn(store, pin, head, turn, [think("hm"), use(f"call_{turn}", name="Ama")])
        await store.put_result(result(f"call_{turn}", head - 1, f'{{"found":"mod_{turn}","text":"{"x" * size}"}}'))
    return pin, head


async def test_opening_twice_is_harmless(store):
    first, second = await store.open(opening()), await store.open(opening(task="something else"))
    assert first == second
    draft = await store.draft(request(first.pin, 1, 1))
    assert "something else" not in dumps(draft.messages)


async def test_a_pin_keeps_the_order_of_the_schema_and_sorts_the_tools(store):
    pin = (await store.open(opening())).pin
    pinned = (await store.draft(request(pin, 1, 1))).pin
    assert list(pinned["format"]["properties"]) == ["z", "a"]
    assert await store.pinned_tools(pin) == ("find_model", "publish", "render_shot")
    assert [tool["effect"] for tool in pinned["tools"]] == ["read", "once", "write"]
    assert await store.pinned_tools("sha256:unknown") == ()


async def test_an_agent_with_another_prompt_has_another_pin(store):
    first = await store.open(opening())
    other = await store.open(opening(conversation="talk-2", instructions="You are the critic."))
    assert first.pin != other.pin


async def test_an_unknown_tool_is_found_when_the_conversation_opens(store):
    with pytest.raises(ApplicationError, match="unknown tool: fly") as caught:
        await store.open(opening(tools=("fly",)))
    assert caught.value.non_retryable


async def test_a_task_that_lacks_the_contract_gets_it(store):
    pin = (await store.open(opening(task="Just shoot."))).pin
    draft = await store.draft(request(pin, 1, 1))
    assert CONTRACT.text() in draft.messages[0]["content"][0]["text"]


async def test_images_are_kept_as_digests(store):
    pin = (await store.open(opening(images=("sha256:ab",)))).pin
    draft = await store.draft(request(pin, 1, 1))
    assert draft.messages[0]["content"][1] == {"type": "image", "source": {"type": "asset", "digest": "sha256:ab"}}


async def test_results_come_first_in_the_order_of_the_calls_and_notes_after_them(store):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [use("call_b"), use("call_a")])
    await store.put_result(result("call_a", 1, '"A"'))
    await store.put_result(result("call_b", 1, '{"success":false}', ok=False))
    draft = await store.draft(request(pin, head, 2, notes=(note("Mind the goal."),)))
    assert draft.user == [
        {"type": "tool_result", "tool_use_id": "call_b", "content": '{"success":false}', "is_error": True},
        {"type": "tool_result", "tool_use_id": "call_a", "content": '"A"'},
        {"type": "text", "text": "Mind the goal."},
    ]


async def test_an_open_call_without_result_is_our_bug(store):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [use("call_1")])
    with pytest.raises(ApplicationError) as caught:
        await store.draft(request(pin, head, 2))
    assert (caught.value.type, caught.value.non_retryable) == ("PairingBroken", True)


async def test_an_interrupted_call_is_answered_as_an_error_for_good(store):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [use("call_1")])
    draft = await store.draft(request(pin, head, 2, interrupted="the call was interrupted"))
    assert json.loads(draft.user[0]["content"])["error"] == "the call was interrupted"
    late = await store.put_result(result("call_1", 1, '"late"'))
    assert late.ok is False


async def test_a_message_with_nothing_in_it_is_our_bug(store):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [say("Done.")])
    with pytest.raises(ApplicationError, match="nothing to say"):
        await store.draft(request(pin, head, 2))


async def test_a_missing_message_is_our_bug(store):
    pin = (await store.open(opening())).pin
    with pytest.raises(ApplicationError, match="has 1 of the 5 messages"):
        await store.draft(request(pin, 5, 2, notes=(note("Go on."),)))


async def test_a_paused_answer_is_continued_without_a_message(store):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [say("So far.")])
    draft = await store.draft(request(pin, head, 2, resume=True))
    assert (draft.user, draft.position, draft.messages[-1]["role"]) == (None, 2, "assistant")


async def test_the_first_reply_wins(store):
    pin = (await store.open(opening())).pin
    asked = request(pin, 1, 1)
    draft = await store.draft(asked)
    replies = [Reply(head=2, turn=1, stop="end_turn", text=text) for text in ("one", "two")]
    kept = await asyncio.gather(*(store.commit(asked, draft, [say(reply.text)], reply, {}) for reply in replies))
    assert kept[0] == kept[1] == await store.find_reply(asked)


async def test_the_first_result_wins(store):
    pin = (await store.open(opening())).pin
    await take_turn(store, pin, 1, 1, [use("call_1")])
    results = [result("call_1", 1, f'"{n}"', preview=str(n)) for n in range(4)]
    kept = await asyncio.gather(*map(store.put_result, results))
    assert set(kept) == {await store.find_result("talk-1", "call_1")}
    assert await store.find_result("talk-1", "call_2") is None


@pytest.fixture(scope="module")
def one_database(tmp_path_factory):
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('bytes')}/talks.db")
    yield database
    database.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.floats(), st.lists)), max_size=4))
def test_content_survives_the_store_byte_for_byte(one_database, blocks):
    async def round_trip(talk):
        store = new_store(one_database)
        asked = request((await store.open(opening(conversation=talk))).pin, 1, 1, conversation=talk)
        reply = Reply(head=2, turn=1, stop="end_turn")
        await store.commit(asked, await store.draft(asked), blocks, reply, {})
        return (await one_database.read(lambda session: session.get(MessageRow, (talk, 1)))).content

    assert asyncio.run(round_trip(uuid4().hex)) == dumps(blocks)


async def test_odd_characters_survive_both_databases(store):
    pin = (await store.open(opening(task=f"{CONTRACT.text()} \0 \ud800"))).pin
    await take_turn(store, pin, 1, 1, [say("nul \0 half \ud800 whole \U0001f600"), use("call_1", "t\0", a="\0\ud800")])
    await store.put_result(result("call_1", 1, "\0 \ud800", tool="t\0"))
    draft = await store.draft(request(pin, 2, 2))
    assert json.dumps(draft.messages, ensure_ascii=False).encode()


async def test_calls_are_read_as_the_model_wrote_them(store):
    pin = (await store.open(opening())).pin
    await take_turn(store, pin, 1, 1, [say("Now"), use("call_1", "fly", z=1, a=2), {**use("call_2"), "input": "junk"}])
    calls = await store.calls("talk-1", 1)
    assert [(call.id, call.tool) for call in calls] == [("call_1", "fly"), ("call_2", "find_model")]
    assert (list(calls[0].arguments), calls[1].arguments) == (["z", "a"], "junk")
    assert await store.calls("talk-1", 0) == await store.calls("talk-1", 9) == ()


async def test_a_cut_keeps_the_task_word_for_word_and_the_last_messages(store):
    pin, head = await talk_for(store, 8)
    whole = (await store.draft(request(pin, head, 9))).messages
    cut = await store.compact(Cut(conversation="talk-1", scope=opening().scope, head=head, turn=9))
    after = (await store.draft(request(pin, head, 9))).messages
    assert cut.dropped == head - 1 - 7
    assert after[0] == whole[0]
    assert after[1]["content"][0]["text"].count("find_model (success)") == 4
    assert [message["role"] for message in after] == ["user", "user", *["assistant", "user"] * 4]
    assert pairing_problem(after) == ""
    assert cut.context < 1_000


async def test_thinking_from_before_a_cut_is_dropped_whole_and_later_thinking_stays(store):
    pin, head = await talk_for(store, 8)
    await store.compact(Cut(conversation="talk-1", scope=opening().scope, head=head, turn=9))
    head = await take_turn(store, pin, head, 9, [think("new"), say("Done.")])
    draft = await store.draft(request(pin, head, 10, notes=(note("More."),)))
    kept = [block for message in draft.messages for block in message["content"] if block["type"] == "thinking"]
    assert kept == [think("new")]


async def test_cutting_twice_at_one_place_is_one_cut(store):
    _, head = await talk_for(store, 8)
    cut = Cut(conversation="talk-1", scope=opening().scope, head=head, turn=9)
    assert await store.compact(cut) == await store.compact(cut)


async def test_a_cut_that_would_gain_nothing_is_not_made(store):
    _, head = await talk_for(store, 2)
    cut = await store.compact(Cut(conversation="talk-1", scope=opening().scope, head=head, turn=3))
    assert (cut.dropped, cut.summary_digest) == (0, "")


async def test_a_cut_keeps_what_a_person_said(store):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [say("A" * 2_000)])
    head = await take_turn(store, pin, head, 2, [say("B" * 2_000)], notes=(note("Use linen, not silk.", "person"),))
    for turn in range(3, 8):
        head = await take_turn(store, pin, head, turn, [say("C")], notes=(note("Go on."),))
    await store.compact(Cut(conversation="talk-1", scope=opening().scope, head=head, turn=8))
    draft = await store.draft(request(pin, head, 8, notes=(note("Go on."),)))
    assert "Use linen, not silk." in draft.messages[1]["content"][0]["text"]


async def test_a_damaged_order_stops_the_cut(store, database):
    _, head = await talk_for(store, 8)
    await database.run(
        lambda session: setattr(session.get(MessageRow, ("talk-1", 0)), "content", '[{"type":"text","text":"x"}]')
    )
    with pytest.raises(ApplicationError) as caught:
        await store.compact(Cut(conversation="talk-1", scope=opening().scope, head=head, turn=9))
    assert caught.value.type == "ConversationDamaged"


async def test_the_known_prefix_is_counted_only_as_long_as_it_stands(store):
    pin, head = await talk_for(store, 8)
    draft = await store.draft(request(pin, head, 9))
    assert (draft.known, draft.since) == (1_000, len(draft.messages) - 1)
    await store.compact(Cut(conversation="talk-1", scope=opening().scope, head=head, turn=9))
    draft = await store.draft(request(pin, head, 9))
    assert (draft.known, draft.since) == (0, 0)


async def test_closing_twice_is_recorded_once(store, database):
    await store.open(opening())
    closing = Closing(conversation="talk-1", scope=opening().scope, turn=3, kind="loop", reason="A A A A A")
    await store.close(closing)
    await store.close(closing)
    entries = await Records(database).entries("run-1")
    assert [(entry["action"], entry["data"]["reason"]) for entry in entries] == [("ruling", "A A A A A")]


@given(st.lists(st.sampled_from(["user", "assistant"]), min_size=1, max_size=40), st.integers(0, 12))
def test_a_kept_tail_always_starts_with_a_whole_answer(roles, keep):
    roles = ["user", *roles]
    start = tail_start(roles, keep)
    assert 1 <= start < len(roles)
    assert start == 1 or (roles[start], roles[start - 1]) == ("assistant", "user")
    assert start <= max(len(roles) - keep, 1)
