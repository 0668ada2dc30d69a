"""Metrics come to what the records say: under forced replay, retries, new runs and several workers."""

import contextlib
from collections import Counter
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import ActivityInboundInterceptor, Interceptor, Worker

from activities.backlogs import Backlogs
from activities.pricing import MODELS
from activities.rigging import sandbox
from activities.world import World
from rehearsal.scripts import call, calls, fail, forever, hang_up, refuse, truncate
from tests.activities.kept_numbers import agree
from tests.metered import Metered
from tests.scenarios.agents import DONE, assistant, by_goal, decide, ended, tool_use, wire
from tests.scenarios.shoots import GREY, SILENCE, brief, cast, judge, repeat_direction, until
from tests.scenarios.test_agent_lasts import SPACIOUS
from workflows.models import Limits


@pytest.fixture
def metered():
    """Metrics that stay in memory; the stage closes them with its world."""
    return Metered()


@contextlib.asynccontextmanager
async def forgetful(stage, world=None, client=None, interceptors=()):
    """Workers that keep no workflow in memory, so that every task replays the whole history."""
    world, client = world or stage.world, client or stage.client
    async with contextlib.AsyncExitStack() as stack:
        for part in ("workflows", "model", "tools", "studio"):
            worker = Worker(
                client,
                task_queue=stage.world.queue_of(part),
                workflows=world.workflows if part == "workflows" else (),
                activities=world.activities[part],
                workflow_runner=sandbox(),
                max_cached_workflows=0,
                interceptors=interceptors,
                graceful_shutdown_timeout=timedelta(seconds=10),
            )
            await stack.enter_async_context(worker)
        yield


async def test_a_shoot_whose_every_task_is_replayed_counts_once(play, metered):
    async with play(cast(), working=False, telemetry=metered.telemetry) as stage, forgetful(stage):
        run = await stage.produce(brief("dress", "tee"))
        differences = agree(metered, stage.world.database)
    assert (run.status, differences) == ("complete", {})
    assert metered.happened("agent_items_total") == {("image_production", "published"): 2}
    assert metered.total("agent_item_first_pass_total", pipeline="image_production") == 2
    assert metered.histogram("agent_verdict_score", attempt="1")[0] == 2
    assert metered.histogram("agent_tool_call_duration_ms", tool_name="render_shot")[0] == 2
    assert metered.histogram("agent_history_events", agent_name="shoot_item")[0] == 2


async def test_an_item_that_is_refined_and_goes_to_a_person_says_so(play, metered):
    refined = cast(direction=GREY, refiner=[forever(repeat_direction)], critic=[forever(judge(60))])
    async with play(refined, telemetry=metered.telemetry) as stage:
        run = await stage.produce(brief(), refinements=1, review=SILENCE)
        differences = agree(metered, stage.world.database)
    assert (run.counts, differences) == ({"rejected": 1}, {})
    assert metered.happened("agent_items_total") == {("image_production", "rejected"): 1}
    assert metered.total("agent_item_refinements_total") == 1
    assert metered.total("agent_item_first_pass_total") == 0
    assert [metered.histogram("agent_verdict_score", attempt=number) for number in "12"] == [(1, 60), (1, 60)]
    assert metered.happened("agent_escalations_total") == {("shoot_item",): 1}
    assert metered.happened("agent_decisions_total") == {("expired",): 1}
    assert metered.values("agent_escalation_rate") == {("image_production",): 0, ("shoot_item",): 1}


