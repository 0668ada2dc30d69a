"""Cutting conversations without any help of a model, on both databases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete
from temporalio.exceptions import ApplicationError

from activities.compaction import tail_start
from activities.conversation_tables import MessageRow, ToolResultRow
from activities.database import Database
from activities.messages import pairing_problem
from tests.activities.conversing import (
    cut_at,
    new_compactor,
    new_store,
    note,
    opening,
    request,
    say,
    take_turn,
    talk_for,
    think,
)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else f"sqlite:///{tmp_path}/talks.db"
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def store(database):
    return new_store(database)


@pytest.fixture
def compactor(database):
    return new_compactor(database)


async def test_a_cut_keeps_the_task_word_for_word_and_the_last_messages(store, compactor):
    pin, head = await talk_for(store, 8)
    whole = (await store.draft(request(pin, head, 9))).messages
    cut = await compactor.compact(cut_at(head, 9))
    after = (await store.draft(request(pin, head, 9))).messages
    assert cut.dropped == head - 1 - 7
    assert after[0] == whole[0]
    assert after[1]["content"][0]["text"].count("find_model (success)") == 4
    assert [message["role"] for message in after] == ["user", "user", *["assistant", "user"] * 4]
    assert pairing_problem(after) == ""
    assert cut.context < 1_000


async def test_thinking_from_before_a_cut_is_dropped_whole_and_later_thinking_stays(store, compactor):
    pin, head = await talk_for(store, 8)
    await compactor.compact(cut_at(head, 9))
    head = await take_turn(store, pin, head, 9, [think("new"), say("Done.")])
    draft = await store.draft(request(pin, head, 10, notes=(note("More."),)))
    kept = [block for message in draft.messages for block in message["content"] if block["type"] == "thinking"]
    assert kept == [think("new")]


async def test_cutting_twice_at_one_place_is_one_cut(store, compactor):
    _, head = await talk_for(store, 8)
    cut = cut_at(head, 9)
    assert await compactor.compact(cut) == await compactor.compact(cut)


async def test_a_cut_that_would_gain_nothing_is_neither_made_nor_paid_for(store, database):
    compactor = new_compactor(database, lambda _: pytest.fail("nothing is to be asked"))
    _, head = await talk_for(store, 2)
    cut = await compactor.compact(cut_at(head, 3))
    assert (cut.strategy, cut.dropped, cut.summary_digest, cut.tried) == ("none", 0, "", "")
    assert cut == await compactor.compact(cut_at(head, 3))


async def test_a_cut_keeps_what_a_person_said(store, compactor):
    pin = (await store.open(opening())).pin
    head = await take_turn(store, pin, 1, 1, [say("A" * 2_000)])
    head = await take_turn(store, pin, head, 2, [say("B" * 2_000)], notes=(note("Use linen, not silk.", "person"),))
    for turn in range(3, 8):
        head = await take_turn(store, pin, head, turn, [say("C")], notes=(note("Go on."),))
    await compactor.compact(cut_at(head, 8))
    draft = await store.draft(request(pin, head, 8, notes=(note("Go on."),)))
    assert "Use linen, not silk." in draft.messages[1]["content"][0]["text"]


async def test_a_damaged_order_stops_the_cut(store, compactor, database):
    _, head = await talk_for(store, 8)
    await database.run(
        lambda session: setattr(session.get(MessageRow, ("talk-1", 0)), "content", '[{"type":"text","text":"x"}]')
    )
    with pytest.raises(ApplicationError) as caught:
        await compactor.compact(cut_at(head, 9))
    assert caught.value.type == "ConversationDamaged"


async def test_the_known_prefix_is_counted_only_as_long_as_it_stands(store, compactor):
    pin, head = await talk_for(store, 8)
    draft = await store.draft(request(pin, head, 9))
    assert (draft.known, draft.since) == (1_000, len(draft.messages) - 1)
    await compactor.compact(cut_at(head, 9))
    draft = await store.draft(request(pin, head, 9))
    assert (draft.known, draft.since) == (0, 0)


@given(st.lists(st.sampled_from(["user", "assistant"]), min_size=1, max_size=40), st.integers(0, 12))
def test_a_kept_tail_always_starts_with_a_whole_answer(roles, keep):
    roles = ["user", *roles]
    start = tail_start(roles, keep)
    assert 1 <= start < len(roles)
    assert start == 1 or (roles[start], roles[start - 1]) == ("assistant", "user")
    assert start <= max(len(roles) - keep, 1)


async def test_a_turn_after_a_cut_reads_nothing_from_before_its_tail(store, compactor, database):
    pin, head = await talk_for(store, 8)
    cut = await compactor.compact(cut_at(head, 9))
    whole = await store.draft(request(pin, head, 9))
    await forget(database, cut.dropped)
    assert await store.draft(request(pin, head, 9)) == whole
    pin, head = await talk_for(store, 6, first=9, pin=pin, head=head)
    again = await compactor.compact(cut_at(head, 15))
    summary = (await store.draft(request(pin, head, 15))).messages[1]["content"][0]["text"]
    assert (again.strategy, again.dropped) == ("plain", head - 7 - 1)
    assert [f"mod_{turn}" in summary for turn in (1, 4, 5, 10)] == [True] * 4
    assert "mod_11" not in summary


async def forget(database, last):
    """Take away what no view needs any more."""

    def work(session):
        for table in (MessageRow, ToolResultRow):
            session.execute(delete(table).where(table.position.between(1, last)))

    await database.run(work)


async def test_a_tail_that_is_too_large_is_kept_in_part_and_always_whole(store, compactor):
    pin, head = await talk_for(store, 8, size=4_000, context=12_000)
    cut = await compactor.compact(cut_at(head, 9, window=6_000))
    after = (await store.draft(request(pin, head, 9))).messages
    assert cut.dropped == head - 1 - 1
    assert [message["role"] for message in after] == ["user", "user", "assistant", "user"]
    assert pairing_problem(after) == ""


async def test_cuts_of_an_unknown_conversation_are_our_bug(store, compactor):
    with pytest.raises(ApplicationError, match="no such conversation"):
        await compactor.compact(cut_at(3, 1, conversation="nobody"))


async def test_a_model_that_stepped_in_reads_what_the_cut_left(store, compactor):
    pin, head = await talk_for(store, 8)
    await compactor.compact(cut_at(head, 9, model="claude-opus-5-5"))
    drafts = [await store.draft(request(pin, head, 9, model=model)) for model in ("", "claude-opus-5-5")]
    assert drafts[0].messages == drafts[1].messages
