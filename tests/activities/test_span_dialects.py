"""What backends need that do not read the conventions alone: the same facts, in their words."""

import json

import pytest
from pydantic import ValidationError

from activities.settings import Settings
from activities.span_dialects import DIALECTS, langfuse, openinference
from activities.spans import of_usage
from workflows.models import Usage
from workflows.tracing import Ai, At

CALL = {
    Ai.OPERATION: "chat",
    Ai.PROVIDER: "anthropic",
    Ai.REQUEST_MODEL: "claude-sonnet-5-5",
    Ai.AGENT: "critic",
    Ai.COST: 0.0125,
    At.SESSION: "run-1",
    At.TENANT: "acme",
    At.RUN: "run-1",
    At.ITEM: "tee",
    At.PIPELINE: "image_production",
    **of_usage(Usage(input=100, output=40, thinking=15, cache_read=300, cache_write=50)),
}
TOOL = {Ai.OPERATION: "execute_tool", Ai.TOOL: "render_shot", Ai.TOOL_CALL: "call_1", Ai.TOOL_ARGUMENTS: "{}"}


def test_openinference_hears_of_a_call_with_all_its_tokens():
    assert openinference(CALL) == {
        "openinference.span.kind": "LLM",
        "session.id": "run-1",
        "user.id": "acme",
        "agent.name": "critic",
        "llm.provider": "anthropic",
        "llm.model_name": "claude-sonnet-5-5",
        "llm.token_count.prompt": 450,
        "llm.token_count.completion": 40,
        "llm.token_count.total": 490,
        "llm.token_count.completion_details.reasoning": 15,
        "llm.token_count.prompt_details.cache_read": 300,
        "llm.token_count.prompt_details.cache_write": 50,
        "llm.cost.total": 0.0125,
    }


def test_openinference_hears_what_kind_of_span_it_is():
    kinds = {
        operation: openinference({Ai.OPERATION: operation})["openinference.span.kind"]
        for operation in ("invoke_workflow", "invoke_agent", "chat", "execute_tool", "turn")
    }
    assert list(kinds.values()) == ["CHAIN", "AGENT", "LLM", "TOOL", "CHAIN"]
    assert openinference(TOOL) == {
        "openinference.span.kind": "TOOL",
        "tool.name": "render_shot",
        "tool_call.id": "call_1",
        "input.value": "{}",
    }


def test_langfuse_hears_of_a_call_and_no_token_is_counted_twice():
    said = langfuse(CALL)
    usage = json.loads(said["langfuse.observation.usage_details"])
    assert usage == {
        "input": 100,
        "input_cached_tokens": 300,
        "input_cache_creation": 50,
        "output": 25,
        "output_reasoning_tokens": 15,
    }
    assert sum(usage.values()) == CALL[Ai.INPUT_TOKENS] + CALL[Ai.OUTPUT_TOKENS]
    assert json.loads(said["langfuse.observation.cost_details"]) == {"total": 0.0125}
    assert (
        said.items()
        >= {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "claude-sonnet-5-5",
            "langfuse.session.id": "run-1",
            "langfuse.user.id": "acme",
            "langfuse.trace.name": "image_production",
            "langfuse.observation.metadata.item": "tee",
        }.items()
    )


def test_langfuse_hears_of_errors_tools_and_of_what_has_no_tokens():
    failed = langfuse({**TOOL, At.ERROR_TYPE: "schema"})
    assert failed == {
        "langfuse.observation.type": "tool",
        "langfuse.observation.level": "ERROR",
        "langfuse.observation.status_message": "schema",
        "langfuse.observation.input": "{}",
    }
    assert langfuse({})["langfuse.observation.type"] == "span"


def test_a_dialect_adds_and_replaces_none_of_ours():
    for said in (DIALECTS[name](CALL) for name in DIALECTS):
        assert {name: CALL[name] for name in said if name in CALL} == {
            name: said[name] for name in said if name in CALL
        }
    assert DIALECTS[""](CALL) == {}


def test_a_dialect_that_nobody_speaks_is_refused_with_those_that_are():
    with pytest.raises(ValidationError, match="openinference"):
        Settings(trace_dialect="klingon")
