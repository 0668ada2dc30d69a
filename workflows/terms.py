"""An agent is a value, and so are the terms it works under and what its work came to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel

from workflows.guards import GUARDS, Guard
from workflows.models import Contract, Effort, Limits, Scope, Talk

T = TypeVar("T", bound=BaseModel)

DEFAULT_MODEL = "claude-sonnet-5-5"


@dataclass(frozen=True)
class Agent(Generic[T]):
    """One agent: who it is, what it hands in, what it may use and spend."""

    name: str
    instructions: str
    output: type[T]
    tools: tuple[str, ...] = ()
    model: str = DEFAULT_MODEL
    effort: Effort = "medium"
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Terms(Generic[T]):
    """The terms of one conversation.

    `accept` says what is wrong with an output of the right type, or None; such an output is sent back `returns` times
    (one that misfits its type as often as the agent's limits say). `purse` tells what the run around it can
    still spend, in micro-dollars. `grants` are the asset ids that the gate or a person has cleared. `carry_on` says,
    between turns, that the conversation must go on in a new workflow run.
    """

    scope: Scope
    contract: Contract
    accept: Callable[[T], str | None] = lambda _: None
    returns: int = 3
    purse: Callable[[], int | None] = lambda: None
    grants: tuple[str, ...] = ()
    carry_on: Callable[[], bool] = lambda: False
    guards: Sequence[Guard] = GUARDS


@dataclass(frozen=True)
class Ended(Generic[T]):
    """What a conversation came to: an output, or how it ended without one."""

    talk: Talk
    output: T | None = None

    @property
    def reason(self) -> str:
        """Say why there is no output."""
        return self.talk.end.reason if self.talk.end else ""

    @property
    def carried(self) -> bool:
        """Tell that the conversation is to go on in a new workflow run."""
        return self.talk.end is not None and self.talk.end.kind == "carried"