async def test_failed_attempts_refusals_and_loops_are_counted_by_their_kind(play, metered):
    wrong = calls(call("book", model_id="mod_nobody"), call("break_down", place="there"), call("look", where="left"))
    script = by_goal(
        fails=[fail(529, "overloaded_error"), hang_up(), truncate(), wrong, refuse()],
        loops=[forever(call("look", place="the wall"))],
    )
    async with play(script, telemetry=metered.telemetry) as stage:
        for goal in ("fails", "loops"):
            handle = await stage.start_agent(goal)
            question = await stage.until_asked(handle)
            await decide(handle, "reject", question=question["id"])
            assert (await ended(handle)).status == "failed"
        differences = agree(metered, stage.world.database)
    assert differences == {}
    errors = {labels[1]: value for labels, value in metered.happened("agent_llm_errors_total").items()}
    assert errors == {"overloaded": 1, "connection": 1, "stream": 1}
    assert metered.total("agent_llm_calls_total", outcome="billed") == metered.total("agent_turns_total")
    assert metered.happened("agent_rulings_total") == {
        ("assistant", "nudge"): 1,
        ("assistant", "halt_loop"): 1,
        ("assistant", "halt_refusal"): 1,
    }
    assert metered.total("agent_llm_stops_total", stop="refusal") == 1
    assert metered.happened("agent_tool_refusals_total") == {
        ("reference", "book"): 1,
        ("raised", "break_down"): 1,
        ("schema", "look"): 1,
    }
    assert metered.happened("agent_workflows_completed_total") == {("single_agent", "failed"): 2}
    assert metered.happened("agent_decisions_total") == {("reject",): 2}


class Loses(Interceptor):
    """Loses what every activity brings at its first attempt, after all of it was done and kept."""

    def __init__(self):
        self.lost = 0

    def intercept_activity(self, next):  # noqa: A002 - theirs
        return _Losing(next, self)


class _Losing(ActivityInboundInterceptor):
    def __init__(self, following, loses):
        super().__init__(following)
        self._loses = loses

    async def execute_activity(self, input):  # noqa: A002 - theirs
        brought = await super().execute_activity(input)
        if activity.info().attempt == 1:
            self._loses.lost += 1
            raise ConnectionError("lost on the way")
        return brought


async def test_activities_that_are_all_done_twice_because_their_answers_are_lost_count_once(play, metered):
    loses = Loses()
    script = assistant(
        call("write_line", line="once"), call("look", place="left"), call("escalate_to_human", reason="?")
    )
    async with (
        play(script, working=False, telemetry=metered.telemetry) as stage,
        forgetful(stage, interceptors=[loses]),
    ):
        handle = await stage.start_agent()
        question = await stage.until_asked(handle)
        await decide(handle, "reject", question=question["id"])
        outcome = await ended(handle)
        differences = agree(metered, stage.world.database)
    assert (outcome.status, differences) == ("failed", {})
    assert loses.lost >= 10
    assert metered.happened("agent_tool_calls_total") == {
        ("ok", "escalate_to_human"): 1,
        ("ok", "look"): 1,
        ("ok", "write_line"): 1,
    }
    assert metered.total("agent_llm_calls_total") == metered.total("agent_turns_total") == 3


async def test_an_agent_that_goes_on_in_a_new_run_begins_and_ends_once(play, metered):
    pages = [calls(*(call("write_line", line=f"page {turn} line {line}") for line in range(32))) for turn in range(15)]
    async with play(assistant(*pages, DONE), telemetry=metered.telemetry) as stage:
        handle = await stage.start_agent(limits=SPACIOUS)
        first = await handle.describe()
        outcome = await ended(handle)
        last = await handle.describe()
        differences = agree(metered, stage.world.database)
    assert first.run_id != last.run_id
    assert (outcome.status, differences) == ("complete", {})
    assert metered.happened("agent_workflows_started_total") == {("single_agent",): 1}
    assert metered.happened("agent_workflows_completed_total") == {("single_agent", "complete"): 1}
    assert metered.histogram("agent_turns_per_workflow", agent_name="single_agent") == (1, 16)


async def test_two_workers_share_the_work_and_their_counts_add_up(play, server, metered):
    other = Metered()
    async with play(cast(), working=False, telemetry=metered.telemetry) as stage:
        world = await World.open(stage.world.settings, client=stage.model, telemetry=other.telemetry)
        client = await Client.connect(server, data_converter=pydantic_data_converter)
        async with forgetful(stage), forgetful(stage, world, client):
            run = await stage.produce(brief("dress", "tee", "coat"))
        both = Both(metered, other)
        differences = agree(both, stage.world.database)
        world.close()
    assert (run.status, differences) == ("complete", {})
    assert metered.total("agent_llm_calls_total") > 0
    assert other.total("agent_llm_calls_total") > 0


