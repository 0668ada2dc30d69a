"""A whole run: planned, spread over items, seen from outside, paid within its cap, and ended in order."""

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from rehearsal.player import Performance, Player, Request
from rehearsal.scripts import forever, later, refuse
from tests.scenarios.shoots import (
    GREY,
    KEY,
    SILENCE,
    VENUE,
    asked,
    brief,
    cast,
    decide,
    ended,
    give_up_unless,
    plan,
    planner,
    said_to,
    state_of,
    talks,
    until,
)
from workflows.models import ItemState, Layout, RunOrder

TEE = KEY.replace("dress", "tee")
NOBODY = {"generator": [forever(refuse())]}
"""A cast whose generator makes nothing, where only the way of the items matters."""


class Watched(Player):
    """Counts how many generators are at work at once: from their first request to the one that hands in."""

    def __init__(self, player: Player) -> None:
        self._player, self._open, self.most = player, set(), 0

    def reply(self, request: Request) -> Performance:
        performance = self._player.reply(request)
        if request.agent == "generator":
            self._open.add(request.conversation)
            self.most = max(self.most, len(self._open))
            if performance.stop_reason != "tool_use":
                self._open.discard(request.conversation)
        return performance


async def test_a_plan_that_leaves_a_wanted_view_out_is_corrected_and_laid_out_the_same_for_every_run(play):
    order = brief(views=("front", "back"))
    first_try = [plan(f"{VENUE}/front"), planner("Plain")]
    async with play(cast(**NOBODY, planner=first_try)) as stage:
        one = await stage.produce(order, review=SILENCE)
        (talk,) = await talks(stage, one.id, "planner")
        keys = [shot.key for shot, _ in await stage.world.catalog.items(one.id)]
    async with play(cast(**NOBODY)) as stage:
        two = await stage.produce(order, review=SILENCE)
        layout = Layout(run=two.id, brief=await stage.world.assets.put(order.model_dump_json().encode()), plan=two.plan)
        relaid = await stage.world.catalog.lay_out(layout)
        again = [shot.key for shot, _ in await stage.world.catalog.items(two.id)]
    assert f"missing: {VENUE}/back" in said_to(talk)
    assert [f"{shot.profile}/{shot.view}" for shot in one.plan.shots] == [f"{VENUE}/front", f"{VENUE}/back"]
    assert keys == again == [KEY, KEY.replace("front", "back")]
    assert one.total == two.total == relaid.items == 2


async def test_a_planner_that_refuses_fails_the_run_with_the_reason(play):
    async with play(cast(planner=[refuse(text="I do not plan this.")])) as stage:
        run = await stage.produce(brief())
    assert (run.status, run.plan, run.total, run.published) == ("failed", None, 0, ())
    assert "There is no plan: The model refused to answer" in run.errors[0]


async def test_a_run_whose_brief_is_gone_fails_and_says_so(play):
    async with play(cast()) as stage:
        order = RunOrder(brief=f"sha256:{'0' * 64}")
        run = await stage.client.start_workflow("ImageProduction", order, id="run-of-nothing", task_queue=stage.queue)
        with pytest.raises(WorkflowFailureError):
            await ended(run)
        state = await state_of(run)
    assert state.status == "failed"
    assert "NoBrief" in state.errors[0]


async def test_one_item_that_fails_never_sinks_the_run(play):
    async with play(cast(generator=[forever(give_up_unless(KEY))])) as stage:
        run = await stage.start_production(brief("tee", "dress", "coat"), refinements=0)
        await asked(stage, stage.item(run.id, TEE))
        await stage.item(run.id, TEE).terminate("the machine burnt down")
        await asked(stage, stage.item(run.id, KEY.replace("dress", "coat")))
        await decide(stage.item(run.id, KEY.replace("dress", "coat")), "reject")
        outcome = await ended(run)
    rows = {row.key: row for row in outcome.items}
    assert (outcome.status, outcome.counts) == ("partial", {"published": 1, "rejected": 1, "failed": 1})
    assert rows[KEY].entry == outcome.published[0]
    assert "terminated" in rows[TEE].error.lower()
    assert any(error.startswith(TEE) for error in outcome.errors)


async def test_no_more_items_are_at_work_than_ordered_and_one_that_waits_for_a_person_gives_its_place_back(play):
    player = Watched(cast(generator=[forever(give_up_unless(KEY, KEY.replace("dress", "coat")))]))
    async with play(player) as stage:
        run = await stage.start_production(brief("tee", "dress", "coat"), concurrency=1)
        await asked(stage, stage.item(run.id, TEE))
        await until(lambda: _counts(run, published=2))
        state = await state_of(run)
        await decide(stage.item(run.id, TEE), "reject")
        outcome = await ended(run)
    assert player.most == 1
    assert (state.status, [row.status for row in state.items if row.key == TEE]) == (
        "awaiting_review",
        ["awaiting_review"],
    )
    assert (outcome.status, outcome.counts) == ("partial", {"published": 2, "rejected": 1})


