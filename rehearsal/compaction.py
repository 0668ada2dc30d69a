"""Compaction on demand: what such a request may hold, the summary that the server writes, and the message it becomes.

A request for a summary is answered with one signed `compaction` block and nothing else. The client sends the block
back as it is, first in `messages`, in place of the messages that it sums up: as the SDK's own tool runner does, in the
`assistant` message in which it came.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rehearsal.blocks import MessageShape, ServerToolUseBlock
from rehearsal.body import Prompt
from rehearsal.cards import Card
from rehearsal.errors import ApiError
from rehearsal.player import Performance, Request, Summary
from rehearsal.seals import refused

BETA: Final = "compact-2026-09-04"
PROMPT: Final = (
    "Summarise the conversation so far, so that the work can go on from the summary alone: the task, what was decided, "
    "what was done with which tools, and every name and identifier that is still needed. Call no tools."
)
"""What the summariser is told at the end of the conversation; it is counted as input."""
IDENTIFIER: Final = re.compile(r"\b[A-Za-z]{2,12}[_:-](?=[0-9a-zA-Z]*\d|[a-f]{6})[0-9a-zA-Z]{4,64}\b")
MOST_TASK: Final = 2_000
MOST_TOLD: Final = 30
MOST_NAMES: Final = 60
LINE: Final = 160


def check_compaction(prompt: Prompt, card: Card, betas: frozenset[str]) -> None:
    """Check what stands around the messages of a request for a summary.

    Raises:
        ApiError: 400, naming what has to go.
    """
    if prompt.compaction is None:
        if prompt.context_management is not None:
            raise ApiError("context_management: Extra inputs are not permitted")
        return
    if BETA not in betas:
        raise ApiError(f"compaction: requires anthropic-beta: {BETA}")
    if not card.compaction:
        raise ApiError(f"compaction: this model ({card.id}) does not support compaction")
    forced = prompt.tool_choice is not None and prompt.tool_choice.type in {"any", "tool"}
    wrong = {
        "context_management": prompt.context_management is not None,
        "stop_sequences": bool(getattr(prompt, "stop_sequences", ())),
        "output_config.format": prompt.output_config.format is not None,
        f"tool_choice.type `{prompt.tool_choice.type if prompt.tool_choice else ''}`": forced,
    }
    found = [name for name, present in wrong.items() if present]
    if found:
        raise ApiError(f"{found[0]}: cannot be combined with `compaction`")


def check_finished(messages: tuple[MessageShape, ...], asked: tuple[str, ...]) -> None:
    """Check that the conversation to be summarised ends with a whole turn.

    Raises:
        ApiError: 400, a call has no result yet, or there is nothing at all.
    """
    if not any(message.role != "system" for message in messages):
        why = "holds no `user` or `assistant` content to summarize"
        raise refused("messages", "compaction_nothing_to_summarize", why)
    if asked or isinstance(messages[-1].content[-1], ServerToolUseBlock):
        why = f"the last `assistant` turn ends in a tool call with no result yet: {', '.join(asked) or 'server tool'}"
        raise refused(f"messages.{len(messages) - 1}", "compaction_incomplete_turn", why)


def summary_of(request: Request) -> Performance:
    """Summarise by rule: the task, an earlier summary, the latest calls with their results, and all identifiers."""
    earlier = next((str(block["content"]) for m in request.messages for block in m.of("compaction")), "")
    told = list(_told(request))
    parts = [
        f"Summary by rule of {request.turn - 1} turns.",
        f"Task: {request.task[:MOST_TASK]}",
        f"Earlier: {earlier[-MOST_TASK:]}" if earlier else "",
        "\n".join(
            [f"{len(told)} tool calls, the last of them:" if told else "No tools were called.", *told[-MOST_TOLD:]]
        ),
        f"Identifiers: {', '.join(_identifiers(request, earlier))}",
    ]
    return Performance((Summary("\n\n".join(part for part in parts if part)),), stop="compaction")


def _told(request: Request) -> Iterator[str]:
    calls: dict[str, Mapping[str, Any]] = {}
    for message in request.messages:
        calls.update({str(block["id"]): block for block in message.of("tool_use")})
        for block in message.of("tool_result"):
            call = calls.pop(str(block["tool_use_id"]), None)
            how = "failed" if block.get("is_error") else "ok"
            words = " ".join(_words(block).split())[:LINE]
            if call is not None:
                yield f"- {call['name']}({str(call['input'])[:LINE]}) {how}: {words}"


def _identifiers(request: Request, earlier: str) -> list[str]:
    """The latest identifiers in results and in the earlier summary, each once, in the order in which they came."""
    found = dict.fromkeys(IDENTIFIER.findall(earlier))
    for message in request.messages:
        for block in message.of("tool_result"):
            found.update(dict.fromkeys(IDENTIFIER.findall(_words(block))))
    return list(found)[-MOST_NAMES:]


def _words(block: Mapping[str, Any]) -> str:
    return "\n".join(str(each.get("text", "")) for each in block.get("content") or () if each["type"] == "text")
