"""What the API refuses in a request whose shape is right: each check raises a 400 in the API's own words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rehearsal.body import (
    Body,
    MessageShape,
    Prompt,
    RedactedThinkingBlock,
    ServerToolUseBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from rehearsal.cards import Card
from rehearsal.errors import ApiError

UNSUPPORTED: Final = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems",
    "uniqueItems", "minProperties", "maxProperties",
})  # fmt: skip
ONLY_ASSISTANT: Final = (ToolUseBlock, ThinkingBlock, RedactedThinkingBlock, ServerToolUseBlock)


def check_prompt(prompt: Prompt, card: Card) -> None:
    """Run every check that the messages and the counting endpoint share."""
    check_thinking(prompt, card)
    check_tools(prompt, card)
    if prompt.output_config.format:
        check_schema(prompt.output_config.format.schema_, "output_config.format.schema")
    check_roles(prompt.messages, card)
    check_contents(prompt)
    check_pairing(prompt.messages)


def check_output(body: Body, card: Card) -> None:
    """Check the room for the answer."""
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


def check_roles(messages: Sequence[MessageShape], card: Card) -> None:
    """Check who speaks when."""
    if not messages:
        raise ApiError("messages: at least one message is required")
    if messages[0].role != "user":
        raise ApiError('messages: first message must use the "user" role')
    for at, message in enumerate(messages):
        if message.role == "system":
            _check_system(at, messages, card)
        wrong = ONLY_ASSISTANT if message.role == "user" else (ToolResultBlock,)
        for block in message.content:
            if isinstance(block, wrong):
                owner = "assistant" if message.role == "user" else "user"
                raise ApiError(f"messages.{at}: `{block.type}` blocks can only be in `{owner}` messages")
    last = messages[-1]
    # A paused turn is sent back as it is, so that the model goes on; it ends with a call that the provider runs.
    if last.role == "assistant" and not (last.content and isinstance(last.content[-1], ServerToolUseBlock)):
        refusal = "This model does not support assistant message prefill."
        raise ApiError(f"{refusal} The conversation must end with a user message.")


def _check_system(at: int, messages: Sequence[MessageShape], card: Card) -> None:
    if not card.system_messages:
        raise ApiError(f"messages.{at}.role: `system` messages are not supported on {card.id}")
    if messages[at - 1].role != "user":
        raise ApiError(f"messages.{at}: a `system` message must directly follow a `user` message")
    if not all(isinstance(block, TextBlock) for block in messages[at].content):
        raise ApiError(f"messages.{at}: `system` messages may only contain text")


def check_contents(prompt: Prompt) -> None:
    """Check that nobody says nothing."""
    for at, message in enumerate(prompt.messages):
        if not message.content:
            raise ApiError(f"messages.{at}: all messages must have non-empty content")
        for block in message.content:
            if isinstance(block, TextBlock) and not block.text:
                raise ApiError("messages: text content blocks must be non-empty")
            if isinstance(block, TextBlock) and not block.text.strip():
                raise ApiError("messages: text content blocks must contain non-whitespace text")
    if any(not block.text for block in prompt.system):
        raise ApiError("system: text content blocks must be non-empty")


def check_pairing(messages: Sequence[MessageShape]) -> None:
    """Check that every call is answered exactly once, in the next message, results first."""
    calls = [block.id for message in messages for block in message.content if isinstance(block, ToolUseBlock)]
    if len(calls) != len(set(calls)):
        raise ApiError("messages: `tool_use` ids must be unique")
    asked: list[str] = []
    for at, message in enumerate(messages):
        if message.role != "system":
            _check_results(at, message, asked)
            asked = [block.id for block in message.content if isinstance(block, ToolUseBlock)]
    if asked:
        _unanswered(len(messages) - 1, asked)


def _check_results(at: int, message: MessageShape, asked: Sequence[str]) -> None:
    answered: list[str] = []
    leading = True
    for b, block in enumerate(message.content):
        if not isinstance(block, ToolResultBlock):
            leading = False
            continue
        path, name = f"messages.{at}.content.{b}", block.tool_use_id
        if name not in asked:
            rule = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            raise ApiError(f"{path}: unexpected `tool_use_id` found in `tool_result` blocks: {name}. {rule}")
        if name in answered:
            found = f"Found multiple `tool_result` blocks with id: {name}"
            raise ApiError(f"{path}: each tool_use must have a single result. {found}")
        if not leading:
            raise ApiError(f"{path}: `tool_result` blocks must come before all other content of the message")
        answered.append(name)
    missing = [name for name in asked if name not in answered]
    if missing:
        _unanswered(at - 1, missing)


def _unanswered(at: int, missing: Sequence[str]) -> None:
    found = f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}"
    rule = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    raise ApiError(f"messages.{at}: {found}. {rule}")
