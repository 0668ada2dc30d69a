"""Tokens, money and limits."""

from datetime import timedelta
from typing import Self

from pydantic import Field

from workflows.models.base import Small, Value


class Usage(Value):
    """Tokens of one reply or of many. `input` is uncached only; `thinking` is part of `output`."""

    input: int = 0
    output: int = 0
    thinking: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def prompt(self) -> int:
        """Everything the model read."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        """Everything that was billed."""
        return self.prompt + self.output

    def __add__(self, other: Self) -> Self:
        """Add field by field."""
        return self.model_copy(
            update={name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields}
        )


class Spend(Value):
    """What was used so far: integer micro-dollars, tokens, turns and tool calls."""

    micro_usd: int = 0
    usage: Usage = Usage()
    turns: int = 0
    tool_calls: int = 0

    def __add__(self, other: Self) -> Self:
        """Add two spends."""
        return self.model_copy(
            update={
                "micro_usd": self.micro_usd + other.micro_usd,
                "usage": self.usage + other.usage,
                "turns": self.turns + other.turns,
                "tool_calls": self.tool_calls + other.tool_calls,
            }
        )

    def less(self, other: Self) -> Self:
        """Take an earlier reading off a later one."""
        names = Usage.model_fields
        usage = Usage(**{name: getattr(self.usage, name) - getattr(other.usage, name) for name in names})
        return self.model_copy(
            update={
                "micro_usd": self.micro_usd - other.micro_usd,
                "usage": usage,
                "turns": self.turns - other.turns,
                "tool_calls": self.tool_calls - other.tool_calls,
            }
        )


class Limits(Value):
    """The caps of one agent in one conversation. Every cap is checked before a call, never after."""

    micro_usd: int = Field(default=500_000, ge=0, description="dollars x 1,000,000")
    tokens: int = Field(default=400_000, ge=0, description="billed tokens of all classes")
    turns: int = Field(default=20, ge=1)
    tool_calls: int = Field(default=60, ge=0)
    wall: timedelta = timedelta(hours=1)
    max_tokens: int = Field(default=4_096, ge=1, description="output cap of one call")
    least_tokens: int = Field(default=512, ge=1, description="`max_tokens` never shrinks below this")
    window: int = Field(default=200_000, ge=1, description="the model's context window in tokens")
    repairs: int = Field(default=3, ge=0, description="how often a misfit output is sent back")
    patience: timedelta = Field(default=timedelta(hours=6), description="how long a silent endpoint is waited for")
    judge_every: int = Field(default=0, ge=0, description="turns between two looks of the drift judge; 0: never")

    def widened(self, own: Self) -> Self:
        """Double the output cap that the agent has of its `own`, after a reply was cut off: once, then it stays."""
        return self.model_copy(update={"max_tokens": own.max_tokens * 2})


class Allowance(Value):
    """What one call may still use; made by the budget guard, heeded by the model activity. Money is the ledger's."""

    tokens: int
    max_tokens: int
    least_tokens: int


class Cap(Small):
    """The cap of one account: `agent:…`, `item:…`, `run:…`, `tenant:…/day`, `fleet/day` or `fleet/month`."""

    account: str
    micro_usd: int


class Purse(Small):
    """What the ledger says about a conversation, in micro-dollars.

    `total` is what it cost so far, failed attempts included. `left` is what the tightest account above the next call
    leaves (None: no cap anywhere), `account` that account, and `needs` what the next call has to reserve at least.
    """

    total: int = 0
    left: int | None = None
    account: str = ""
    needs: int = 0


class AccountQuery(Value):
    """Asks where an account of the ledger stands."""

    account: str


class Standing(Value):
    """Where an account stands. `reserved` is held for calls under way, and counts as spent until they end."""

    account: str
    cap: int | None = None
    spent: int = 0
    reserved: int = 0

    @property
    def left(self) -> int | None:
        """What may still be reserved; None: there is no cap."""
        return None if self.cap is None else max(self.cap - self.spent - self.reserved, 0)


class TopUp(Value):
    """Raises a cap by a person's decision: `account`, and the accounts of `conversation` that lie below it.

    `key` makes a repeated request harmless.
    """

    account: str
    micro_usd: int = Field(ge=0)
    by: str
    key: str
    conversation: str = ""
    note: str = ""