async def _counts(run, **counts) -> bool:
    return (await state_of(run)).counts == counts


async def test_a_run_over_its_cap_starts_only_what_it_can_pay_for(play):
    order = brief("dress", "tee", "coat", "shirt", run_usd=0.03, item_usd=0.10)
    async with play(cast()) as stage:
        run = await stage.produce(order, review=SILENCE, concurrency=5)
        lines = await stage.records.costs(run.id)
        asked_for = {line["item"] for line in lines} - {""}
        items = {shot.key: state for shot, state in await stage.world.catalog.items(run.id)}
    uncovered = [row for row in run.items if row.error == "the run's budget does not cover this item"]
    paid = sum(line["micro_usd"] for line in lines)
    assert run.spend.micro_usd == paid <= run.cap_micro_usd == 30_000
    assert len(uncovered) == 3
    assert {row.key for row in uncovered}.isdisjoint(asked_for)
    assert all(row.status == "failed" and row.micro_usd == 0 for row in uncovered)
    assert all(state.spend.micro_usd <= 28_000 for state in items.values())
    assert all((items[row.key].status, items[row.key].error) == (row.status, row.error) for row in uncovered)


async def test_a_cancelled_run_cancels_its_items_and_keeps_what_became_of_each(play):
    async with play(cast(**NOBODY)) as stage:
        run = await stage.start_production(brief("dress", "tee"))
        for key in (KEY, TEE):
            await asked(stage, stage.item(run.id, key))
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await ended(run)
        kept = [state.status for _, state in await stage.world.catalog.items(run.id)]
        described = [await stage.item(run.id, key).describe() for key in (KEY, TEE)]
        state = await state_of(run)
        await until(lambda: _found(stage, f'CallsheetRun = "{run.id}" AND CallsheetAwaitingReview = false', 2))
    assert kept == ["cancelled", "cancelled"]
    assert {each.status for each in described} == {WorkflowExecutionStatus.CANCELED}
    assert (state.status, state.counts) == ("cancelled", {"cancelled": 2})


async def _found(stage, query: str, count: int) -> bool:
    return len([each async for each in stage.client.list_workflows(query)]) == count


async def test_where_a_run_stands_can_be_asked_and_searched_for_at_any_time(play):
    thoughtful = [lambda request: later(1.5, planner(GREY)(request))]
    async with play(cast(GREY, planner=thoughtful)) as stage:
        run = await stage.start_production(brief(), refinements=0)
        await until(lambda: _agent(run, "planner"))
        planning = await state_of(run)
        question = await asked(stage, stage.item(run.id, KEY))
        here = f'CallsheetRun = "{run.id}"'
        await until(lambda: _found(stage, f"CallsheetAwaitingReview = true AND {here}", 1))
        await until(lambda: _found(stage, f'CallsheetPipeline = "image_production" AND {here}', 2))
        await until(lambda: _found(stage, f'CallsheetStatus = "awaiting_review" AND {here}', 1))
        waiting = await state_of(run)
        item = await stage.item(run.id, KEY).query("state", result_type=ItemState)
        await decide(stage.item(run.id, KEY), "approve")
        outcome = await ended(run)
        last = await state_of(run)
        await until(lambda: _found(stage, f'CallsheetStatus = "complete" AND CallsheetCostUsd > 0 AND {here}', 1))
    assert (planning.status, planning.agent, planning.plan, planning.id) == ("planning", "planner", None, run.id)
    assert (waiting.status, waiting.total, waiting.plan is not None) == ("awaiting_review", 1, True)
    assert (waiting.started_at, waiting.cap_micro_usd) == (planning.started_at, 5_000_000)
    assert item.status == "awaiting_review"
    assert item.question == question.reason
    assert (outcome.status, outcome.published, outcome.spend.turns) == (last.status, last.published, last.spend.turns)
    assert last.spend.micro_usd == sum(line["micro_usd"] for line in await stage.records.costs(run.id))


async def _agent(run, name: str) -> bool:
    return (await state_of(run)).agent == name


async def test_the_history_reads_as_a_story(play):
    async with play(cast()) as stage:
        run = await stage.produce(brief())
        parent, item = stage.client.get_workflow_handle(run.id), stage.item(run.id, KEY)
        story = await _summaries(stage, parent) + await _summaries(stage, item)
        described = await item.describe()
        title, details = await described.static_summary(), await described.static_details()
    assert "planner · turn 1 · claude-sonnet-5-5" in story
    assert "lays the items out" in story
    assert any(line.startswith("generator · turn 1 · render_shot(") for line in story)
    assert f"measures against {VENUE}" in story
    assert "records: published" in story
    assert (title, details) == (f"The dress, ink, front ({VENUE})", f"{VENUE} · front · The dress in ink")


async def _summaries(stage, handle) -> list[str]:
    history = await handle.fetch_history()
    convert = stage.client.data_converter.decode
    found = [event.user_metadata.summary for event in history.events if event.user_metadata.HasField("summary")]
    return [(await convert([payload], [str]))[0] for payload in found]
