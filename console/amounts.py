"""Amounts of money as people write them, and as people read them."""

import re
from decimal import Decimal

from console.errors import Exit, Stopped

MICRO = 1_000_000
MOST_DOLLARS = 1_000_000
RIGHT = "write dollars like 5, 5.00 or $0.25, with at most 6 decimals, a million at most"

_AMOUNT = re.compile(r"\$?(\d{1,10}(?:\.\d{1,6})?)", re.ASCII)


def amount(text: str) -> int:
    """Read an amount of dollars; returns micro-dollars.

    Raises:
        Stopped: it is none; the message says what would be right.
    """
    found = _AMOUNT.fullmatch(text.strip())
    dollars = Decimal(found[1]) if found else Decimal(-1)
    if not 0 <= dollars <= MOST_DOLLARS:
        raise Stopped(Exit.USAGE, f"{text!r} is no amount: {RIGHT}")
    return int(dollars * MICRO)


def cap(text: str) -> int | None:
    """Read a cap: an amount, or `none`, which takes the cap away.

    Raises:
        Stopped: it is neither.
    """
    if text.strip().lower() == "none":
        return None
    try:
        return amount(text)
    except Stopped:
        raise Stopped(Exit.USAGE, f"{text!r} is no cap: {RIGHT}, or none") from None


def precise(micro_usd: int) -> str:
    """Write micro-dollars as dollars: four decimals as everywhere, more where they would be lost."""
    text = f"{Decimal(micro_usd) / MICRO:.6f}"
    return f"${text.removesuffix('00')}"


def cap_words(micro_usd: int | None) -> str:
    """Write a cap, or that there is none."""
    return "none" if micro_usd is None else precise(micro_usd)
