"""Money under pressure: caps at every level, what happens near them, and who may raise them."""

import asyncio
from datetime import timedelta

import pytest

from rehearsal.scripts import answer, call, forever, hang_up, refuse
from tests.scenarios.agents import DONE, assistant, bodies, by_goal, decide, ended, halted, last_words, spends
from tests.scenarios.shoots import WHITE, asked, brief, cast, planner, state_of
from workflows.models import AccountQuery, ItemState, Limits, ReviewPolicy

FIRST, SECOND = "claude-sonnet-5-5", "claude-opus-5-5"
STEPS = [call("write_line", line=f"step {number}") for number in range(40)]
SILENCE = ReviewPolicy(reminders=(), deadline=timedelta())


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


@pytest.mark.every_store
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


async def test_a_model_that_is_named_twice_in_its_chain_is_asked_once_and_then_a_person(play):
    async with play(assistant(forever(refuse()))) as stage:
        handle = await stage.start_agent(model=FIRST, fallbacks=(FIRST, SECOND, FIRST))
        await halted(stage, handle)
        models = [body["model"] for body in bodies(stage)]
    assert models == [FIRST, SECOND]


async def test_after_a_refusal_a_fallback_that_was_too_dear_goes_on_where_it_stood_once_it_is_paid_for(play):
    def turn(request):
        return refuse() if request.model == FIRST else DONE

    async with play(assistant(forever(turn))) as stage:
        handle = await stage.start_agent(model=FIRST, fallbacks=(SECOND,), limits=Limits(micro_usd=14_000))
        question = await stage.until_asked(handle)
        models = [body["model"] for body in bodies(stage)]
        await decide(handle, "top_up", micro_usd=500_000, question=question["id"])
        outcome = await ended(handle)
        first, second = bodies(stage)
    assert (models, question["kind"]) == ([FIRST], "budget")
    assert (outcome.status, outcome.spend.turns) == ("complete", 2)
    assert (second["model"], second["messages"]) == (SECOND, first["messages"])


async def test_nobody_is_asked_for_money_where_the_tokens_are_used_up(play):
    pages = forever(lambda request: call("read_page", place=f"1{request.turn}2.3;4,5-"))
    async with play(assistant(pages)) as stage:
        handle = await stage.start_agent(limits=Limits(tokens=12_000, turns=40))
        question = await stage.until_asked(handle)
        await handle.terminate()
    assert "tokens to read" in question["reason"]
    assert (question["kind"], "top_up" in question["options"]) == ("question", False)


async def test_a_cap_that_was_taken_away_meanwhile_needs_no_money_and_ends_nothing(play):
    async with play(assistant(*(spends(900, turn) for turn in STEPS[:12]), DONE)) as stage:
        handle = await stage.start_agent(limits=Limits(micro_usd=60_000, turns=40))
        question = await stage.until_asked(handle)
        accounts = await stage.world.ledger.accounts("agent:")
        for account in ("run:" + handle.id, *(each.account for each in accounts)):
            await stage.world.ledger.set_cap(account, None, by="Vera")
        await decide(handle, "top_up", micro_usd=500_000, question=question["id"])
        outcome = await ended(handle)
    assert (outcome.status, len(stage.notebook.lines)) == ("complete", 12)


async def test_where_all_items_lack_the_same_money_no_more_people_are_asked_than_there_are_places(play):
    colours = tuple({"name": f"c{number}", "hex": "#1f2a44"} for number in range(6))
    script = cast(planner=[forever(spends(2_000, planner(WHITE)))])
    async with play(script) as stage:
        await stage.world.ledger.set_cap("tenant:default/day", 40_000, by="Vera")
        run = await stage.start_production(brief(colours=colours), concurrency=2)
        asking = [stage.item(run.id, f"google-merchant-front-dress-c{number}") for number in range(2)]
        questions = [await asked(stage, item) for item in asking]
        state = await state_of(run)
        [account] = {question.account for question in questions}
        await stage.world.ledger.set_cap(account, 5_000_000, by="Vera")
        for item in asking:
            await decide(item, "top_up")
        going_on = [await item.query("state", result_type=ItemState) for item in asking]
        done = await ended(run)
    assert account.startswith("tenant:default/day/")
    assert (state.status, [row.status for row in state.items]) == ("awaiting_review", ["awaiting_review"] * 2)
    assert [item.question for item in going_on] == ["", ""]
    assert (done.status, done.counts) == ("complete", {"published": 6})
