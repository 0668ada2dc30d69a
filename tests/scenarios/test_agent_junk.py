"""Whatever a model sends: no run is left stuck, and no workflow task ever fails."""

import asyncio
import json
from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rehearsal.scripts import Script, forever
from tests.scenarios.agents import DONE, count, ended, wire
from tests.scenarios.stage import OWN_TOOLS
from workflows.models import Limits, ReviewPolicy

NAMES = [each.name for each in OWN_TOOLS]
BESIDE = 8
"""Agents that play on one stage at the same time."""

HARD = ["\ud800", "\x00", "\x1b[31m", "\u202e\u200b", "\ud83d", "\n" * 50, "x" * 1_000_000, "\ud800" * 1_000, '{"a":' * 9]
DEEP = ['{"place":' * 3_000 + "1" + "}" * 3_000, "[" * 90_000, "1e999", "NaN", "-0", '{"place":"\\ud800"}', "9" * 5_000]
texts = st.one_of(st.text(max_size=60), st.sampled_from(HARD))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
inputs = st.one_of(
    st.sampled_from(DEEP), texts, values.map(json.dumps), st.builds(lambda place: json.dumps({"place": place}), values)
)
ids = st.one_of(st.sampled_from(["toolu_1", "toolu_2", "", "a b", "é", "x" * 300]), st.uuids().map(lambda u: u.hex))
uses = st.fixed_dictionaries(
    {"type": st.just("tool_use"), "id": ids, "name": st.one_of(st.sampled_from(NAMES), texts), "input": inputs}
)
said = st.fixed_dictionaries({"type": st.just("text"), "text": texts})
thought = st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts, "signature": texts})
odd = st.fixed_dictionaries({"type": texts | st.none() | st.just("server_tool_use")}, optional={"data": values})
blocks = st.lists(st.one_of(uses, uses, said, said, thought, odd), max_size=5)
stops = st.one_of(
    st.sampled_from(["end_turn", "tool_use", "max_tokens", "pause_turn", "refusal", "model_context_window_exceeded"]),
    st.sampled_from(["tool_use", None, "compaction", "tired", 7, "stop_sequence"]),
    texts,
)
usages = st.one_of(
    st.just({"input_tokens": 900, "output_tokens": 100}),
    st.none(),
    st.dictionaries(st.sampled_from(["input_tokens", "output_tokens", "service_tier", "iterations"]), values),
)
junk = st.builds(lambda content, stop, usage: wire(*content, stop=stop, usage=usage), blocks, stops, usages)
talks = st.lists(st.lists(junk, min_size=1, max_size=3), min_size=BESIDE, max_size=BESIDE)


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
    silence = ReviewPolicy(remind_after=timedelta(seconds=0.1), deadline=timedelta(seconds=0.2))

    def turns(request):
        return [*talks[int(request.task.rsplit("talk ", 1)[1].split()[0])], forever(DONE)]

    async with play(Script({"assistant": turns})) as stage:
        limits = Limits(turns=8, window=1_000_000, tokens=10_000_000, micro_usd=100_000_000)
        goals = [f"talk {number} " for number in range(len(talks))]
        handles = [await stage.start_agent(goal, limits=limits, review=silence) for goal in goals]
        outcomes = await asyncio.gather(*(ended(handle) for handle in handles))
        failed = [await count(handle, "WORKFLOW_TASK_FAILED") for handle in handles]
        timed_out = [await count(handle, "WORKFLOW_TASK_TIMED_OUT") for handle in handles]
    assert {outcome.status for outcome in outcomes} <= {"complete", "failed"}
    assert failed == timed_out == [0] * len(talks)
    assert all(outcome.answer or outcome.reason for outcome in outcomes)
