"""What the API refuses around the messages, in a request whose shape is right: a 400 in the API's own words."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from rehearsal.body import Body, Prompt
from rehearsal.cards import Card
from rehearsal.errors import ApiError

UNSUPPORTED: Final = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems",
    "uniqueItems", "minProperties", "maxProperties",
})  # fmt: skip


def check_prompt(prompt: Prompt, card: Card) -> None:
    """Run the checks of everything but the messages that the messages and the counting endpoint share."""
    check_thinking(prompt, card)
    check_tools(prompt, card)
    if prompt.output_config.format:
        check_schema(prompt.output_config.format.schema_, "output_config.format.schema")
    if any(not block.text for block in prompt.system):
        raise ApiError("system: text content blocks must be non-empty")


def check_output(body: Body, card: Card) -> None:
    """Check the room for the answer, and that the whole conversation was sent: the rehearsal keeps no threads."""
    if body.thread is not None:
        details = {"error_code": "thread_unsupported_request"}
        raise ApiError("thread: send the full conversation without `thread`", details=details)
    if body.max_tokens > card.max_tokens:
        most = f"which is the maximum allowed number of output tokens for {card.id}"
        raise ApiError(f"max_tokens: {body.max_tokens} > {card.max_tokens}, {most}")
    budget = body.thinking.budget_tokens if body.thinking else None
    if budget is not None and budget >= body.max_tokens > 0:
        raise ApiError("`max_tokens` must be greater than `thinking.budget_tokens`")


def check_thinking(prompt: Prompt, card: Card) -> None:
    """Check how the model is asked to think."""
    kind = prompt.thinking.type if prompt.thinking else None
    if kind is not None and kind not in card.thinking:
        raise ApiError(f'"thinking.type.{kind}" is not supported for this model. Supported: {", ".join(card.thinking)}')
    if prompt.thinking and kind == "enabled" and prompt.thinking.budget_tokens is None:
        raise ApiError("thinking.enabled.budget_tokens: Field required")
    effort = prompt.output_config.effort
    if effort is not None and effort not in card.efforts:
        raise ApiError(f"output_config.effort: this model does not support the effort level `{effort}`")


def check_tools(prompt: Prompt, card: Card) -> None:
    """Check tool definitions and the choice among them."""
    names = Counter(tool.name for tool in prompt.tools)
    if any(count > 1 for count in names.values()):
        raise ApiError("tools: Tool names must be unique.")
    for at, tool in enumerate(prompt.tools):
        if tool.input_schema.get("type") != "object":
            raise ApiError(f"tools.{at}.custom.input_schema.type: Input should be 'object'")
        if tool.strict:
            check_schema(tool.input_schema, f"tools.{at}.custom.input_schema")
    if prompt.tool_choice:
        _check_choice(prompt, card, names)


def _check_choice(prompt: Prompt, card: Card, names: Mapping[str, int]) -> None:
    choice = prompt.tool_choice
    if choice is None or choice.type in {"auto", "none"}:
        return
    if not names:
        raise ApiError("tool_choice: may only be specified while providing tools")
    if not card.forced_tools:
        raise ApiError(f"tool_choice.type: `{choice.type}` is not supported on {card.id}; use `auto` or `none`")
    if prompt.thinking and prompt.thinking.type in {"enabled", "adaptive"}:
        raise ApiError("Thinking may not be enabled when tool_choice forces tool use.")
    if choice.type == "tool" and choice.name not in names:
        raise ApiError(f"Tool '{choice.name}' not found in provided tools")


def check_schema(schema: Any, path: str) -> None:  # noqa: ANN401 - any JSON
    """Check that a schema stays within what the model's decoder enforces."""
    if isinstance(schema, list):
        for each in schema:
            check_schema(each, path)
    if not isinstance(schema, Mapping):
        return
    limits = sorted(UNSUPPORTED & schema.keys())
    if limits:
        raise ApiError(f"{path}: For '{schema.get('type', 'any')}' type, property '{limits[0]}' is not supported")
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise ApiError(f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    for name in ("properties", "$defs"):
        for each in (schema.get(name) or {}).values():
            check_schema(each, path)
    for name in ("items", "anyOf", "allOf"):
        check_schema(schema.get(name), path)
