"""One trace for each run, whatever carries it: who did what in whose name, what it cost, and where it stands."""

import contextlib
from datetime import timedelta

from opentelemetry import trace
from temporalio.client import WorkflowFailureError

from activities.tools import TOOLS
from activities.tools.definition import tool
from rehearsal.scripts import call, calls, fail
from tests.scenarios import leaky_worker
from tests.scenarios.agents import DONE, assistant, decide, ended
from tests.scenarios.leaky_worker import PLANTED, SECRETS
from tests.scenarios.shoots import GREY, KEY, asked, brief, cast
from tests.scenarios.stage import Look, Notebook
from tests.scenarios.test_agent_lasts import SPACIOUS
from tests.scenarios.test_invocations import invocations
from tests.scenarios.test_logs import HIDDEN, leaks
from tests.scenarios.tracing import again, arrived, first_named, forgetful, once, orphans, traced
from workflows.tracing import Ai, At

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CHAT = "chat claude-sonnet-5-5"
HOME = ["invoke_workflow shoot_item", "invoke_workflow image_production"]


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def trace_back(at: Look, notebook: Notebook) -> dict[str, str]:
    """Write down which span is the current one."""
    here = trace.get_current_span().get_span_context()
    notebook.lines.append(f"{here.trace_id:032x} {here.span_id:016x}")
    return {"seen": at.place}


async def test_a_shoot_is_one_trace_in_which_every_call_stands_under_its_agent_item_and_run(play):
    async with traced(play, cast(GREY)) as (stage, collector):
        run = await stage.produce(brief())
        costs = await stage.records.costs(run.id)
    [root] = collector.named("invoke_workflow image_production")
    renders = collector.named("execute_tool render_shot")
    chats = collector.named(CHAT)
    assert (len(collector.traces), once(collector), orphans(collector), root.parent) == (1, True, [], "")
    assert [collector.above(span) for span in renders] == [["turn", "invoke_agent generator", *HOME]] * 2
    assert {tuple(collector.above(span)[1:]) for span in chats} == {
        ("invoke_agent planner", HOME[1]),
        *((f"invoke_agent {agent}", *HOME) for agent in ("generator", "critic", "refiner", "publisher")),
    }
    assert len(chats) == sum(line["calls"] for line in costs)
    assert sum(span.attributes[At.COST_MICRO_USD] for span in chats) == run.spend.micro_usd
    assert sum(span.attributes[Ai.OUTPUT_TOKENS] for span in chats) == run.spend.usage.output
    assert sum(span.attributes[Ai.INPUT_TOKENS] for span in chats) == run.spend.usage.prompt
    assert {span.attributes[At.RUN] for span in collector.got} == {run.id}
    assert {span.attributes.get(At.ITEM) for span in renders} == {KEY}
    assert {span.attributes[At.TENANT] for span in collector.got} == {"default"}


async def test_replaying_every_task_tells_nothing_twice(play):
    async with traced(play, cast(GREY)) as (stage, collector):
        await stage.produce(brief())
    async with traced(play, cast(GREY), working=False) as (stage, replayed), forgetful(stage):
        run = await stage.produce(brief())
        live = await arrived(stage, replayed)
        assert (once(replayed), await again(stage, run.id)) == (True, len(live))
    assert replayed.names == collector.names
    assert len(replayed.spans) == len(live)


async def test_an_agent_that_goes_on_in_a_new_run_is_one_invocation_in_one_trace(play):
    page = [calls(*(call("write_line", line=f"page {turn} line {line}") for line in range(32))) for turn in range(18)]
    async with traced(play, assistant(*page, DONE)) as (stage, collector):
        handle = await stage.start_agent(limits=SPACIOUS)
        first = (await handle.describe()).run_id
        outcome = await ended(handle)
        last = (await handle.describe()).run_id
        [row] = await invocations(stage, handle.id)
    assert (outcome.status, row.status, row.workflow_run_id, first == last) == ("complete", "complete", last, False)
    assert (row.micro_usd, row.turns, row.tool_calls) == (outcome.spend.micro_usd, 19, 18 * 32)
    assert row.id.endswith(first[-12:])
    assert (len(collector.traces), once(collector), orphans(collector)) == (1, True, [])
    assert collector.names == {
        "invoke_workflow single_agent": 1,
        "invoke_agent assistant": 1,
        "opened": 1,
        "stage assistant": 1,
        "turn": 19,
        CHAT: 19,
        "execute_tool write_line": 18 * 32,
    }


async def test_a_run_stands_in_the_trace_of_whoever_ordered_it(play):
    async with traced(play, cast()) as (stage, collector):
        await stage.produce(brief(), traceparent=TRACEPARENT)
        await stage.produce(brief(), traceparent=TRACEPARENT.removesuffix("01") + "00")
    [root] = collector.named("invoke_workflow image_production")
    assert (collector.traces, root.parent) == ({"0af7651916cd43dd8448eb211c80319c"}, "b7ad6b7169203331")
    assert orphans(collector) == ["invoke_workflow image_production"]


