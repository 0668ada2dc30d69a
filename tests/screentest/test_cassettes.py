"""Cassettes: taped once while somebody replies, without secrets, then played for nothing."""

import json

import pytest
from anthropic import AsyncAnthropic

from activities.tools import TOOLS
from activities.tools.people import escalate_to_human
from rehearsal.scripts import think
from rehearsal.server import Rehearsal
from screentest import Cassette, Mock, Script, answer, call, fail, taped
from screentest.taping import whole
from tests.scenarios.own_processes import NoteEach, Notes
from tests.scenarios.test_process import stamp

SECRET = "sk-ant-api03-notakey"
TURNS = [
    fail(529, "overloaded_error", retry_after=0),
    think("I shall stamp it first.", call("stamp", thing=f"the key {SECRET}")),
    answer({"text": "noted, ask ama@example.com"}),
]


def stage_of(play, player, **more):
    tools = (*TOOLS, Mock(stamp).tool)
    return play(player, tools=tools, pipelines=(NoteEach,), **more)


@pytest.fixture
async def tape(play, tmp_path):
    """A cassette, taped while a rehearsal stands in for the real endpoint."""
    path = tmp_path / "tapes" / "clerk.json"
    async with Rehearsal(Script({"clerk": lambda _: TURNS})) as endpoint:
        client = AsyncAnthropic(api_key=SECRET, base_url=endpoint.url, max_retries=0)
        async with taped(path, client) as model, stage_of(play, Script({}), model=model) as stage:
            handle = await stage.start(NoteEach.run, Notes(about=("one", "two")))
            await stage.outcome(handle)
            (tmp_path / "cost").write_text(str((await stage.story(handle)).micro_usd))
    return path


async def test_what_was_taped_is_played_for_nothing_and_costs_what_it_did(play, tape):
    async with stage_of(play, Cassette(tape)) as stage:
        handle = await stage.start(NoteEach.run, Notes(about=("one", "two")))
        outcome = await stage.outcome(handle)
        story = await stage.story(handle)
    assert outcome == ["noted, ask [REDACTED]"] * 2
    story.used("stamp", times=2, thing="the key [REDACTED]")
    assert story.micro_usd == int((tape.parent.parent / "cost").read_text())


async def test_a_cassette_holds_whole_replies_and_no_secret(tape):
    text = tape.read_text()
    replies = json.loads(text)["replies"]
    assert sorted((reply["agent"], reply["turn"]) for reply in replies) == [("clerk", 1)] * 2 + [("clerk", 2)] * 2
    assert [block["type"] for block in replies[0]["content"]] == ["thinking", "tool_use"]
    assert '"name": "stamp"' in text
    assert not any(word in text for word in ("sk-ant", "ama@example.com", "x-api-key", "signature"))


async def test_an_agent_that_has_changed_since_is_told_to_be_taped_again(play, tape):
    async with play(Cassette(tape), tools=(escalate_to_human, Mock(stamp).tool), pipelines=(NoteEach,)) as stage:
        handle = await stage.start(NoteEach.run, Notes(about=("something else",)))
        question = await stage.asked(handle)
        await stage.decide(handle, "reject")
        await stage.outcome(handle)
        texts = [entry.error for entry in stage.rehearsal.requests]
    assert question.reason
    assert "'clerk' was never taped with this task at turn 1; tape it again" in texts[0]


async def test_instructions_that_have_changed_since_are_noticed(tape):
    cassette = Cassette(tape)
    async with Rehearsal(cassette) as endpoint:
        client = AsyncAnthropic(api_key="x", base_url=endpoint.url, max_retries=0)
        with pytest.raises(Exception, match="the instructions or tools of 'clerk' have changed; tape it again"):
            await client.messages.create(
                model="claude-opus-5-5",
                max_tokens=100,
                system="You are the clerk of another office.",
                messages=[{"role": "user", "content": "Note it."}],
            )


def test_a_cassette_that_is_missing_or_none_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="tape it once, with `taped"):
        Cassette(tmp_path / "none.json")
    (tmp_path / "none.json").write_text('{"replies": [1]}')
    with pytest.raises(ValueError, match=r"none\.json is no cassette"):
        Cassette(tmp_path / "none.json")


def test_a_reply_that_broke_off_is_not_taped():
    start = {"type": "message_start", "message": {"content": [], "usage": {}, "model": "m", "stop_reason": None}}
    assert whole(f"data: {json.dumps(start)}\n\n".encode()) is None
    assert whole(b"") is None
