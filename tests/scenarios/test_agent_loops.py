"""An agent that goes in circles or drifts: told first, halted after that, and reminded of its goal on the way."""

from rehearsal.scripts import call, forever
from tests.scenarios.agents import DONE, assistant, bodies, decide, ended, halted, last_words
from workflows.models import Contract, Limits

LEFT, RIGHT = call("write_line", line="left"), call("write_line", line="right")


def nudges(stage):
    """Which requests brought a nudge, by their number."""
    every = enumerate(bodies(stage), start=1)
    return [number for number, body in every if any("going in circles" in text for text in last_words(body))]


async def test_five_identical_calls_are_nudged_and_the_next_one_halts_and_asks_a_person(play):
    async with play(assistant(forever(LEFT))) as stage:  # every result is new: the number of lines
        reason = await halted(stage, await stage.start_agent())
        nudge = last_words(bodies(stage)[5])
        requests, lines = len(bodies(stage)), len(stage.notebook.lines)
        told = nudges(stage)
    assert (requests, lines, told) == (6, 6, [6])
    assert any("The same call over and over: write_line with write_line(line=left)" in text for text in nudge)
    assert "Went on after the nudge at turn 5" in reason


async def test_an_alternation_is_nudged_and_then_halted_alike(play):
    async with play(assistant(LEFT, RIGHT, LEFT, RIGHT, LEFT, RIGHT, LEFT)) as stage:
        reason = await halted(stage, await stage.start_agent())
        requests, told = len(bodies(stage)), nudges(stage)
    assert (requests, told) == (6, [6])
    assert "The same 2 calls over and over" in reason


async def test_the_same_call_with_the_same_result_is_nudged_after_three_times(play):
    async with play(assistant(forever(call("look", place="the left")))) as stage:
        reason = await halted(stage, await stage.start_agent())
        requests, told = len(bodies(stage)), nudges(stage)
    assert (requests, told) == (4, [4])
    assert "The same call with the same result" in reason


async def test_an_agent_that_changes_course_after_the_nudge_is_not_halted(play):
    other = [call("look", place=f"door {number}") for number in range(4)]
    async with play(assistant(*[LEFT] * 5, *other, DONE)) as stage:
        outcome = await stage.run_agent()
        told = nudges(stage)
    assert (outcome.status, outcome.spend.turns, told) == ("complete", 10, [6])


async def test_a_halted_agent_goes_on_with_a_persons_note_and_may_call_again_what_it_called(play):
    turns = [*[LEFT] * 6, LEFT, DONE]
    async with play(assistant(*turns)) as stage:
        handle = await stage.start_agent()
        question = await stage.until_asked(handle)
        await decide(handle, "revise", "Once more, then stop.")
        outcome = await ended(handle)
        told = last_words(bodies(stage)[6])
    assert question["options"] == ["revise", "reject", "reassign"]
    assert (outcome.status, outcome.spend.turns) == ("complete", 8)
    assert "Vera answers: Once more, then stop." in told


async def test_every_five_turns_the_contract_comes_back_word_for_word_at_the_tail(play):
    goal, constraints, acceptance = "Find  the way —\n home.", ("Never run.",), ("You are at home.",)
    contract = Contract(goal=goal, constraints=constraints, acceptance=acceptance).text()
    turns = [call("write_line", line=f"step {number}") for number in range(11)]
    async with play(assistant(*turns, DONE)) as stage:
        outcome = await stage.run_agent(goal, constraints=constraints, acceptance=acceptance, limits=Limits(turns=30))
        reminded = [number for number, body in enumerate(bodies(stage), start=1) if contract in last_words(body)]
        task = bodies(stage)[-1]["messages"][0]["content"][0]["text"]
        prefixes = {str(body["system"]) for body in bodies(stage)}
    assert outcome.status == "complete"
    assert reminded == [6, 11]
    assert contract in task
    assert len(prefixes) == 1
