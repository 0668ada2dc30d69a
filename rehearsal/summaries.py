"""From a performance to the message that answers a request for a summary: one signed block, or none and the reason."""

from typing import Any, Final

from rehearsal.cache import Counted
from rehearsal.player import Performance, Summary, Text
from rehearsal.prefix import tokens_in
from rehearsal.replies import Reply, Setting, name_of, terms_of
from rehearsal.seals import Seal, seal_summary

NOTHING: Final[dict[str, Any]] = {**Counted(0).as_json(), "output_tokens": 0}


def compose_summary(performance: Performance, setting: Setting, seal: Seal) -> Reply:
    """Write the message. A summary that was cut off, refused or not written leaves it empty, and is billed."""
    text, stop = _said(performance)
    cost = tokens_in(text or "")
    if cost > setting.body.max_tokens:
        text, stop, cost = "", "max_tokens", setting.body.max_tokens
    content: list[dict[str, Any]] = []
    if text is None:
        content = [{"type": "compaction", "content": None}]
    elif text and stop == "compaction":
        content = [{"type": "compaction", "content": text, "signature": seal_summary(seal, text)}]
    counted = {**setting.counted.as_json(), "output_tokens": max(1, cost), **(performance.usage or {})}
    message = {
        "model": setting.card.id,
        "id": f"msg_{name_of(setting.binding, 'compaction')}",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": performance.refusal, "explanation": None}
        if stop == "refusal"
        else None,
        "usage": {**NOTHING, **terms_of(setting), "iterations": [{"type": "compaction", **counted}]},
    }
    return Reply(message)


def _said(performance: Performance) -> tuple[str | None, str | None]:
    """The words of the summary (null: it failed), and the stop reason; words without `Summary` count as one, too."""
    for block in performance.blocks:
        if isinstance(block, Summary):
            return block.text, "compaction"
    words = "\n\n".join(block.text for block in performance.blocks if isinstance(block, Text))
    if performance.cut is not None:
        return words, "max_tokens"
    stop = performance.stop_reason
    return words, "compaction" if stop == "end_turn" and words else stop
