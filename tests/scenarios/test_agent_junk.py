"""Whatever a model sends: no run is left stuck, and no workflow task ever fails."""

import asyncio
import contextlib
import json

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from rehearsal.scripts import Script, forever
from tests.scenarios.agents import DONE, count, decide, ended, failures, wire
from tests.scenarios.stage import OWN_TOOLS
from workflows.models import Limits

NAMES = [each.name for each in OWN_TOOLS]
BESIDE = 8
"""Agents that play on one stage at the same time."""

HARD = [
    "\ud800",
    "\x00",
    "\x1b[31m",
    "\u202e\u200b",
    "\ud83d",
    "\n" * 50,
    "x" * 1_000_000,
    "\ud800" * 1_000,
    '{"a":' * 9,
]
DEEP = ['{"place":' * depth + "1" + "}" * depth for depth in (30, 200, 450, 700, 950, 3_000)]
BENT = ["[" * 90_000, "1e999", "NaN", "-0", '{"place":"\\ud800"}', "9" * 5_000]


def mostly(often, seldom):
    """Few values are of the seldom kind; most replies should get past the first checks."""
    return st.integers(0, 39).flatmap(lambda chance: seldom if chance == 7 else often)


texts = st.one_of(st.text(max_size=60), st.sampled_from(HARD))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
inputs = st.one_of(
    st.sampled_from(DEEP),
    st.sampled_from(BENT),
    texts,
    values.map(json.dumps),
    st.builds(lambda place: json.dumps({"place": place}), values),
)
fair_ids = st.uuids().map(lambda each: f"toolu_{each.hex}")
ids = mostly(fair_ids, st.sampled_from(["toolu_1", "", "a b", "é", "x" * 300]))
uses = st.fixed_dictionaries(
    {"type": st.just("tool_use"), "id": ids, "name": st.one_of(st.sampled_from(NAMES), texts), "input": inputs}
)
said = st.fixed_dictionaries({"type": st.just("text"), "text": texts})
thought = st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts, "signature": texts})
odd = st.fixed_dictionaries({"type": texts | st.none() | st.just("server_tool_use")}, optional={"data": values})
blocks = st.lists(mostly(uses | said, thought | odd), max_size=5)
stops = mostly(
    st.just("natural"),
    st.sampled_from(["end_turn", "tool_use", "max_tokens", "pause_turn", "refusal", "model_context_window_exceeded"])
    | st.sampled_from([None, "compaction", "tired", 7, "stop_sequence", "", "\ud800"]),
)
usages = st.one_of(
    st.just({"input_tokens": 900, "output_tokens": 100}),
    st.none(),
    st.dictionaries(st.sampled_from(["input_tokens", "output_tokens", "service_tier", "iterations"]), values),
)
talks = st.lists(st.lists(st.tuples(blocks, stops, usages), min_size=2, max_size=3), min_size=BESIDE, max_size=BESIDE)


def junk(content, stop, usage):
    """One reply, with the stop reason that follows from its blocks if there is none of its own."""
    natural = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    return wire(*content, stop=natural if stop == "natural" else stop, usage=usage)


async def patiently(handle):
    """Let an agent go on three times when it asks, and end it after that."""
    answers = ["revise", "revise", "revise", "reject"]
    outcome = asyncio.create_task(ended(handle))
    while not outcome.done():
        with contextlib.suppress(RPCError):  # it has come to its end since
            if (question := await handle.query("question")) and answers:
                with contextlib.suppress(WorkflowUpdateFailedError):  # it was answered already
                    await decide(handle, answers[0], "Go on.", question=question["id"])
                    answers.pop(0)
        await asyncio.sleep(0.3)
    return await outcome


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,  # a scenario plays the same each time; the seams below it are searched at random
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(talks=talks)
async def test_no_junk_leaves_a_run_stuck_or_fails_a_workflow_task(play, talks):
    plays = [[*(junk(*each) for each in talk), forever(DONE)] for talk in talks]

    def turns(request):
        return plays[int(request.task.rsplit("talk ", 1)[1].split()[0])]

    async with play(Script({"assistant": turns})) as stage:
        limits = Limits(turns=8, window=1_000_000, tokens=10_000_000, micro_usd=100_000_000)
        goals = [f"talk {number} " for number in range(len(talks))]
        handles = [await stage.start_agent(goal, limits=limits) for goal in goals]
        outcomes = await asyncio.gather(*(patiently(handle) for handle in handles))
        failed = [await count(handle, "WORKFLOW_TASK_FAILED") for handle in handles]
        errors = {error for handle in handles for error in await failures(handle)}
        timed_out = [await count(handle, "WORKFLOW_TASK_TIMED_OUT") for handle in handles]
    assert {outcome.status for outcome in outcomes} <= {"complete", "failed"}
    assert failed == timed_out == [0] * len(talks)
    assert [error for error in errors if not error.startswith("anthropic.")] == []
    assert all(outcome.answer or outcome.reason for outcome in outcomes)
