"""Processes of a user's own: side by side, with people, clearance, money and an end that is kept."""

import asyncio
import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select
from temporalio.client import WorkflowFailureError

from activities.invocation_tables import InvocationRow
from activities.tools import TOOLS
from activities.tools.definition import Arguments, Context, tool
from rehearsal.scripts import Script, answer, call, later
from tests.scenarios.agents import asked_again, bodies, decide, results
from tests.scenarios.own_processes import PROCESSES, Notes
from tests.scenarios.stage import PATIENCE


class Stamped(Arguments):
    thing: str


@tool(effect="write", timeout=timedelta(seconds=5), permit="thing")
async def stamp(what: Stamped, context: Context) -> dict[str, str]:
    """Stamp a thing that was cleared."""
    return {"stamped": what.thing, "cleared_by": context.cleared_by(what.thing) or ""}


@pytest.fixture
def office(play):
    """A stage whose worker knows these processes."""
    return lambda *turns, **more: play(
        Script({"clerk": turns[0] if callable(turns[0]) else list(turns)}),
        tools=(*TOOLS, stamp),
        pipelines=PROCESSES,
        **more,
    )


async def start(stage, process, **order):
    name = f"{process.lower()}-{uuid.uuid4().hex[:8]}"
    return await stage.client.start_workflow(process, Notes(**order), id=name, task_queue=stage.queue)


async def ended(handle):
    return await asyncio.wait_for(handle.result(), PATIENCE)


def _status_of(workflow):
    return select(InvocationRow.status).where(InvocationRow.workflow_id == workflow)


def by_task(**turns):
    return lambda request: next(turns[name] for name in turns if f"Note {name} down" in request.task)


async def test_one_of_many_that_fails_never_sinks_the_others(office):
    async with office(answer({"text": "noted"})) as stage:
        handle = await start(stage, "NoteEach", about=("one", "never two", "three"))
        outcome = await ended(handle)
        state = await handle.query("state")
    assert outcome == ["noted", "ApplicationError: never two is not to be noted", "noted"]
    assert state["status"] == "partial"


async def test_only_so_many_work_at_once_and_the_results_keep_the_order_of_the_things(office):
    async with office(answer({})) as stage:
        assert await ended(await start(stage, "CountSideBySide", at_once=3)) == [3, 0, 1, 2, 3, 4]
        assert await ended(await start(stage, "CountSideBySide", at_once=9)) == [5, 0, 1, 2, 3, 4]


async def test_nobody_at_once_is_refused_by_name(office):
    async with office(answer({})) as stage:
        with pytest.raises(WorkflowFailureError) as failed:
            await ended(await start(stage, "CountSideBySide", at_once=0))
    assert "at_once is 0; let at least 1" in str(failed.value.cause)


async def test_where_nothing_less_than_all_will_do_the_first_failure_is_the_whole_ones(office):
    async with office(answer({"text": "noted"})) as stage:
        with pytest.raises(WorkflowFailureError) as failed:
            await ended(await start(stage, "AllOrNothing", about=("one", "never two")))
    assert "never two is not to be noted" in str(failed.value.cause)


async def test_a_process_that_is_called_off_calls_off_all_that_it_does_side_by_side(office):
    slow = later(30, answer({"text": "late"}))
    async with office(lambda _: [slow]) as stage:
        handle = await start(stage, "NoteEach", about=("one", "two", "three"))
        while len(bodies(stage)) < 2:  # noqa: ASYNC110 - the rehearsal's, not ours
            await asyncio.sleep(0.05)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await ended(handle)
        begun = len(bodies(stage))
        state = await handle.query("state")
        status = await stage.world.database.read(lambda session: session.scalar(_status_of(handle.id)))
    assert (begun, state["status"], status) == (2, "cancelled", "cancelled")


async def test_agents_that_work_side_by_side_ask_people_one_after_the_other_and_go_on(office):
    turns = [call("escalate_to_human", reason="I need a pen."), answer({"text": "noted"})]
    async with office(lambda _: turns) as stage:
        handle = await start(stage, "NoteEach", about=("one", "two"))
        first = await stage.until_asked(handle)
        await decide(handle, "revise", note="Here is a pen.", question=first["id"])
        second = await asked_again(stage, handle, first)
        await decide(handle, "revise", note="Another pen.", question=second["id"])
        outcome = await ended(handle)
    assert outcome == ["noted", "noted"]
    assert first["reason"] == second["reason"] == "I need a pen."


async def test_an_item_that_a_person_ends_says_why_and_the_others_go_on(office):
    pen = [call("escalate_to_human", reason="I need a pen.")]
    async with office(by_task(one=pen, two=[answer({"text": "noted"})])) as stage:
        handle = await start(stage, "NoteEach", about=("one", "two"))
        await stage.until_asked(handle)
        await decide(handle, "reject")
        assert await ended(handle) == ["nothing: I need a pen.", "noted"]


async def test_a_tool_that_needs_clearance_acts_on_what_was_cleared_and_on_nothing_else(office):
    async with office(call("stamp", thing="two"), call("stamp", thing="one"), answer({"text": "done"})) as stage:
        await ended(await start(stage, "StampCleared"))
        refused = results(bodies(stage)[1])
        stamped = results(bodies(stage)[2])
    assert "'two' has not been cleared for stamp" in json.dumps(refused)
    assert stamped[0][1] == {"stamped": "one", "cleared_by": "Ines"}


async def test_work_without_an_order_is_refused_with_what_to_do_instead_of_being_tried_for_ever(office):
    async with office(answer({})) as stage:
        with pytest.raises(WorkflowFailureError) as failed:
            await ended(await start(stage, "WithoutAnOrder"))
    assert "fix: put its work inside `async with self.working(order):`" in str(failed.value.cause)


async def test_a_process_stops_at_its_cap_asks_for_money_and_goes_on_with_it(office):
    async with office(answer({"text": "noted"})) as stage:
        handle = await start(stage, "NoteEach", micro_usd=100)
        question = await stage.until_asked(handle)
        await decide(handle, "top_up", micro_usd=500_000, question=question["id"])
        assert await ended(handle) == ["noted"]
    assert question["kind"] == "budget"


async def test_a_model_that_is_ordered_is_asked_in_place_of_each_agents_own(office):
    async with office(answer({"text": "noted"})) as stage:
        await ended(await start(stage, "NoteEach", model="claude-opus-5-5"))
        assert {body["model"] for body in bodies(stage)} == {"claude-opus-5-5"}
