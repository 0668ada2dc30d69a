"""What a guard may rule."""

from typing import Literal

from workflows.models.base import Value

HaltKind = Literal["loop", "money", "budget", "context", "refusal", "broken", "output", "truncated", "rejected"]


class Halt(Value):
    """End the conversation; the flow decides whether a person is asked."""

    kind: HaltKind
    reason: str


class Nudge(Value):
    """Tell the agent, once, what it is doing wrong."""

    text: str


class Remind(Value):
    """Repeat the contract at the tail."""

    text: str


class Compact(Value):
    """Shorten what the model reads; the originals stay in the store."""

    keep: int = 6


class Judge(Value):
    """Have a fresh pair of eyes look whether the work still serves the contract."""


class LastTurn(Value):
    """Give the agent one turn without tools to hand in what it has."""

    text: str


class Ask(Value):
    """Ask a person."""

    reason: str


Ruling = Halt | Nudge | Remind | Compact | Judge | LastTurn | Ask
