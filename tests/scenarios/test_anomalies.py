"""Spending far above what is usual: the records tell, and where an operator wants that, a person looks first."""

from dataclasses import replace

from rehearsal.scripts import call, forever
from tests.scenarios.agents import DONE, bodies, by_goal, count, decide, ended

ALERTED = {"alert_sample": 3}
PAUSED = {**ALERTED, "alert_pause": True}


def billed(tokens, turn):
    """A turn that bills so many tokens of output; all else in it costs little beside them."""
    return replace(turn, usage={"output_tokens": tokens})


USUAL = forever(billed(2_000, DONE))
STEPS = [billed(1_900, call("write_line", line=f"step {number}")) for number in range(7)]
"""Each costs what a usual run costs, so that the sixth is too much for one run, and none for one turn."""
LONG_TURN = billed(14_000, call("write_line", line="a long one"))


async def spend_the_usual(play, runs=3):
    """Have a few runs of the pipeline, in a process that ended since."""
    async with play(by_goal(usual=[USUAL])) as stage:
        return [(await stage.run_agent("usual")).spend.micro_usd for _ in range(runs)]


async def anomalies(stage, handle):
    """What the records tell of: where it was noticed, and what was found."""
    every = await stage.records.entries(handle.id)
    return [(entry["turn"], entry["data"]["of"]) for entry in every if entry["data"].get("kind") == "anomaly"]


async def questions(stage, handle):
    return [notice.question.reason for notice in await stage.world.people.questions(handle.id)]


async def test_a_run_that_costs_six_times_the_usual_waits_for_a_person_who_lets_it_go_on(play):
    usual = await spend_the_usual(play)
    async with play(by_goal(dear=[*STEPS, billed(1_900, DONE)]), settings=PAUSED) as stage:
        handle = await stage.start_agent("dear")
        question = await stage.until_asked(handle)
        requests, written = len(bodies(stage)), len(stage.notebook.lines)
        await decide(handle, "revise", "It is a large one.")
        outcome = await ended(handle)
        found, asked = await anomalies(stage, handle), await questions(stage, handle)
        failed_tasks = await count(handle, "WORKFLOW_TASK_FAILED")
    assert (requests, written) == (6, 6)
    assert "This run has cost $0.12, more than 5 times the usual $0.02" in question["reason"]
    assert "median of 3 runs" in question["reason"]
    assert 5 * usual[0] < question["micro_usd"] < 6.5 * usual[0]
    assert (outcome.status, outcome.spend.turns, failed_tasks) == ("complete", 8, 0)
    assert found == [(6, "run")]
    assert set(asked) == {question["reason"]}


async def test_a_person_may_end_a_run_that_costs_too_much(play):
    await spend_the_usual(play)
    async with play(by_goal(dear=STEPS), settings=PAUSED) as stage:
        handle = await stage.start_agent("dear")
        await stage.until_asked(handle)
        await decide(handle, "reject", "Not for that.")
        outcome = await ended(handle)
        requests = len(bodies(stage))
    assert (outcome.status, outcome.reason, requests) == ("failed", "Not for that.", 6)


async def test_where_nobody_wants_to_be_asked_the_records_tell_and_the_run_goes_on(play):
    await spend_the_usual(play)
    async with play(by_goal(dear=[*STEPS, billed(1_900, DONE)]), settings=ALERTED) as stage:
        handle = await stage.start_agent("dear")
        outcome = await ended(handle)
        found, asked = await anomalies(stage, handle), await questions(stage, handle)
    assert (outcome.status, outcome.spend.turns) == ("complete", 8)
    assert (found, asked) == ([(6, "run")], [])


async def test_a_single_turn_that_costs_far_too_much_is_found_by_itself(play):
    await spend_the_usual(play)
    limits = {"max_tokens": 20_000}
    async with play(by_goal(dear=[LONG_TURN, billed(100, DONE)]), settings=PAUSED) as stage:
        handle = await stage.start_agent("dear", limits=limits)
        question = await stage.until_asked(handle)
        await decide(handle, "revise", "Go on.")
        outcome = await ended(handle)
        found = await anomalies(stage, handle)
    assert "This turn has cost $0.14, more than 5 times the usual $0.02" in question["reason"]
    assert (outcome.status, outcome.spend.turns) == ("complete", 2)
    assert sorted(found) == [(1, "run"), (1, "turn")]


async def test_as_long_as_nobody_knows_what_is_usual_nothing_is_out_of_the_ordinary(play):
    await spend_the_usual(play, runs=2)
    async with play(by_goal(dear=[*STEPS, billed(1_900, DONE)]), settings=PAUSED) as stage:
        handle = await stage.start_agent("dear")
        outcome = await ended(handle)
        found = await anomalies(stage, handle)
    assert (outcome.status, outcome.spend.turns, found) == ("complete", 8, [])
