"""What each model accepts, as the models endpoint tells it and the checks enforce it.

Windows, output caps and cache minimums of the newest models are assumptions of the rehearsal (their line's last known
value); so are the release dates, and that models newer than the list of September 2026 write summaries on demand.
Nothing in Callsheet relies on them: it asks the endpoint.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
EDITS: Final = ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")
MILLION: Final = 1_000_000
OUTPUT: Final = 128_000


@dataclass(frozen=True)
class Card:
    """One model: its limits in tokens and its habits."""

    id: str
    max_input: int = MILLION
    max_tokens: int = OUTPUT
    least_cached: int = 1024
    thinking: tuple[str, ...] = ("adaptive", "enabled", "disabled")
    always_thinks: bool = False
    binds_thinking: bool = False
    omits_thinking: bool = False
    forced_tools: bool = True
    system_messages: bool = False
    compaction: bool = True
    efforts: tuple[str, ...] = EFFORTS
    lifecycle: Literal["active", "deprecated", "retired"] = "active"
    retires: str | None = None

    @property
    def line(self) -> str:
        """The family: opus, sonnet, haiku, fable or mythos."""
        return self.id.split("-")[1]

    @property
    def title(self) -> str:
        """The name for people."""
        _, line, *version = self.id.split("-")
        return f"Claude {line.capitalize()} {'.'.join(version)}"

    def as_json(self, *, beta: bool = False) -> dict[str, Any]:
        """Write the card as the models endpoint does; the capability to compact is told under its beta header only."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.title,
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": self.lifecycle,
            "deprecated_at": None if self.lifecycle == "active" else "2026-06-01T00:00:00Z",
            "retires_at": self.retires,
            "line": self.line,
            "max_input_tokens": self.max_input,
            "max_tokens": self.max_tokens,
            "capabilities": {**self._capabilities(), **(self._compaction() if beta else {})},
        }

    def _compaction(self) -> dict[str, Any]:
        return {"compaction": {"supported": self.compaction, "summarize": {"supported": self.compaction}}}

    def _capabilities(self) -> dict[str, Any]:
        yes, no = {"supported": True}, {"supported": False}
        kinds = ("adaptive", "enabled", "disabled", "between_tools")
        thinking = {kind: yes if kind in self.thinking else no for kind in kinds}
        return {
            "batch": yes if self.lifecycle != "retired" else no,
            **dict.fromkeys(("citations", "code_execution", "pdf_input"), no),
            "context_management": {"supported": False, **dict.fromkeys(EDITS, no)},
            "effort": {
                "supported": bool(self.efforts),
                **{level: yes if level in self.efforts else no for level in EFFORTS},
            },
            "image_input": yes,
            "server_tools": {"supported": False, "code_execution": no, "web_search": no},
            "structured_outputs": yes,
            "thinking": {"supported": True, "types": thinking},
        }


def _newest(name: str, *, forced_tools: bool = True, least: int = 1024, between: bool = False) -> Card:
    """Make a card of the families that bind thinking blocks to their conversation."""
    kinds = ("adaptive", "between_tools") if between else ("adaptive",)
    return Card(
        name,
        least_cached=least,
        thinking=kinds,
        always_thinks=True,
        binds_thinking=True,
        omits_thinking=True,
        forced_tools=forced_tools,
        system_messages=True,
    )


CARDS: Final = (
    _newest("claude-fable-5-2", least=512),
    _newest("claude-fable-5-1", forced_tools=False, least=512),
    Card("claude-fable-5", least_cached=512),
    _newest("claude-mythos-5-2"),
    _newest("claude-mythos-5-1"),
    Card("claude-mythos-5"),
    _newest("claude-opus-5-5", forced_tools=False, least=512),
    Card("claude-opus-5", least_cached=512, system_messages=True),
    Card("claude-opus-4-8", system_messages=True),
    Card("claude-opus-4-7", least_cached=2048),
    Card("claude-opus-4-6", least_cached=4096),
    Card(
        "claude-opus-4-5",
        200_000,
        64_000,
        4096,
        ("enabled", "disabled"),
        compaction=False,
        efforts=("low", "medium", "high"),
    ),
    _newest("claude-sonnet-5-5", forced_tools=False, between=True),
    Card("claude-sonnet-5"),
    Card("claude-sonnet-4-6", max_tokens=64_000),
    Card(
        "claude-sonnet-4-5",
        200_000,
        64_000,
        thinking=("enabled", "disabled"),
        compaction=False,
        efforts=(),
        lifecycle="deprecated",
        retires="2026-11-30T00:00:00Z",
    ),
    Card(
        "claude-haiku-5-5",
        least_cached=4096,
        thinking=("adaptive", "disabled"),
        binds_thinking=True,
        omits_thinking=True,
        system_messages=True,
    ),
    Card("claude-haiku-4-5", 200_000, 64_000, 4096, ("enabled", "disabled"), compaction=False, efforts=()),
)


def by_id(cards: Iterable[Card]) -> Mapping[str, Card]:
    """Lay the cards out by model id."""
    return {card.id: card for card in cards}
