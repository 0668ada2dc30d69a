"""A process of anybody's own: what every order says, and where the work stands."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from workflows.models.base import Value
from workflows.models.money import Spend
from workflows.models.review import ReviewPolicy
from workflows.models.turns import Patience

Clause = Annotated[str, Field(max_length=4_000)]
"""One constraint, or one thing to accept by; the contract is repeated at the tail, so it has to be bounded."""


class WorkOrder(Value):
    """Starts a process; a subclass adds what it is about.

    `goal`, `constraints` and `acceptance` are the contract that every agent of the process is held to, `micro_usd` is
    the cap of the whole. `model` is asked by all its agents in place of their own; empty keeps each agent's.
    """

    goal: str = Field(min_length=1, max_length=20_000)
    constraints: tuple[Clause, ...] = Field(default=(), max_length=100)
    acceptance: tuple[Clause, ...] = Field(default=(), max_length=100)
    micro_usd: int = Field(default=2_000_000, ge=0, description="dollars x 1,000,000")
    tenant: str = "default"
    model: str = ""
    review: ReviewPolicy = ReviewPolicy()
    patience: Patience = "now"
    traceparent: str = Field(default="", max_length=100)


class WorkState(Value):
    """Where a process stands: the answer to the query `state`."""

    id: str
    pipeline: str
    status: str
    goal: str
    agent: str = ""
    question: str = ""
    waiting: str = ""
    started_at: datetime
    spend: Spend = Spend()
    cap_micro_usd: int = 0
