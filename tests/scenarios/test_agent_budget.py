"""An agent and its caps: each is checked before the call, and the agent may hand in what it has."""

import asyncio
import re
from datetime import timedelta

from rehearsal.scripts import call, calls, forever, later
from tests.scenarios.agents import DONE, assistant, bodies, decide, ended, halted, last_words, results
from workflows.models import Limits

STEPS = [call("write_line", line=f"step {number}") for number in range(30)]


def is_last(body):
    """Tell whether a request gives the agent its last turn, in which it has no tools."""
    told = any("This is your last turn" in text for text in last_words(body))
    assert told == (body.get("tool_choice") == {"type": "none"})
    return told


async def test_a_cap_that_does_not_cover_the_first_call_stops_before_it(play):
    async with play(assistant(forever(DONE))) as stage:
        handle = await stage.start_agent(limits=Limits(micro_usd=100))
        reason = await halted(stage, handle)
        outcome = await handle.result()
        requests = len(bodies(stage))
    assert "the call needs at least $" in reason
    assert (requests, outcome.spend.micro_usd) == (0, 0)


async def test_a_run_never_spends_more_than_its_cap_in_dollars(play):
    cap = 20_000
    async with play(assistant(*STEPS)) as stage:
        handle = await stage.start_agent(limits=Limits(micro_usd=cap, turns=40))
        reason = await halted(stage, handle)
        outcome = await handle.result()
        paid = sum(entry.usage is not None for entry in stage.rehearsal.requests)
        [line] = await stage.records.costs(handle.id)
    assert "cost $" in reason
    assert 0 < outcome.spend.micro_usd <= cap
    assert (line["micro_usd"], line["calls"]) == (outcome.spend.micro_usd, paid)


async def test_when_the_money_runs_low_there_is_one_last_turn_without_tools_to_hand_in(play):
    def costly(request):
        return wasteful(DONE if is_last(request.body) else STEPS[request.turn], request.max_tokens)

    async with play(assistant(forever(costly))) as stage:
        outcome = await stage.run_agent(limits=Limits(micro_usd=100_000, turns=40))
        last = [is_last(body) for body in bodies(stage)]
    assert outcome.status == "complete"
    assert last == [False] * (len(last) - 1) + [True]
    assert outcome.spend.micro_usd <= 100_000


def wasteful(turn, most):
    """A turn that bills two thousand tokens of output, or all that it may."""
    return type(turn)(turn.blocks, usage={"output_tokens": min(2_000, most)})


async def test_at_its_cap_of_turns_an_agent_gets_one_more_to_hand_in(play):
    async with play(assistant(*STEPS[:3], DONE)) as stage:
        outcome = await stage.run_agent(limits=Limits(turns=3))
        last = [is_last(body) for body in bodies(stage)]
    assert (outcome.status, outcome.spend.turns) == ("complete", 4)
    assert last == [False, False, False, True]


async def test_an_agent_that_does_not_hand_in_on_its_last_turn_goes_to_a_person(play):
    async with play(assistant(*STEPS)) as stage:
        reason = await halted(stage, await stage.start_agent(limits=Limits(turns=3)))
        requests = len(bodies(stage))
    assert "turns 4 of 3" in reason
    assert requests == 4


async def test_of_a_reply_with_more_calls_than_are_left_only_those_are_run(play):
    async with play(assistant(calls(*STEPS[:4]), DONE)) as stage:
        outcome = await stage.run_agent(limits=Limits(tool_calls=2))
        written, answered = stage.notebook.lines, results(bodies(stage)[1])
        last = is_last(bodies(stage)[1])
    assert (outcome.status, last) == ("complete", True)
    assert sorted(written) == ["step 0", "step 1"]
    assert [is_error for _, _, is_error in answered] == [False, False, True, True]
    assert "not executed" in answered[2][1]["error"]


async def test_a_run_never_bills_more_tokens_than_its_cap(play):
    limits = Limits(tokens=9_000, turns=40, least_tokens=100)
    async with play(assistant(*STEPS)) as stage:
        handle = await stage.start_agent(limits=limits)
        reason = await halted(stage, handle)
        outcome = await handle.result()
        rooms = [body["max_tokens"] for body in bodies(stage)]
        last = [is_last(body) for body in bodies(stage)]
    assert "tokens" in reason
    assert outcome.spend.usage.total <= limits.tokens
    assert last == [False] * (len(last) - 1) + [True]
    assert rooms[-1] < rooms[0]


async def test_when_its_time_is_up_an_agent_makes_no_other_call(play):
    slow = later(1.2, call("look", place="the left"))
    async with play(assistant(forever(slow))) as stage:
        handle = await stage.start_agent(limits=Limits(wall=timedelta(seconds=1)))
        reason = await halted(stage, handle)
        requests = len(bodies(stage))
    assert re.search(r"time \d+ s of 1 s", reason)
    assert requests == 1


async def test_the_time_that_a_person_takes_to_answer_is_not_the_agents(play):
    script = assistant(call("escalate_to_human", reason="Which way?"), DONE)
    async with play(script) as stage:
        handle = await stage.start_agent(limits=Limits(wall=timedelta(seconds=4)))
        await stage.until_asked(handle)
        await asyncio.sleep(4.5)
        await decide(handle, "revise", "Left.")
        outcome = await ended(handle)
    assert outcome.status == "complete"
