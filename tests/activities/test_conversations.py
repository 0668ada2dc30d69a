"""The store of conversations, on both databases."""

import asyncio
import json
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from activities.conversation_tables import ConversationRow, MessageRow
from activities.database import Database
from activities.ledger import LedgerStore
from activities.ledger_rows import Bid, Bill
from activities.messages import dumps
from activities.paid_calls import Paid
from activities.records import Records
from activities.requests import prefix_of
from tests.activities.conversing import (
    CONTRACT,
    new_store,
    note,
    opening,
    request,
    result,
    say,
    take_turn,
    talk_for,
    think,
    use,
)
from workflows.models import Cap, Closing, Purse, Reply, Usage


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else f"sqlite:///{tmp_path}/talks.db"
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def store(database):
    return new_store(database)


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


async def test_closing_twice_is_recorded_once(store, database):
    await store.open(opening())
    closing = Closing(conversation="talk-1", scope=opening().scope, turn=3, kind="loop", reason="A A A A A", ruled=True)
    await store.close(closing)
    await store.close(closing)
    entries = await Records(database).entries("run-1")
    assert [(entry["action"], entry["data"]["reason"]) for entry in entries] == [("ruling", "A A A A A")]


async def test_opening_opens_the_accounts_and_keeps_their_chain(store, database):
    caps = (Cap(account="agent:talk-1", micro_usd=500), Cap(account="run:run-1", micro_usd=900))
    await store.open(opening(caps=caps, pipeline="shoot"))
    await store.open(opening(caps=(Cap(account="agent:talk-1", micro_usd=1),)))
    row = await database.read(lambda session: session.get(ConversationRow, "talk-1"))
    assert (json.loads(row.accounts), row.pipeline) == (["agent:talk-1", "run:run-1"], "shoot")
    purse = await LedgerStore(database).purse("talk-1")
    assert purse == Purse(total=0, left=500, account="agent:talk-1")


async def test_what_has_to_stay_is_estimated_when_a_conversation_opens(store):
    small = await store.open(opening())
    large = await store.open(opening(conversation="talk-2", task=f"{CONTRACT.text()} {'word ' * 4_000}"))
    shown = await store.open(opening(conversation="talk-3", images=("sha256:ab",)))
    assert 0 < small.context < shown.context
    assert large.context - small.context > 4_000


async def test_a_pin_remembers_the_digest_of_its_prefix(store):
    pin = (await store.open(opening())).pin
    pinned = (await store.draft(request(pin, 1, 1))).pin
    assert pinned["prefix"] == prefix_of({name: value for name, value in pinned.items() if name != "prefix"})


async def pay(ledger, key, micro_usd, *, turn=1):
    """An attempt whose reply has come, and is not settled yet."""
    bid = Bid(
        key=key,
        conversation="talk-1",
        position=1,
        turn=turn,
        kind="turn",
        model="claude-sonnet-5-5",
        wanted=5_000,
        least=5_000,
        source="table/1",
    )
    held = await ledger.reserve(bid)
    return Paid({}, held.attempt, Bill(micro_usd, known=True, usage=Usage(input=10)), 1.0)


async def test_a_reply_is_settled_with_its_bill_and_carries_the_purse(store, database):
    pin = (await store.open(opening(caps=(Cap(account="agent:talk-1", micro_usd=10_000),)))).pin
    asked, ledger = request(pin, 1, 1), LedgerStore(database)
    await ledger.lose((await pay(ledger, "lost", 0)).attempt, "the stream ended")
    paid = await pay(ledger, "whole", 1_200)
    reply = Reply(head=2, turn=1, stop="end_turn")
    kept = await store.commit(asked, await store.draft(asked), [say("Done.")], reply, {}, paid=paid, needs=77)
    assert kept.micro_usd == 5_000 + 1_200
    assert kept.purse == Purse(total=6_200, left=3_800, account="agent:talk-1", needs=77)
    assert kept == await store.find_reply(asked)


