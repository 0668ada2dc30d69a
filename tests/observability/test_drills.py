"""Fault drills: a fault is made, and what wakes an operator, or leaves them a ticket, is what it should be."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from activities.database import now
from activities.invocations import InvocationStore
from rehearsal.scripts import call, fail, forever
from tests.chaos.processes import kill
from tests.scenarios.agents import DONE, by_goal, decide, ended, spends
from workflows.models import Begun, Scope

LOOK = call("find_model", name="Ama")
TOOLS = ("find_model", "render_shot", "escalate_to_human")
SLOWLY, QUIET = 0.5, 8
"""Seconds: between the turns of an agent, and to wait for what must not come."""


def after(turn, seconds=SLOWLY):
    """A turn that takes its time, so that a drill has some."""
    return lambda request: replace(turn(request) if callable(turn) else turn, delay=seconds)


async def goes_well(stage, watch):
    """A first agent does its work, and nothing rings."""
    assert (await stage.run_agent("well", tools=TOOLS)).status == "complete"
    await watch.until(lambda: watch.ask('agent_workflows_completed_total{status="complete"} > 0'), "the first figures")
    await watch.until(lambda: watch.receiver.heard("Watchdog"), "the watchdog")
    await watch.until(lambda: watch.firing() == set(), "calm")


async def test_an_overloaded_model_wakes_somebody_until_it_answers_again(watched):
    crowded = asyncio.Event()
    crowded.set()

    def turn(request):
        return fail(529, "overloaded_error", retry_after=0.2).turn if crowded.is_set() else DONE

    async with watched(by_goal(well=[LOOK, DONE], busy=[forever(turn)])) as (stage, watch):
        await goes_well(stage, watch)
        handles = [await stage.start_agent("busy", tools=TOOLS) for _ in range(4)]
        to, alert = await watch.told("ModelIsOverloaded")
        others = watch.firing()
        crowded.clear()
        outcomes = await asyncio.gather(*map(ended, handles))
        await watch.told("ModelIsOverloaded", "resolved")
    assert (to, alert["labels"]["model"]) == ("page", "claude-sonnet-5-5")
    assert alert["annotations"]["summary"].endswith("% of the calls of claude-sonnet-5-5 were turned away")
    assert not others & {"ModelStumbles", "ModelRejectsUs", "AgentBreaksOff"}
    assert {outcome.status for outcome in outcomes} == {"complete"}


async def test_agents_that_go_in_circles_leave_a_ticket(watched):
    async with watched(by_goal(well=[LOOK, DONE], loop=[forever(LOOK)])) as (stage, watch):
        await goes_well(stage, watch)
        handles = [await stage.start_agent("loop", tools=TOOLS) for _ in range(3)]
        to, alert = await watch.told("AgentLoops")
        for handle in handles:
            await stage.until_asked(handle)
            await decide(handle, "reject")
    assert (to, alert["labels"]["agent_name"]) == ("ticket", "assistant")
    assert alert["annotations"]["summary"].startswith("assistant went in circles and was halted ")


async def test_a_question_that_nobody_answers_leaves_a_ticket_until_somebody_does(watched):
    ask = call("escalate_to_human", reason="I must not decide this.")
    async with watched(by_goal(well=[LOOK, DONE], ask=[ask, DONE])) as (stage, watch):
        await goes_well(stage, watch)
        handle = await stage.start_agent("ask", tools=TOOLS)
        question = await stage.until_asked(handle)
        to, alert = await watch.told("QuestionWaits")
        await decide(handle, "answer", "Yes.", question=question["id"])
        outcome = await ended(handle)
        await watch.told("QuestionWaits", "resolved")
    assert (to, alert["labels"]["kind"], outcome.status) == ("ticket", "question", "complete")


async def test_a_budget_that_burns_wakes_somebody_before_it_is_gone(watched):
    def turn(request):
        return after(spends(1_500, call("find_model", name=f"Model {request.turn}")), 1)(request)

    async with watched(by_goal(well=[LOOK, DONE], burn=[forever(turn)]), CALLSHEET_FLEET_MONTH_USD="1") as (
        stage,
        watch,
    ):
        await asyncio.gather(*(stage.start_agent("burn", tools=TOOLS) for _ in range(3)))
        to, alert = await watch.told("BudgetBurnsFast")
        [(_, used)] = watch.ask('max(agent_budget_used_ratio{scope="fleet_month"})')
    assert (to, alert["labels"]["scope"]) == ("page", "fleet_month")
    assert used < 1


async def test_ids_that_are_made_up_leave_a_ticket(watched):
    order = {"shot": "a", "model_id": "mod_made_up", "profile": "amazon.main", "settings": {}}
    async with watched(by_goal(well=[LOOK, DONE], dream=[call("render_shot", **order), DONE])) as (stage, watch):
        await goes_well(stage, watch)
        outcome = await stage.run_agent("dream", tools=TOOLS)
        to, alert = await watch.told("IdsAreMadeUp")
    assert (to, alert["labels"]["tool_name"], outcome.status) == ("ticket", "render_shot", "complete")


async def test_a_prompt_cache_that_is_read_no_more_leaves_a_ticket(watched):
    def usage(read, write):
        counted = {"input_tokens": 100, "cache_read_input_tokens": read, "cache_creation_input_tokens": write}
        return lambda request: replace(after(call("find_model", name=f"Model {request.turn}"))(request), usage=counted)

    warm, cold = forever(usage(9_000, 100)), forever(usage(0, 9_100))
    async with watched(by_goal(warm=[warm], cold=[cold])) as (stage, watch):
        first = await stage.start_agent("warm", tools=TOOLS)
        await watch.until(lambda: watch.ask("callsheet:cache_hit:ratio24h > 0.9"), "a warm cache")
        await first.terminate()
        await stage.start_agent("cold", tools=TOOLS)
        to, _ = await watch.told("CacheCollapses")
    assert to == "ticket"


async def test_work_that_leaves_no_record_wakes_somebody(watched):
    async with watched(by_goal(well=[LOOK, DONE])) as (stage, watch):
        await goes_well(stage, watch)
        begun = Begun(
            id="lost",
            name="shoot_item",
            pipeline="image_production",
            scope=Scope(run="lost"),
            workflow_id="lost",
            workflow_run_id="lost",
            at=now() - timedelta(hours=1),
        )
        await InvocationStore(stage.world.database).begin(begun)
        to, alert = await watch.told("WorkIsStuck")
    assert (to, alert["labels"]["agent_name"]) == ("page", "shoot_item")


async def test_a_worker_that_is_killed_wakes_somebody(watched):
    async with watched(by_goal(well=[LOOK, DONE])) as (stage, watch):
        await goes_well(stage, watch)
        kill(watch.worker)
        to, _ = await watch.told("NoWorkerIsSeen")
        await watch.until(lambda: "WorkerIsDown" in watch.firing(), "what follows from it")
        await asyncio.sleep(QUIET)
    assert to == "page"
    assert not watch.receiver.heard("WorkerIsDown")  # it is not told as well
