"""What is asked of the ledger, and what it answers."""

from dataclasses import dataclass
from typing import Literal

from workflows.models import Usage

_DOLLAR = 1_000_000
_CENT = 10_000


@dataclass(frozen=True)
class Bid:
    """Asks for money for one attempt: at best `wanted` micro-dollars, and not below `least`. `key` is the attempt's."""

    key: str
    conversation: str
    position: int
    turn: int
    kind: Literal["turn", "compaction", "judge"]
    model: str
    wanted: int
    least: int
    source: str
    batch: bool = False

    def __post_init__(self) -> None:
        """Refuse a bid that cannot be meant."""
        if not 0 <= self.least <= self.wanted:
            raise ValueError(f"least has to be between 0 and wanted ({self.wanted}), not {self.least}")


@dataclass(frozen=True)
class Held:
    """What is reserved for an attempt, on every account of its chain."""

    attempt: int
    micro_usd: int


@dataclass(frozen=True)
class Denied:
    """Nothing is reserved anywhere, because of this account. With `others`, calls under way may leave enough."""

    account: str
    cap: int
    spent: int
    reserved: int
    needed: int
    others: bool

    @property
    def text(self) -> str:
        """Say it to people, in one line."""
        held = f", {dollars(self.reserved)} is held for calls under way" if self.reserved else ""
        cap, spent, needed = dollars(self.cap), dollars(self.spent), dollars(self.needed)
        return f"the call needs at least {needed}, but of the {cap} of {self.account} {spent} is spent{held}"


@dataclass(frozen=True)
class Bill:
    """What an attempt cost. With `known=False` nobody knows, and it counts at what was reserved.

    `stop` and `response` are what the API calls them; `max_tokens` is 0 where nobody remembers what was asked for.
    """

    micro_usd: int
    known: bool
    usage: Usage
    write_1h: int = 0
    served: str = ""
    request_id: str = ""
    stop: str = ""
    response: str = ""
    max_tokens: int = 0


def dollars(micro_usd: int) -> str:
    """Write an amount for people."""
    return f"${micro_usd / _DOLLAR:,.2f}" if micro_usd % _CENT == 0 else f"${micro_usd / _DOLLAR:,.6f}".rstrip("0")
