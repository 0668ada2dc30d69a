"""The prompt cache: what all agents share is written once, and a long conversation is mostly read."""

import asyncio
import json

from rehearsal.scripts import call, fail, forever, later, think
from tests.scenarios.agents import DONE, assistant, bodies, last_words
from workflows.models import Limits

RULE = (
    "Rule {}: keep the light soft, the fabric smooth, the background white, and never show a face that was not booked."
)
LONG = "You are the assistant of one run.\n" + "\n".join(RULE.format(number) for number in range(60))
FROZEN = ("model", "system", "tools", "output_config", "thinking")


def written_for_an_hour(entry):
    return entry.usage["cache_creation"]["ephemeral_1h_input_tokens"]


def share(entry):
    """The part of a prompt that was read from the cache."""
    read, usage = entry.usage["cache_read_input_tokens"], entry.usage
    return read / (read + usage["input_tokens"] + usage["cache_creation_input_tokens"])


def frozen(body):
    """What stands before the messages, to the byte."""
    return json.dumps({name: body[name] for name in FROZEN})


async def test_of_eight_agents_that_start_together_one_writes_what_all_share_and_the_others_read_it(play):
    async with play(assistant(forever(later(0.5, DONE)))) as stage:
        outcomes = await asyncio.gather(*(stage.run_agent(f"Shot {n}", instructions=LONG) for n in range(8)))
        every = stage.rehearsal.requests
        bill = stage.rehearsal.bill
    wrote = [written_for_an_hour(entry) for entry in every]
    assert ([outcome.status for outcome in outcomes], len(every)) == (["complete"] * 8, 8)
    assert (wrote[0] > 1_024, wrote[1:]) == (True, [0] * 7)
    assert [entry.usage["cache_read_input_tokens"] for entry in every] == [0] + [wrote[0]] * 7
    assert sum(outcome.spend.micro_usd for outcome in outcomes) == bill


async def test_where_the_call_that_goes_ahead_fails_the_others_go_on_without_it(play):
    asked = []

    def turn(request):
        asked.append(request.task)
        return fail(529, "overloaded_error").turn if len(asked) == 1 else later(0.5, DONE)

    async with play(assistant(forever(turn))) as stage:
        outcomes = await asyncio.gather(*(stage.run_agent(f"Shot {n}", instructions=LONG) for n in range(4)))
        bill = stage.rehearsal.bill
    assert ([outcome.status for outcome in outcomes], len(asked)) == (["complete"] * 4, 5)
    assert sum(outcome.spend.micro_usd for outcome in outcomes) == bill


async def test_over_twelve_turns_with_reminders_and_a_nudge_four_fifths_of_each_prompt_are_read(play):
    left = [think("Again.", call("write_line", line="left"))] * 5
    pages = [think(f"On to {number}.", call("look", place=f"door {number}")) for number in range(7)]
    async with play(assistant(*left, *pages, DONE)) as stage:
        outcome = await stage.run_agent(instructions=LONG, limits=Limits(turns=30))
        every, told = stage.rehearsal.requests, [last_words(body) for body in bodies(stage)]
    assert (outcome.status, len(every)) == ("complete", 13)
    assert any("going in circles" in text for text in told[5])
    assert [any("Goal:" in text for text in told[number]) for number in (5, 10)] == [True, True]
    assert min(share(entry) for entry in every[2:]) > 0.8
    assert [written_for_an_hour(entry) for entry in every[1:]] == [0] * 12


async def test_nothing_before_the_messages_changes_from_turn_to_turn_or_from_run_to_run(play):
    sent = []
    for goal, tenant in (("Find the way.", "default"), ("Photograph a dress.", "atelier")):
        async with play(assistant(*[call("look", place=f"door {n}") for n in range(6)], DONE)) as stage:
            await stage.run_agent(goal, tenant=tenant, limits=Limits(turns=6))
            sent += bodies(stage)
    assert len(sent) == 14
    assert len({frozen(body) for body in sent}) == 1