async def test_a_run_that_is_open_says_that_it_began_who_works_and_who_is_waited_for(play):
    async with traced(play, cast(GREY)) as (stage, collector):
        handle = await stage.start_production(brief(), refinements=0)
        question = await asked(stage, stage.item(handle.id, KEY))
        waiting = await first_named(stage, collector, "stage awaiting_person")
        open_names = collector.names.copy()
        await decide(stage.item(handle.id, KEY), "reject", question=question.id)
        await ended(handle)
    [item] = collector.named("invoke_workflow shoot_item")
    assert open_names["opened"] == 2
    assert not any(name.startswith("invoke_workflow") for name in open_names)
    assert open_names.items() >= {"invoke_agent planner": 1, "invoke_agent critic": 1, "stage generator": 1}.items()
    assert waiting.attributes.items() >= {At.OWNER: "reviewers", At.QUESTION: question.id}.items()
    assert [event[1]["callsheet.event.kind"] for event in item.events] == ["question", "decided"]
    assert item.events[1][1].items() >= {"callsheet.event.choice": "reject", "callsheet.event.by": "Vera"}.items()
    assert (item.attributes[At.STATUS], item.attributes[At.WORKFLOW_ASKED]) == ("rejected", 1)
    assert (once(collector), orphans(collector)) == (True, [])


async def test_a_run_that_is_cancelled_is_told_to_its_end(play):
    async with traced(play, cast(GREY)) as (stage, collector):
        handle = await stage.start_production(brief(), refinements=0)
        await asked(stage, stage.item(handle.id, KEY))
        await handle.cancel()
        with contextlib.suppress(WorkflowFailureError):
            await ended(handle)
    statuses = [span.attributes[At.STATUS] for name in HOME for span in collector.named(name)]
    assert (statuses, orphans(collector), once(collector)) == (["cancelled", "cancelled"], [], True)


async def test_failed_attempts_are_spans_of_their_turn_and_say_why(play):
    async with traced(play, assistant(fail(529, "overloaded_error"), DONE)) as (stage, collector):
        await stage.run_agent()
    overloaded, answered = collector.named(CHAT)
    assert (overloaded.error, answered.error) == ("overloaded", "")
    assert overloaded.parent == answered.parent
    assert collector.named("turn")[0].attributes[At.TURN_LLM_CALLS] == 2


async def test_what_a_tool_traces_goes_under_the_span_of_its_call(play):
    script = assistant(calls(call("trace_back", place="a"), call("trace_back", place="b")), DONE)
    async with traced(play, script, tools=(*TOOLS, trace_back)) as (stage, collector):
        await stage.run_agent(tools=("trace_back",))
        lines = set(stage.notebook.lines)
    assert lines == {f"{span.trace} {span.id}" for span in collector.named("execute_tool trace_back")}
    assert len(lines) == 2


async def test_a_backend_that_is_down_changes_nothing_and_the_records_have_it_all(play):
    async with traced(play, cast()) as (stage, collector):
        collector.status = 500
        run = await stage.produce(brief())
        stage.world.telemetry.tracers.force_flush()
        lost = len(collector.got)
        collector.status = 200
        sent = await again(stage, run.id)
    assert (run.status, lost) == ("complete", 0)
    assert len(collector.spans) == sent > 20
    assert orphans(collector) == []


async def _leak(play, **settings):
    tools = (*TOOLS, leaky_worker.look, leaky_worker.break_down)
    async with traced(play, leaks(), tools=tools, settings=settings) as (stage, collector):
        handle = await stage.start_agent(f"Find Lisbon. {PLANTED}", tools=("look", "break_down", "escalate_to_human"))
        await stage.until_asked(handle)
        await decide(handle, "revise", f"Go on. {PLANTED}")
        await ended(handle)
    return collector, b"".join(collector.bodies)


async def test_no_span_holds_what_was_said_nor_the_text_of_an_exception(play):
    collector, sent = await _leak(play)
    assert [word for word in (*SECRETS, "hush-hush", *HIDDEN) if word.encode() in sent] == []
    assert collector.names["execute_tool break_down"] == 1
    assert collector.named("execute_tool break_down")[0].error == "raised"


async def test_spans_that_are_to_hold_what_was_said_hold_no_secrets(play):
    collector, sent = await _leak(play, trace_content=True)
    assert [word for word in (*SECRETS, "hush-hush") if word.encode() in sent] == []
    assert [word for word in HIDDEN if word.encode() not in sent] == []
    [looked] = collector.named("execute_tool look")
    assert "[REDACTED]" in looked.attributes[Ai.TOOL_RESULT]
