"""A single agent: what it is ordered to do, where it stands, what became of it."""

from typing import Annotated, Literal

from pydantic import Field

from workflows.models.base import Value
from workflows.models.docket import Docket
from workflows.models.money import Cap, Limits, Spend
from workflows.models.review import ReviewPolicy
from workflows.models.talk import Talk
from workflows.models.turns import Patience

Line = Annotated[str, Field(max_length=4_000)]
"""One constraint, or one thing to accept by; the contract is repeated at the tail, so it has to be bounded."""


class AgentOrder(Value):
    """Starts a single durable agent with a goal.

    `traceparent` is the W3C trace context of whoever orders it. `caps` are accounts above the run's that it is charged
    to as well, the nearest first.
    """

    goal: str = Field(max_length=20_000)
    constraints: tuple[Line, ...] = Field(default=(), max_length=100)
    acceptance: tuple[Line, ...] = Field(default=(), max_length=100)
    instructions: str = Field(default="", max_length=100_000)
    tools: tuple[str, ...] = ()
    model: str = ""
    tenant: str = "default"
    limits: Limits = Limits()
    review: ReviewPolicy = ReviewPolicy()
    fallbacks: tuple[str, ...] = ()
    patience: Patience = "now"
    traceparent: str = Field(default="", max_length=100)
    caps: tuple[Cap, ...] = ()
    talk: Talk | None = None
    docket: Docket = Docket()


class AgentState(Value):
    """Where a single agent stands."""

    id: str
    status: str
    goal: str
    turn: int = 0
    question: str = ""
    waiting: str = ""
    spend: Spend = Spend()
    cap_micro_usd: int = 0


class Answer(Value):
    """What a single agent hands in."""

    answer: str = Field(max_length=8_000)


class AgentOutcome(Value):
    """What became of a single agent."""

    status: Literal["complete", "failed", "cancelled"]
    answer: str = ""
    reason: str = ""
    conversation: str = ""
    spend: Spend = Spend()