class Both:
    """Two sets of metrics as one, as Prometheus adds up two workers."""

    def __init__(self, *each):
        self._each = each

    def total(self, name, **labels):
        return sum(each.total(name, **labels) for each in self._each)

    def histogram(self, name, **labels):
        found = [each.histogram(name, **labels) for each in self._each]
        return sum(count for count, _ in found), sum(value for _, value in found)

    def happened(self, name):
        sums = Counter()
        for each in self._each:
            sums.update(each.happened(name))
        return dict(sums)


async def test_whatever_names_a_model_and_its_endpoint_invent_there_are_no_more_series(play, metered):
    def invents(request):
        names = [f"tool_{request.turn}_{number}" for number in range(8)]
        return wire(
            *(tool_use(name, {"place": name}, f"toolu_{name}") for name in names),
            stop="tool_use",
            usage={"input_tokens": 9, "output_tokens": 9, "service_tier": f"tier-{request.turn}"},
        )

    def stops(request):
        return wire({"type": "text", "text": "?"}, stop=f"stop_{request.turn}")

    async with play(assistant(*[invents] * 6, stops), telemetry=metered.telemetry) as stage:
        handle = await stage.start_agent(limits=Limits(turns=12, tool_calls=500))
        await stage.until_asked(handle)
        first = set(metered.points())
        await handle.terminate()
        again = await stage.start_agent("Find it again.", limits=Limits(turns=12, tool_calls=500))
        await stage.until_asked(again)
        after = set(metered.points())
        await again.terminate()
        differences = agree(metered, stage.world.database)
    assert differences == {}
    labels = {value for _, labels in after for name, value in labels if name in {"tool_name", "model", "stop"}}
    assert not [label for label in labels if label[-1].isdigit() and label not in MODELS]
    assert metered.total("agent_tool_calls_total", tool_name="unknown") == metered.total("agent_tool_calls_total") > 40
    assert metered.total("agent_llm_stops_total", stop="broken") >= 1
    assert after == first
    assert len(after) < 600


async def test_what_waits_in_a_queue_without_a_worker_is_told_and_gone_when_it_is_done(play, metered):
    script = assistant(call("write_line", line="x"), DONE)
    async with (
        play(script, working=False, telemetry=metered.telemetry) as stage,
        contextlib.AsyncExitStack() as stack,
    ):
        for worker in stage.world.workers(stage.client, ("workflows", "model")):
            await stack.enter_async_context(worker)
        handle = await stage.start_agent(tools=("write_line",))
        await until(lambda: _waits(stage, metered, 1))
        oldest = metered.values("agent_queue_backlog_age_seconds")["tools",]
        for worker in stage.world.workers(stage.client, ("tools",)):
            await stack.enter_async_context(worker)
        outcome = await ended(handle)
        await until(lambda: _waits(stage, metered, 0))
    assert outcome.status == "complete"
    assert oldest > 0
    assert {labels[0] for labels in metered.values("agent_queue_backlog")} == {"workflows", "model", "tools", "studio"}
    assert metered.values("agent_queue_backlog_age_seconds")["tools",] == 0


async def _waits(stage, metered, tasks):
    queues = {part: stage.world.queue_of(part) for part in ("workflows", "model", "tools", "studio")}
    await Backlogs(metered.telemetry.meters, stage.client, queues).look()
    return metered.values("agent_queue_backlog")["tools",] == tasks


async def test_what_temporals_own_core_counts_comes_the_same_way(play, metered):
    async with play(assistant(DONE), telemetry=metered.telemetry) as stage:
        async with stage.world.metered(stage.client):
            await stage.run_agent()
        scopes = metered.reader.get_metrics_data().resource_metrics[0].scope_metrics
    [engine] = [scope for scope in scopes if scope.scope.name == "temporal"]
    metrics = {metric.name: metric.data for metric in engine.metrics}
    started = {point.attributes["task_queue"]: point.value for point in metrics["temporal_worker_start"].data_points}
    assert started == {stage.world.queue_of(part): 1 for part in ("workflows", "model", "tools", "studio")}
    assert {"temporal_request", "temporal_activity_schedule_to_start_latency", "temporal_num_pollers"} <= set(metrics)
    [latency, *_] = metrics["temporal_activity_execution_latency"].data_points
    assert latency.explicit_bounds[-1] == 300_000
    assert not any(metric.unit for metric in engine.metrics)
