"""The scenario kit: a user's pipeline on a real server, with mocked tools, time that passes, and faults."""

from datetime import timedelta

import pytest

from activities.tools import TOOLS
from activities.tools.definition import Arguments, Declined, tool
from activities.tools.people import escalate_to_human
from screentest import Mock, Script, answer, call, fail, forever, hang_up, slow
from tests.scenarios.own_processes import NoteEach, Notes, StampCleared
from tests.scenarios.test_process import stamp

NOTED = answer({"text": "noted"})
ASKS = call("escalate_to_human", reason="I need a pen.")


class Parcel(Arguments):
    to: str


@tool(effect="once", timeout=timedelta(seconds=1), permit="to")
async def send(parcel: Parcel) -> dict[str, str]:
    """Send a parcel."""
    raise AssertionError(f"nobody mocked it, and {parcel.to} gets a parcel")


@tool(effect="read", timeout=timedelta(seconds=1))
async def look(parcel: Parcel) -> dict[str, str]:
    """Look for a parcel."""
    raise AssertionError(f"nobody mocked it, and {parcel.to} is looked for")


@pytest.fixture
def office(play):
    """A stage for the clerk's processes; `real` tools may be mocked."""
    stamping = Mock(stamp, {"stamped": "yes"})

    def set_stage(*turns, tools=(), **more):
        tools = (escalate_to_human, stamping.tool, *tools)
        return play(Script({"clerk": list(turns)}), tools=tools, pipelines=(NoteEach, StampCleared), **more)

    set_stage.stamping = stamping
    return set_stage


async def test_a_process_runs_a_person_decides_and_the_story_is_told(office):
    async with office(ASKS, NOTED) as stage:
        handle = await stage.start(NoteEach.run, Notes())
        await stage.decide(handle, "revise", "Here is a pen.", by="Noor")
        assert await stage.outcome(handle) == ["noted"]
        story = await stage.story(handle)
    story.used("escalate_to_human", times=1, reason="I need a pen.").never_used("stamp")
    story.asked("I need a pen.").decided("revise", by="Noor").handed_in("noted").cost_at_most(0.05)
    assert story.turns("clerk") == 2


async def test_a_sentence_that_does_not_hold_shows_the_whole_story(office):
    async with office(NOTED) as stage:
        handle = await stage.start(NoteEach.run, Notes())
        await stage.outcome(handle)
        story = await stage.story(handle)
    story.asked_nobody()
    for claim, says in (
        (lambda: story.used("stamp"), "stamp() to be called at least once; it was called 0 times"),
        (lambda: story.asked("a pen"), "a person to be asked about 'a pen'; asked: []"),
        (lambda: story.decided("approve"), "somebody to choose approve; chosen: []"),
        (lambda: story.refused("stamp", "schema"), "a call of stamp to be refused schema"),
        (lambda: story.ruled("nudge"), "a guard to rule nudge; rulings: []"),
        (lambda: story.handed_in("ink"), "'ink' to be handed in"),
        (lambda: story.cost_at_most(0), "at most $0.0000; it cost $"),
    ):
        with pytest.raises(AssertionError) as told:
            claim()
        assert says in str(told.value)
        assert "The story of noteeach-" in str(told.value)
        assert "final_output" in str(told.value)


async def test_a_mock_is_checked_like_the_real_tool_and_counts_only_what_was_run(office):
    async with office(call("stamp", thing="two"), call("stamp", thing="one"), NOTED) as stage:
        handle = await stage.start(StampCleared.run, Notes())
        await stage.outcome(handle)
        story = await stage.story(handle)
    story.used("stamp", times=2).refused("stamp", "permission", hint="cleared now: one")
    assert [each.arguments.thing for each in office.stamping.calls] == ["one"]
    assert office.stamping.count == 1


async def test_a_mock_answers_refuses_breaks_and_is_slow_one_after_the_other(play):
    looking = Mock(look, {"at": "home"}, Declined("not here"), ConnectionError("no line"), slow(30))
    turns = [*(call("look", to=f"place {number}") for number in range(4)), answer({"answer": "Done."})]
    async with play(Script({"assistant": turns}), tools=(*TOOLS, looking.tool)) as stage:
        handle = await stage.start_agent(tools=("look",))
        await stage.outcome(handle)
        story = await stage.story(handle)
    story.used("look", times=4).refused("look", "conflict", "not here")
    story.refused("look", "raised", "no line").refused("look", "raised", "took longer than 1 s")
    assert looking.count == 4


async def test_a_mocked_effect_happens_once_and_needs_what_the_real_one_needs(play):
    sending = Mock(send, lambda parcel: {"sent": parcel.to})
    turns = [call("send", to="Ama"), answer({"answer": "Done."})]
    async with play(Script({"assistant": turns}), tools=(*TOOLS, sending.tool)) as stage:
        handle = await stage.start_agent(tools=("send",))
        await stage.outcome(handle)
        story = await stage.story(handle)
    story.refused("send", "permission")
    assert sending.count == 0


async def test_hours_pass_in_a_moment_and_silence_is_reminded_of_and_then_rejected(office):
    async with office(ASKS) as stage:
        handle = await stage.start(NoteEach.run, Notes())
        question = await stage.asked(handle)
        await stage.pass_time(handle, timedelta(hours=5))
        reminded = [notice.kind for notice in await stage.world.people.questions(handle.id)]
        await stage.pass_time(handle, timedelta(hours=20))
        outcome = await stage.outcome(handle)
        notices = await stage.world.people.questions(handle.id)
    assert outcome == [f"nothing: {question.reason}"]
    assert reminded == ["question", "reminder"]
    assert [notice.kind for notice in notices] == ["question", "reminder", "expired"]
    assert notices[2].at - notices[0].at >= timedelta(hours=24)


async def test_faults_of_the_endpoint_are_overcome_and_told(office):
    async with office(fail(529, "overloaded_error", retry_after=0), hang_up(2), NOTED) as stage:
        handle = await stage.start(NoteEach.run, Notes())
        assert await stage.outcome(handle) == ["noted"]
        story = await stage.story(handle)
    assert sum(entry["action"] == "error" for entry in story.entries) == 2


async def test_new_workers_go_on_where_the_old_ones_stood(office):
    async with office(ASKS, NOTED) as stage:
        handle = await stage.start(NoteEach.run, Notes())
        await stage.asked(handle)
        await stage.restart()
        await stage.decide(handle, "revise", "Go on.")
        assert await stage.outcome(handle) == ["noted"]


async def test_work_waits_for_workers_that_rest(office):
    async with office(forever(NOTED), working=False) as stage:
        handle = await stage.start(NoteEach.run, Notes())
        assert stage.rehearsal.requests == ()
        await stage.work()
        assert await stage.outcome(handle) == ["noted"]
