"""Whatever works is kept as one invocation: when it began, whose it was, and what became of it."""

import contextlib

from sqlalchemy import select
from temporalio.client import WorkflowFailureError

from activities.invocation_tables import InvocationRow
from rehearsal.scripts import call, forever, refuse
from tests.scenarios.agents import DONE, assistant, decide, ended, halted
from tests.scenarios.shoots import GREY, KEY, SILENCE, asked, brief, cast


async def invocations(stage, run):
    """All invocations of a run, the oldest first."""
    query = select(InvocationRow).where(InvocationRow.run == run).order_by(InvocationRow.started_at)
    return await stage.world.database.read(lambda session: session.scalars(query).all())


async def test_a_run_and_each_of_its_items_are_invocations_in_one_trace(play):
    async with play(cast()) as stage:
        state = await stage.produce(brief("dress", "tee"), tenant="acme")
        run, *items = await invocations(stage, state.id)
        spends = [item.spend for _, item in await stage.world.catalog.items(state.id)]
    assert (run.name, run.pipeline, run.item, run.parent, run.status) == (
        *("image_production", "image_production", "", ""),
        "complete",
    )
    assert {(each.name, each.parent, each.status, each.tenant) for each in items} == {
        ("shoot_item", state.id, "published", "acme")
    }
    assert {(each.trace_id, each.parent_span_id) for each in items} == {(run.trace_id, run.span_id)}
    assert sorted(each.item for each in items) == sorted(state_item.key for state_item in state.items)
    assert sum(each.micro_usd for each in items) == sum(spend.micro_usd for spend in spends)
    assert (run.micro_usd, run.turns, run.tool_calls) == (
        *(state.spend.micro_usd, state.spend.turns),
        state.spend.tool_calls,
    )
    assert all(each.started_at < each.ended_at and each.events > 10 and each.bytes > 1_000 for each in (run, *items))


async def test_an_item_that_went_to_a_person_says_so_and_its_run_does_not(play):
    async with play(cast(GREY)) as stage:
        state = await stage.produce(brief(), refinements=0, review=SILENCE)
        run, item = await invocations(stage, state.id)
    assert [(each.status, each.asked) for each in (run, item)] == [("failed", 0), ("rejected", 1)]


async def test_a_run_that_is_cancelled_has_ended_as_such_and_so_have_its_items(play):
    async with play(cast(GREY)) as stage:
        handle = await stage.start_production(brief(), refinements=0)
        await asked(stage, stage.item(handle.id, KEY))
        await handle.cancel()
        with contextlib.suppress(WorkflowFailureError):
            await ended(handle)
        found = await invocations(stage, handle.id)
    assert [each.status for each in found] == ["cancelled", "cancelled"]
    assert all(each.ended_at for each in found)


async def test_a_single_agent_that_is_stopped_by_a_person_has_failed(play):
    async with play(assistant(*[call("look", place="the left")] * 30)) as stage:
        handle = await stage.start_agent()
        await halted(stage, handle)
        [row] = await invocations(stage, handle.id)
    assert (row.name, row.pipeline, row.status, row.asked) == ("single_agent", "single_agent", "failed", 1)
    assert row.id.startswith(f"{handle.id}/")


async def test_an_item_without_a_take_has_failed_or_was_rejected_and_has_cost_something(play):
    async with play(cast(generator=[forever(refuse())])) as stage:
        state = await stage.produce(brief(), review=SILENCE)
        _, item = await invocations(stage, state.id)
    assert (item.status, item.micro_usd > 0) == ("rejected", True)


async def test_while_it_works_it_has_no_end(play):
    async with play(assistant(call("escalate_to_human", reason="Which way?"), DONE)) as stage:
        handle = await stage.start_agent()
        question = await stage.until_asked(handle)
        [during] = await invocations(stage, handle.id)
        await decide(handle, "revise", "Left.", question=question["id"])
        await ended(handle)
        [after] = await invocations(stage, handle.id)
    assert (during.status, during.ended_at) == ("", None)
    assert (after.status, after.asked, after.started_at) == ("complete", 1, during.started_at)