async def test_a_reply_that_is_not_kept_was_paid_for_all_the_same(store, database):
    pin = (await store.open(opening(caps=(Cap(account="agent:talk-1", micro_usd=10_000),)))).pin
    asked, ledger = request(pin, 1, 1), LedgerStore(database)
    draft, reply = await store.draft(asked), Reply(head=2, turn=1, stop="end_turn")
    bills = [await pay(ledger, "one", 1_200), await pay(ledger, "two", 700)]
    kept = [await store.commit(asked, draft, [say("Done.")], reply, {}, paid=paid) for paid in bills]
    assert kept[0] == kept[1]
    assert (await ledger.purse("talk-1")).total == 1_900


async def test_closing_tells_what_a_conversation_came_to(store, database):
    await store.open(opening(caps=(Cap(account="agent:talk-1", micro_usd=10_000),)))
    ledger = LedgerStore(database)
    await ledger.lose((await pay(ledger, "lost", 0)).attempt, "the stream ended")
    closing = Closing(conversation="talk-1", scope=opening().scope, turn=3, kind="loop", reason="A A A A A", ruled=True)
    assert (await store.close(closing)).purse == Purse(total=5_000, left=5_000, account="agent:talk-1")


async def test_only_ids_that_were_used_before_are_found(store):
    await talk_for(store, 2)
    assert await store.used_ids("talk-1", ["call_1", "call_9"]) == {"call_1"}
    assert await store.used_ids("talk-2", ["call_1"]) == await store.used_ids("talk-1", []) == frozenset()


async def test_each_model_reads_its_own_thinking_and_never_that_of_another(store):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [think("mine"), say("A")])
    other = {"model": "claude-opus-5-5", "notes": (note("Go on."),)}
    head = await take_turn(store, pin, head, 2, [think("theirs"), say("B")], **other)
    for model, kept in (("", [think("mine")]), ("claude-opus-5-5", [think("theirs")])):
        draft = await store.draft(request(pin, head, 3, model=model, notes=(note("Go on."),)))
        blocks = [block for message in draft.messages for block in message["content"]]
        assert [block for block in blocks if block["type"] == "thinking"] == kept
        assert [block["text"] for block in blocks if block["type"] == "text"][1:3] == ["A", "Go on."]
        assert draft.model == (model or "claude-sonnet-5-5")


async def test_only_the_model_that_is_asked_has_counted_a_prefix(store):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [say("A")], context=900)
    head = await take_turn(store, pin, head, 2, [say("B")], context=700, model="claude-opus-5-5", notes=(note("On."),))
    drafts = [await store.draft(request(pin, head, 3, model=m, notes=(note("On."),))) for m in ("", "claude-opus-5-5")]
    assert [(draft.known, draft.since) for draft in drafts] == [(900, 2), (700, 4)]


async def test_a_refusal_is_kept_and_not_sent_again(store, database):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [use("call_1")], stop="tool_use")
    await store.put_result(result("call_1", 1, "{}"))
    head = await take_turn(store, pin, head, 2, [say("I will not."), use("call_2")], stop="refusal")
    other = await store.draft(request(pin, head, 3, model="claude-opus-5-5", resume=True))
    assert (other.user, other.position, other.messages[-1]["role"]) == (None, head, "user")
    head = await take_turn(store, pin, head, 3, [say("I will.")], model="claude-opus-5-5", resume=True)
    head = await take_turn(store, pin, head, 4, [], stop="refusal", notes=(note("And now?"),))
    draft = await store.draft(request(pin, head, 5, notes=(note("Please."),)))
    roles = [message["role"] for message in draft.messages]
    assert roles == ["user", "assistant", "user", "assistant", "user", "user"]
    assert "I will not." not in dumps(draft.messages)
    kept = await Records(database).transcript("talk-1")
    assert "I will not." in dumps([message["content"] for message in kept[0]["messages"]])
