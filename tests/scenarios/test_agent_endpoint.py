"""An agent and the model's endpoint: whatever it answers, or does not answer, the run ends well."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rehearsal.scripts import (
    break_off,
    call,
    calls,
    cut,
    fail,
    forever,
    garble,
    hang_up,
    pause,
    refuse,
    say,
    stop,
    truncate,
)
from tests.scenarios.agents import (
    DONE,
    assistant,
    bodies,
    by_goal,
    count,
    decide,
    ended,
    halted,
    last_words,
    results,
    tool_use,
    wire,
)
from workflows.models import Limits

STUMBLES = {
    "overload": fail(529, "overloaded_error", retry_after=0.1),
    "limit": lambda _: fail(429, "rate_limit_error", retry_after=datetime.now(UTC) + timedelta(seconds=2)).turn,
    "outage": fail(500, "api_error"),
    "ends": truncate(after=4),
    "error": break_off(),
    "silence": hang_up(after=0),
    "middle": hang_up(after=4),
    "garbled": garble(),
}


async def test_an_endpoint_that_stumbles_is_asked_again_and_every_agent_ends_well(play):
    look = call("look", place="the left")
    async with play(by_goal(**{goal: [look, stumble, DONE] for goal, stumble in STUMBLES.items()})) as stage:
        outcomes = await asyncio.gather(*(stage.run_agent(goal) for goal in STUMBLES))
        requests = len(bodies(stage))
    assert {goal: outcome.status for goal, outcome in zip(STUMBLES, outcomes, strict=True)} == dict.fromkeys(
        STUMBLES, "complete"
    )
    assert {outcome.spend.turns for outcome in outcomes} == {2}
    assert requests == 3 * len(STUMBLES)


async def test_a_stream_that_broke_counts_at_its_reservation_and_a_refused_call_is_free(play):
    async with play(by_goal(free=[fail(529, "overloaded_error"), DONE], lost=[truncate(), DONE])) as stage:
        free, lost = await asyncio.gather(stage.run_agent("free"), stage.run_agent("lost"))
    assert free.status == lost.status == "complete"
    assert lost.spend.micro_usd > 2 * free.spend.micro_usd > 0


STOPS = {
    "refusal": (refuse("cyber", "I will not."), "refused (cyber): I will not."),
    "unknown": (stop("tired", call("write_line", line="never")), "'tired'"),
    "null": (stop(None, call("write_line", line="never")), "None"),
    "rejected": (fail(400, "invalid_request_error", "tools.0: no such thing"), "tools.0: no such thing"),
    "key": (fail(401, "authentication_error", "invalid x-api-key"), "anthropic.authentication_error"),
    "money": (fail(402, "billing_error", "no credit"), "anthropic.billing_error"),
    "twice": (forever(cut(say("A long story without an end."))), "Two replies in a row were cut off"),
}


@pytest.mark.parametrize("kind", STOPS)
async def test_what_no_other_try_can_heal_asks_a_person_and_says_why(play, kind):
    turn, why = STOPS[kind]
    async with play(assistant(turn, DONE)) as stage:
        handle = await stage.start_agent()
        reason = await halted(stage, handle)
        written, requests = stage.notebook.lines, len(bodies(stage))
        failed_tasks = await count(handle, "WORKFLOW_TASK_FAILED")
    assert why in reason
    assert (written, requests, failed_tasks) == ([], 2 if kind == "twice" else 1, 0)


async def test_after_such_a_halt_a_person_can_let_the_agent_go_on(play):
    healed = {kind: [turn, DONE] for kind, (turn, _) in STOPS.items() if kind != "twice"}
    async with play(by_goal(**healed)) as stage:
        handles = [await stage.start_agent(kind) for kind in healed]
        for handle in handles:
            await stage.until_asked(handle)
            await decide(handle, "revise", "Try again.")
        outcomes = [await ended(handle) for handle in handles]
        written = stage.notebook.lines
    assert [outcome.status for outcome in outcomes] == ["complete"] * len(healed)
    assert written == []


async def test_a_reply_with_calls_that_cannot_be_told_apart_is_left_out_once_a_person_says_go_on(play):
    twins = wire(*[tool_use("write_line", '{"line": "never"}', "toolu_1")] * 2, stop="tool_use")
    nameless = wire(tool_use("write_line", '{"line": "never"}', ""), stop="tool_use")
    async with play(by_goal(twins=[twins, DONE], nameless=[nameless, DONE])) as stage:
        handles = [await stage.start_agent("twins"), await stage.start_agent("nameless")]
        for handle in handles:
            await stage.until_asked(handle)
            await decide(handle, "revise", "Go on.")
        outcomes = [await ended(handle) for handle in handles]
        written = stage.notebook.lines
    assert [outcome.status for outcome in outcomes] == ["complete", "complete"]
    assert written == []


async def test_a_model_without_a_known_price_is_never_called(play):
    async with play(assistant(forever(DONE))) as stage:
        reason = await halted(stage, await stage.start_agent(model="claude-nobody-9"))
        requests = len(bodies(stage))
    assert "no price is known for the model claude-nobody-9" in reason
    assert requests == 0


async def test_a_call_that_was_cut_off_is_answered_with_an_error_and_the_cap_is_raised_once(play):
    severed = cut(calls(call("write_line", line="whole"), call("write_line", line="x" * 400)))
    async with play(assistant(severed, call("write_line", line="short"), DONE)) as stage:
        outcome = await stage.run_agent()
        first, second, third = bodies(stage)
        answered, told = results(second), last_words(second)
        written = stage.notebook.lines
    assert (outcome.status, written) == ("complete", ["short"])
    assert [is_error for _, _, is_error in answered] == [True, True]
    assert "not executed" in answered[0][1]["error"]
    assert any("cut off" in text for text in told)
    assert second["max_tokens"] == third["max_tokens"] == 2 * first["max_tokens"]


async def test_the_output_cap_is_doubled_once_however_often_replies_are_cut_off(play):
    severed = cut(calls(call("write_line", line="whole"), call("write_line", line="x" * 400)))
    short = [call("write_line", line=f"line {number}") for number in range(2)]
    async with play(assistant(severed, short[0], severed, short[1], DONE)) as stage:
        outcome = await stage.run_agent()
        rooms = [body["max_tokens"] for body in bodies(stage)]
    assert outcome.status == "complete"
    assert rooms == [rooms[0], *[2 * rooms[0]] * 4]


async def test_the_endpoint_may_ask_for_longer_than_there_is_patience_and_a_person_is_asked_in_time(play):
    busy = forever(fail(529, "overloaded_error", retry_after=3_000).turn)
    async with play(assistant(busy)) as stage:
        reason = await halted(stage, await stage.start_agent(limits=Limits(patience=timedelta(seconds=3))))
        requests = len(bodies(stage))
    assert "overloaded_error" in reason
    assert requests == 2  # at once, and when the time was up


async def test_the_time_that_the_endpoint_asks_for_is_not_the_agents(play):
    busy = fail(429, "rate_limit_error", retry_after=4)
    async with play(assistant(busy, call("look", place="the left"), DONE)) as stage:
        outcome = await stage.run_agent(limits=Limits(wall=timedelta(seconds=4)))
        requests = len(bodies(stage))
    assert (outcome.status, requests) == ("complete", 3)


async def test_a_paused_turn_is_sent_back_as_it_is_and_goes_on(play):
    async with play(assistant(pause("Searching.", query="dresses"), DONE)) as stage:
        outcome = await stage.run_agent()
        first, second = bodies(stage)
    assert (outcome.status, outcome.spend.turns) == ("complete", 2)
    assert [message["role"] for message in second["messages"]] == ["user", "assistant"]
    assert second["messages"][:1] == first["messages"]
    assert second["messages"][1]["content"][0] == {"type": "text", "text": "Searching."}


async def test_a_refusal_is_not_asked_again_but_kept_with_what_was_said(play):
    async with play(assistant(replace(refuse("cyber", "No."), usage={"output_tokens": 7}), DONE)) as stage:
        handle = await stage.start_agent()
        await halted(stage, handle)
        outcome = await handle.result()
        kinds = [entry["data"].get("kind") for entry in await stage.records.entries(handle.id)]
    assert outcome.spend.usage.output == 7
    assert "refusal" in kinds
