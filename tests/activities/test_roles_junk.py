"""Whatever comes back from a tool or stands in a task, a role replies."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.player import Performance
from tests.activities.roles_stage import (
    CATALOG,
    DESCRIBE,
    STUDIO,
    Refused,
    Talk,
    fact,
    facts,
    picture,
    shot,
    task,
    tool,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("settings", "advised", "rules", "models", "asset", "entry", "name", "kelvin", "width", "size", "id")
RESULT = JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6)
ASSET = {"asset": "ast_0123456789abcdef0123"}
SECTIONS = {
    "Shot": shot(),
    "Direction": "Front view.",
    "Artefact": ASSET,
    "Facts": facts(fact("frame_fill", 0.7, "at least 0.85", passed=False, miss=0.15)),
    "Verdict": {"asset": ASSET["asset"], "score": 60},
}
LOOKUP = tool("describe_product", ["product"], product={"type": "string"})
TOOLS = {"generator": STUDIO, "refiner": DESCRIBE, "publisher": (LOOKUP, *CATALOG), "assistant": STUDIO}


@pytest.mark.parametrize("role", TOOLS)
@given(results=st.lists(RESULT | st.builds(Refused, st.text(max_size=40), st.text(max_size=40)), max_size=6))
@settings(max_examples=40, deadline=None)
def test_no_tool_result_stops_a_role(role, results):
    conversation = Talk(role, task(**SECTIONS), TOOLS[role])
    conversation.say()
    for result in results:
        if not conversation.calls:
            break
        reply = conversation.back("A reminder.", **dict.fromkeys(conversation.calls, result))
        assert isinstance(reply, Performance)
        assert reply.blocks


@pytest.mark.parametrize("role", ["planner", "generator", "critic", "refiner", "publisher"])
@given(value=JSON, section=st.sampled_from(["Brief", *SECTIONS]))
@settings(max_examples=40, deadline=None)
def test_no_section_stops_a_role(role, value, section):
    text = task(**{**SECTIONS, section: value})
    assert Talk(role, text, TOOLS.get(role, ()), images=[picture(20, 20)]).say().blocks


@pytest.mark.parametrize("role", ["critic", "refiner"])
@given(
    rule=st.sampled_from(["size", "aspect", "frame_fill", "exposure", "background_white", "clipping", "bytes", "new"]),
    measured=st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    wanted=st.text(alphabet="0123456789. x%-to", max_size=20),
    miss=st.floats(allow_nan=False, allow_infinity=False),
)
@settings(max_examples=80, deadline=None)
def test_no_fact_stops_a_role(role, rule, measured, wanted, miss):
    found = facts(fact(rule, measured, wanted, passed=False, miss=miss), fact("size", measured, wanted))
    conversation = Talk(role, task(**{**SECTIONS, "Facts": found}), TOOLS.get(role, ()), images=[picture(20, 20)])
    reply = conversation.say()
    if conversation.calls:
        reply = conversation.back(describe_asset={"settings": {"width": 900, "camera_distance": 0.0}})
    assert json.loads(reply.blocks[0].text)
