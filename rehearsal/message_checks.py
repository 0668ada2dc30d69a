"""What the API refuses in the messages of a request: each check raises a 400 in the API's own words.

The checks go from message to message, so that a conversation which has grown is not checked from its start again.
"""

from collections.abc import Sequence
from typing import Final

from rehearsal.blocks import (
    CompactionBlock,
    MessageShape,
    RedactedThinkingBlock,
    ServerToolUseBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from rehearsal.cards import Card
from rehearsal.errors import ApiError

ONLY_ASSISTANT: Final = (ToolUseBlock, ThinkingBlock, RedactedThinkingBlock, ServerToolUseBlock)


def check_role(at: int, message: MessageShape, previous: str, card: Card) -> None:
    """Check who speaks after whom."""
    if at == 0 and message.role != "user" and not _summarises(message):
        raise ApiError('messages: first message must use the "user" role')
    if message.role == "system":
        _check_system(at, message, previous, card)
    wrong = ONLY_ASSISTANT if message.role == "user" else (ToolResultBlock,)
    for block in message.content:
        if isinstance(block, wrong):
            owner = "assistant" if message.role == "user" else "user"
            raise ApiError(f"messages.{at}: `{block.type}` blocks can only be in `{owner}` messages")


def _summarises(message: MessageShape) -> bool:
    return message.role == "assistant" and any(isinstance(block, CompactionBlock) for block in message.content)


def _check_system(at: int, message: MessageShape, previous: str, card: Card) -> None:
    if not card.system_messages:
        raise ApiError(f"messages.{at}.role: `system` messages are not supported on {card.id}")
    if previous != "user":
        raise ApiError(f"messages.{at}: a `system` message must directly follow a `user` message")
    if not all(isinstance(block, TextBlock) for block in message.content):
        raise ApiError(f"messages.{at}: `system` messages may only contain text")


def check_content(at: int, message: MessageShape) -> None:
    """Check that nobody says nothing."""
    if not message.content:
        raise ApiError(f"messages.{at}: all messages must have non-empty content")
    for block in message.content:
        if isinstance(block, TextBlock) and not block.text:
            raise ApiError("messages: text content blocks must be non-empty")
        if isinstance(block, TextBlock) and not block.text.strip():
            raise ApiError("messages: text content blocks must contain non-whitespace text")


def check_results(at: int, message: MessageShape, asked: Sequence[str]) -> None:
    """Check that a message answers every call of the message before exactly once, results first."""
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
        unanswered(at - 1, missing)


def check_end(at: int, last: MessageShape, asked: Sequence[str]) -> None:
    """Check that the conversation ends where a reply may follow: after the user, with every call answered."""
    # A paused turn is sent back as it is, so that the model goes on; it ends with a call that the provider runs. After
    # a summary of everything the SDK's tool runner sends the summary alone.
    if last.role == "assistant" and not isinstance(last.content[-1], ServerToolUseBlock | CompactionBlock):
        refusal = "This model does not support assistant message prefill."
        raise ApiError(f"{refusal} The conversation must end with a user message.")
    if asked:
        unanswered(at, asked)


def unanswered(at: int, missing: Sequence[str]) -> None:
    """Refuse calls that nobody answered."""
    found = f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}"
    rule = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    raise ApiError(f"messages.{at}: {found}. {rule}")
