"""Money under pressure: caps at every level, what happens near them, and who may raise them."""

import asyncio
from datetime import timedelta

from rehearsal.scripts import answer, call, forever, hang_up
from tests.scenarios.agents import DONE, assistant, bodies, by_goal, decide, ended, halted, last_words, spends
from workflows.models import AccountQuery, Limits, ReviewPolicy

STEPS = [call("write_line", line=f"step {number}") for number in range(40)]
SILENCE = ReviewPolicy(remind_after=timedelta(), deadline=timedelta())


def step(request):
    """One step further; on the last turn hand in."""
    if request.body.get("tool_choice") == {"type": "none"}:
        return answer({"answer": "half of it"})
    return call("write_line", line=f"line {request.turn}")


async def test_near_its_cap_an_agents_output_shrinks_before_anything_else_happens(play):
    async with play(assistant(forever(spends(900, step)))) as stage:
        outcome = await stage.run_agent(limits=Limits(micro_usd=60_000, turns=40))
        rooms = [body["max_tokens"] for body in bodies(stage)]
        last = [body.get("tool_choice") == {"type": "none"} for body in bodies(stage)]
    assert outcome.status == "complete"
    assert rooms[0] == 4_096 > rooms[-2] >= rooms[-1] >= 512
    assert last == [False] * (len(last) - 1) + [True]
    assert outcome.spend.micro_usd <= 60_000


async def test_an_agent_that_is_topped_up_goes_on_where_it_stood(play):
    async with play(assistant(*(spends(900, turn) for turn in STEPS[:12]), DONE)) as stage:
        handle = await stage.start_agent(limits=Limits(micro_usd=60_000, turns=40))
        question = await stage.until_asked(handle)
        before = bodies(stage)
        state = await handle.query("state")
        await decide(handle, "top_up", "Go on.", micro_usd=500_000, question=question["id"])
        outcome = await ended(handle)
        after, written = bodies(stage), stage.notebook.lines
        standing = await stage.world.ledger.read(AccountQuery(account=f"run:{handle.id}"))
        [line] = await stage.records.costs(handle.id)
    assert (question["kind"], question["account"]) == ("budget", f"run:{handle.id}")
    assert question["needs_micro_usd"] > 0
    assert state["status"] == "awaiting_review"
    assert outcome.status == "complete"
    assert written == [f"step {number}" for number in range(12)]
    assert 0 < len(before) < len(after) == 13
    told = before[-1]["messages"]
    assert after[len(before)]["messages"][: len(told)] == told
    assert (standing.cap, standing.spent, standing.reserved) == (560_000, outcome.spend.micro_usd, 0)
    assert line["micro_usd"] == outcome.spend.micro_usd


async def test_a_person_who_gives_no_money_ends_the_agent_and_is_not_asked_again(play):
    async with play(assistant(*STEPS)) as stage:
        handle = await stage.start_agent(limits=Limits(micro_usd=15_000, turns=40))
        reason = await halted(stage, handle)
        outcome = await handle.result()
    assert "$" in reason
    assert (outcome.status, outcome.reason) == ("failed", reason)


async def test_an_agent_that_was_told_to_hand_in_hears_that_it_may_go_on(play):
    def stubborn(request):
        if any("budget was raised" in text for text in last_words(request.body)):
            return DONE
        return call("write_line", line=f"line {request.turn}")

    async with play(assistant(forever(spends(900, stubborn)))) as stage:
        handle = await stage.start_agent(limits=Limits(micro_usd=60_000, turns=40))
        question = await stage.until_asked(handle)
        await decide(handle, "top_up", micro_usd=100_000, question=question["id"])
        outcome = await ended(handle)
        final = bodies(stage)[-1]
    assert outcome.status == "complete"
    assert "tool_choice" not in final


async def test_the_caps_of_tenant_and_fleet_hold_over_runs_that_know_nothing_of_each_other(play):
    async with play(assistant(forever(spends(1_500, step)))) as stage:
        await stage.world.ledger.set_cap("tenant:acme/day", 100_000, by="Vera")
        runs = [await stage.start_agent(tenant="acme", review=SILENCE) for _ in range(6)]
        free = await stage.start_agent(tenant="other", limits=Limits(turns=2))
        outcomes = await asyncio.gather(*(ended(run) for run in runs))
        other = await ended(free)
        [standing] = [each for each in await stage.world.ledger.accounts("tenant:acme/day/") if each.spent]
    spent = sum(outcome.spend.micro_usd for outcome in outcomes)
    assert (standing.spent, standing.reserved) == (spent, 0)
    assert 0 < spent <= 100_000
    assert other.status == "complete"


async def test_every_attempt_is_a_row_and_together_they_are_what_the_endpoint_billed(play):
    script = {"clean": [*STEPS[:5], DONE], "lossy": [STEPS[0], hang_up(after=4), STEPS[1], hang_up(after=0), DONE]}
    async with play(by_goal(**script)) as stage:
        clean, lossy = await asyncio.gather(stage.run_agent("clean"), stage.run_agent("lossy"))
        entries = stage.rehearsal.requests
        lines = {
            goal: await stage.records.costs(outcome.conversation)
            for goal, outcome in (("clean", clean), ("lossy", lossy))
        }
    billed = dict.fromkeys(script, 0)
    for entry in entries:
        billed["clean" if "Goal: clean" in str(entry.body) else "lossy"] += entry.micro_usd or 0
    assert clean.spend.micro_usd == billed["clean"] == sum(line["micro_usd"] for line in lines["clean"])
    assert lossy.spend.micro_usd == sum(line["micro_usd"] for line in lines["lossy"]) >= billed["lossy"]
    assert sum(line["unknown"] for line in lines["lossy"]) >= 1
