"""One agent: what it may say, and what becomes of it."""

from rehearsal.scripts import answer, call, calls, forever, say, think
from tests.scenarios.agents import DONE, assistant, bodies, halted, last_words, results
from workflows.models import Limits


async def test_an_agent_uses_its_tools_and_hands_in_an_answer(play):
    async with play(assistant(calls(call("look", place="the left"), call("look", place="the right")), DONE)) as stage:
        outcome = await stage.run_agent()
    assert (outcome.status, outcome.answer, outcome.spend.turns, outcome.spend.tool_calls) == (
        "complete",
        "It is done.",
        2,
        2,
    )


async def test_parallel_calls_of_one_reply_all_run_and_each_is_answered_once_in_their_order(play):
    several = calls(
        call("write_line", line="one"),
        call("look", place="the left"),
        call("break_down", place="Rome"),
        call("write_line", line="two"),
        call("no_such_tool"),
    )
    async with play(assistant(several, DONE)) as stage:
        outcome = await stage.run_agent()
        asked = [block["id"] for block in bodies(stage)[1]["messages"][1]["content"] if block["type"] == "tool_use"]
        answered = results(bodies(stage)[1])
        written = stage.notebook.lines
    assert outcome.status == "complete"
    assert [call_id for call_id, _, _ in answered] == asked
    assert [failed for _, _, failed in answered] == [False, False, True, False, True]
    assert sorted(written) == ["one", "two"]


async def test_an_output_that_does_not_fit_is_returned_with_the_precise_error_and_repaired(play):
    async with play(assistant(answer({"answr": 1}), say("Sorry, here it is."), DONE)) as stage:
        outcome = await stage.run_agent()
        first, second = last_words(bodies(stage)[1]), last_words(bodies(stage)[2])
    assert (outcome.status, outcome.spend.turns) == ("complete", 3)
    assert "answer: Field required" in first[0]
    assert "Invalid JSON" in second[0]


async def test_after_three_corrections_a_person_is_asked(play):
    async with play(assistant(forever(say("I would rather talk.")))) as stage:
        reason = await halted(stage, await stage.start_agent())
        requests = len(bodies(stage))
    assert "did not fit after 3 corrections" in reason
    assert requests == 4


async def test_an_empty_answer_is_an_output_that_does_not_fit(play):
    async with play(assistant(say(""), DONE)) as stage:
        outcome = await stage.run_agent()
    assert (outcome.status, outcome.spend.turns) == ("complete", 2)


async def test_thinking_is_sent_back_as_it_came_until_the_end(play):
    turns = [think(f"I look at place {number}.", call("look", place=str(number))) for number in range(3)]
    async with play(assistant(*turns, DONE)) as stage:  # the rehearsal refuses a block that was changed
        outcome = await stage.run_agent()
        signed = [block["type"] for message in bodies(stage)[-1]["messages"] for block in message["content"]]
    assert outcome.status == "complete"
    assert signed.count("thinking") == 3


async def test_a_system_prompt_of_our_own_takes_the_place_of_the_house_prompt(play):
    own = "You are the assistant of a florist."
    async with play(assistant(DONE)) as stage:
        await stage.run_agent(instructions=own, constraints=("Be brief.",), limits=Limits(max_tokens=700))
        body = bodies(stage)[0]
    assert [block["text"] for block in body["system"]] == [own]
    assert "Constraint: Be brief." in body["messages"][0]["content"][0]["text"]
    assert body["max_tokens"] == 700
