"""An agent is a value, and so are the terms it works under and what its work came to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel

from workflows.guards import GUARDS, Guard
from workflows.holding import Hold, no_hold
from workflows.models import CallRuling, Cap, Contract, Effort, GatedCall, Limits, Patience, Scope, Talk

T = TypeVar("T", bound=BaseModel)

DEFAULT_MODEL = "claude-sonnet-5-5"
GATE = "gate"
"""Who clears what no person decided."""


def grant(thing: str, by: str = GATE) -> str:
    """Write down that a thing was cleared, and by whom; `Context.cleared_by` of the tools reads it."""
    return thing if by == GATE else f"{thing}|by={by}"


@dataclass(frozen=True)
class Agent(Generic[T]):
    """One agent: who it is, what it hands in, what it may use and spend.

    `fallbacks` are models that are asked, in this order, where the one before refuses or does not answer.
    """

    name: str
    instructions: str
    output: type[T]
    tools: tuple[str, ...] = ()
    model: str = DEFAULT_MODEL
    effort: Effort = "medium"
    fallbacks: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


async def no_batch(conversation: str, head: int) -> None:
    """Refuse: whoever lets calls wait has to say how their replies arrive."""
    raise NotImplementedError(f"{conversation} at {head} waits for a batch, and nothing tells of its arrival")


async def let_be(talk: Talk) -> Talk:
    """Attend to nothing."""
    return talk


async def nobody(calls: tuple[GatedCall, ...]) -> tuple[CallRuling, ...]:
    """Refuse: without anybody to ask, no call that needs a person's agreement is run."""
    no = {"agreed": False, "by": "nobody", "note": "nobody can be asked"}
    return tuple(CallRuling(call_id=call.call_id, digest=call.digest, **no) for call in calls)


@dataclass(frozen=True)
class Terms(Generic[T]):
    """The terms of one conversation.

    `accept` says what is wrong with an output of the right type, or None; such an output is sent back `returns`
    times (one that misfits its type as often as the agent's limits say). `caps` are the accounts around the agent's
    own that its calls are charged to, the nearest first. `grants` are the asset ids that the gate or a person has
    cleared. `attend` looks at each turn once its calls are answered: it may tell the agent something, grant, or end
    it. `carry_on` says, between turns, that the conversation must go on in a new workflow run. `waits` is told what
    is waited for, and nothing when that is over; `hold` waits out a pause; `arrival` returns when the reply of a
    batched call may be there. `agree` asks people about calls that need it, and returns what was said to each.
    """

    scope: Scope
    contract: Contract
    accept: Callable[[T], str | None] = lambda _: None
    returns: int = 3
    pipeline: str = ""
    caps: tuple[Cap, ...] = ()
    patience: Patience = "now"
    grants: tuple[str, ...] = ()
    attend: Callable[[Talk], Awaitable[Talk]] = let_be
    carry_on: Callable[[], bool] = lambda: False
    waits: Callable[[str], None] = lambda _: None
    hold: Hold = no_hold
    arrival: Callable[[str, int], Awaitable[None]] = no_batch
    agree: Callable[[tuple[GatedCall, ...]], Awaitable[tuple[CallRuling, ...]]] = nobody
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
    def out_of_money(self) -> bool:
        """Tell that an account was used up, and that a top-up would help."""
        return self.talk.end is not None and self.talk.end.halt == "money"

    @property
    def paused(self) -> bool:
        """Tell that a guard had a person asked, who may let the conversation go on."""
        return self.talk.end is not None and self.talk.end.paused

    @property
    def carried(self) -> bool:
        """Tell that the conversation is to go on in a new workflow run."""
        return self.talk.end is not None and self.talk.end.kind == "carried"
