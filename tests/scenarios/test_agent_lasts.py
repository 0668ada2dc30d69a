"""An agent that outlives what carries it: retried activities, and workflow runs that follow one another."""

from contextlib import AsyncExitStack

from temporalio import activity
from temporalio.worker import Worker

from rehearsal.scripts import call, calls
from tests.scenarios.agents import DONE, asked_again, assistant, bodies, count, decide, ended, last_words
from workflows.models import Compacted, Contract, Cut, Limits, Outcomes, Reply, ToolUse, TurnRequest

SPACIOUS = Limits(turns=60, tool_calls=2_000, micro_usd=50_000_000, tokens=50_000_000, window=1_000_000)


class Lossy:
    """Loses what an activity brought, once for each request, after all of it was done."""

    def __init__(self, world):
        (self._call, *_), [self._use] = world.activities["model"], world.activities["tools"]
        self._seen = []

    @activity.defn(name="call_model")
    async def call(self, request: TurnRequest) -> Reply:
        return self._lose(await self._call(request), request.head)

    @activity.defn(name="use_tools")
    async def use(self, use: ToolUse) -> Outcomes:
        return self._lose(await self._use(use), use.calls)

    def _lose(self, brought, what):
        if what in self._seen:
            return brought
        self._seen.append(what)
        raise ConnectionError("lost on the way")


async def test_a_reply_and_a_result_that_were_lost_on_the_way_are_found_and_never_made_twice(play):
    async with (
        play(assistant(call("write_line", line="once"), DONE), working=False) as stage,
        AsyncExitStack() as stack,
    ):
        lossy, world = Lossy(stage.world), stage.world
        for part, activities in (("model", [lossy.call]), ("tools", [lossy.use])):
            await stack.enter_async_context(
                Worker(stage.client, task_queue=world.queue_of(part), activities=activities)
            )
        for worker in world.workers(stage.client, ("workflows",)):
            await stack.enter_async_context(worker)
        handle = await stage.start_agent()
        outcome = await ended(handle)
        requests, written = len(bodies(stage)), stage.notebook.lines
        [line] = await stage.records.costs(handle.id)
    assert (outcome.status, requests, written) == ("complete", 2, ["once"])
    assert (line["calls"], line["micro_usd"]) == (2, outcome.spend.micro_usd)


async def test_a_store_that_is_away_for_a_while_as_a_conversation_is_shortened_ends_nothing(play):
    pages = [call("read_page", place=f"page {number}") for number in range(8)]
    away = []

    async with play(assistant(*pages, DONE), working=False) as stage, AsyncExitStack() as stack:
        turn, shorten, *_ = stage.world.activities["model"]

        @activity.defn(name="compact_conversation")
        async def compact(cut: Cut) -> Compacted:
            away.append(cut.head)
            if len(away) < 6:
                raise ConnectionError("the store is away")
            return await shorten(cut)

        queue = stage.world.queue_of("model")
        await stack.enter_async_context(Worker(stage.client, task_queue=queue, activities=[turn, compact]))
        for worker in stage.world.workers(stage.client, ("workflows", "tools")):
            await stack.enter_async_context(worker)
        outcome = await stage.run_agent(limits=Limits(window=5_000, turns=40))
    assert (outcome.status, len(set(away[:6]))) == ("complete", 1)


async def test_an_agent_that_fills_its_history_goes_on_in_a_new_run_and_forgets_nothing(play):
    page = [calls(*(call("write_line", line=f"page {turn} line {line}") for line in range(32))) for turn in range(18)]
    loop = [call("write_line", line="again")] * 6
    help_ = call("escalate_to_human", reason="Is it enough?")
    async with play(assistant(*page, *loop, help_, DONE)) as stage:
        handle = await stage.start_agent(limits=SPACIOUS)
        first = await handle.describe()
        looped = await stage.until_asked(handle)
        await decide(handle, "revise", "Stop that.", question=looped["id"])
        asked = await asked_again(stage, handle, looped)
        await decide(handle, "revise", "Yes.", question=asked["id"])
        outcome = await ended(handle)
        last, rest = await handle.describe(), await count(handle, "WORKFLOW_TASK_FAILED")
        [line], written = await stage.records.costs(handle.id), stage.notebook.lines
        goal = Contract(goal="Find the way.").text()
        reminded = [number for number, body in enumerate(bodies(stage), start=1) if goal in last_words(body)]
    assert last.run_id != first.run_id
    assert (outcome.status, outcome.spend.turns, outcome.spend.tool_calls) == ("complete", 26, 18 * 32 + 7)
    assert "Went on after the nudge at turn 23" in looped["reason"]
    assert asked["reason"] == "Is it enough?"
    assert (line["micro_usd"], line["usage"]) == (outcome.spend.micro_usd, outcome.spend.usage)
    assert len(set(written)) == 18 * 32 + 1
    assert reminded == [6, 11, 16, 21, 26]
    assert rest == 0
