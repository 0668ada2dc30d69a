"""The same spans in the words of others: what OpenInference and Langfuse call what we have already, as plain maps.

Both read the conventions for generative AI by themselves, and what is here is what they then still lack. All of it is
added to our own attributes, none is replaced.
"""

import json
from collections.abc import Callable, Mapping

from activities.spans import Attributes, Value
from workflows.tracing import CHAT, EXECUTE_TOOL, INVOKE_AGENT, INVOKE_WORKFLOW, Ai, At

OPENINFERENCE_KINDS = {CHAT: "LLM", EXECUTE_TOOL: "TOOL", INVOKE_AGENT: "AGENT", INVOKE_WORKFLOW: "CHAIN"}
LANGFUSE_TYPES = {CHAT: "generation", EXECUTE_TOOL: "tool", INVOKE_AGENT: "agent", INVOKE_WORKFLOW: "chain"}

_OPENINFERENCE = {
    At.SESSION: "session.id",
    At.TENANT: "user.id",
    Ai.AGENT: "agent.name",
    Ai.PROVIDER: "llm.provider",
    Ai.REQUEST_MODEL: "llm.model_name",
    Ai.INPUT_TOKENS: "llm.token_count.prompt",
    Ai.OUTPUT_TOKENS: "llm.token_count.completion",
    Ai.REASONING_TOKENS: "llm.token_count.completion_details.reasoning",
    Ai.CACHE_READ_TOKENS: "llm.token_count.prompt_details.cache_read",
    Ai.CACHE_WRITE_TOKENS: "llm.token_count.prompt_details.cache_write",
    Ai.COST: "llm.cost.total",
    Ai.TOOL: "tool.name",
    Ai.TOOL_CALL: "tool_call.id",
    Ai.TOOL_ARGUMENTS: "input.value",
    Ai.TOOL_RESULT: "output.value",
    Ai.INPUT_MESSAGES: "input.value",
    Ai.OUTPUT_MESSAGES: "output.value",
}
_LANGFUSE = {
    At.SESSION: "langfuse.session.id",
    At.TENANT: "langfuse.user.id",
    Ai.REQUEST_MODEL: "langfuse.observation.model.name",
    Ai.TOOL_ARGUMENTS: "langfuse.observation.input",
    Ai.TOOL_RESULT: "langfuse.observation.output",
    Ai.INPUT_MESSAGES: "langfuse.observation.input",
    Ai.OUTPUT_MESSAGES: "langfuse.observation.output",
    At.RUN: "langfuse.trace.metadata.run",
    At.ITEM: "langfuse.observation.metadata.item",
    At.PIPELINE: "langfuse.trace.name",
}


def openinference(attributes: Attributes) -> dict[str, Value]:
    """Say it as OpenInference does, which Phoenix speaks."""
    said = {theirs: attributes[ours] for ours, theirs in _OPENINFERENCE.items() if ours in attributes}
    said["openinference.span.kind"] = OPENINFERENCE_KINDS.get(str(attributes.get(Ai.OPERATION)), "CHAIN")
    if Ai.INPUT_TOKENS in attributes:
        said["llm.token_count.total"] = _count(attributes, Ai.INPUT_TOKENS) + _count(attributes, Ai.OUTPUT_TOKENS)
    return said


def langfuse(attributes: Attributes) -> dict[str, Value]:
    """Say it as Langfuse does. Its token classes do not overlap, so what was cached is taken out of the input."""
    said = {theirs: attributes[ours] for ours, theirs in _LANGFUSE.items() if ours in attributes}
    said["langfuse.observation.type"] = LANGFUSE_TYPES.get(str(attributes.get(Ai.OPERATION)), "span")
    if At.ERROR_TYPE in attributes:
        said["langfuse.observation.level"] = "ERROR"
        said["langfuse.observation.status_message"] = attributes[At.ERROR_TYPE]
    if Ai.INPUT_TOKENS in attributes:
        said["langfuse.observation.usage_details"] = json.dumps(_langfuse_usage(attributes))
    if Ai.COST in attributes:
        said["langfuse.observation.cost_details"] = json.dumps({"total": attributes[Ai.COST]})
    return said


DIALECTS: Mapping[str, Callable[[Attributes], dict[str, Value]]] = {
    "": lambda _: {},
    "openinference": openinference,
    "langfuse": langfuse,
}
"""What is added to our attributes, by the name of the dialect."""


def _langfuse_usage(attributes: Attributes) -> dict[str, int]:
    read, written = _count(attributes, Ai.CACHE_READ_TOKENS), _count(attributes, Ai.CACHE_WRITE_TOKENS)
    thought, output = _count(attributes, Ai.REASONING_TOKENS), _count(attributes, Ai.OUTPUT_TOKENS)
    return {
        "input": _count(attributes, Ai.INPUT_TOKENS) - read - written,
        "input_cached_tokens": read,
        "input_cache_creation": written,
        "output": output - thought,
        "output_reasoning_tokens": thought,
    }


def _count(attributes: Attributes, name: str) -> int:
    return int(str(attributes.get(name, 0)))
