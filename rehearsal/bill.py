"""What a provider would charge: list prices as plain data, and the bill of each reply in whole micro-dollars.

Source: the list prices in the public price table of `genai-prices` 0.2.3, copied by hand on 2026-11-22; no invoice was
compared. The amounts are dollars for a million tokens. Read prices are no fixed share of the input price, so all of
them are written out. A bill is rounded once for each reply, half up. This module is a yardstick for whoever counts
money elsewhere: it shares neither code nor price data with anybody at run time.

Assumptions: each iteration has its own tier on models with tiers; geography raises the price of all tokens, not of
searches; batches are half the price, searches excepted.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens, that is micro-dollars for one."""

    input: Fraction
    write_5m: Fraction
    write_1h: Fraction
    read: Fraction
    output: Fraction


@dataclass(frozen=True)
class Tariff:
    """The prices of one model; `long` applies to all tokens of a prompt above `tier` tokens."""

    standard: Price
    fast: Price | None = None
    long: Price | None = None
    tier: int = 0

    def price(self, prompt: int, *, fast: bool) -> Price | None:
        """Choose the price for a prompt of so many tokens."""
        if fast:
            return self.fast
        return self.long if self.long and prompt > self.tier else self.standard


def _price(*dollars: str) -> Price:
    """Input, written for 5 minutes, written for 1 hour, read, output."""
    return Price(*map(Fraction, dollars))


FABLE: Final = Tariff(_price("8", "10", "16", "0.20", "40"), _price("16", "20", "32", "0.40", "80"))
OPUS: Final = Tariff(_price("5", "6.25", "10", "0.50", "25"))
FAST_OPUS: Final = Tariff(OPUS.standard, _price("10", "12.50", "20", "1", "50"))
SONNET: Final = Tariff(_price("3", "3.75", "6", "0.30", "15"))
TARIFFS: Final[Mapping[str, Tariff]] = {
    "claude-fable-5-2": FABLE,
    "claude-mythos-5-2": FABLE,
    "claude-fable-5-1": Tariff(_price("10", "12.50", "20", "0.25", "50")),
    "claude-fable-5": Tariff(_price("10", "12.50", "20", "1", "50")),
    "claude-opus-5-5": Tariff(_price("4", "5", "8", "0.20", "20"), _price("8", "10", "16", "0.40", "40")),
    "claude-opus-5": FAST_OPUS,
    "claude-opus-4-8": FAST_OPUS,
    "claude-opus-4-7": OPUS,
    "claude-opus-4-6": OPUS,
    "claude-opus-4-5": OPUS,
    "claude-sonnet-5-5": Tariff(_price("2", "2.50", "4", "0.10", "10")),
    "claude-sonnet-5": Tariff(_price("2", "2.50", "4", "0.20", "10")),
    "claude-sonnet-4-6": SONNET,
    "claude-sonnet-4-5": SONNET,
    "claude-haiku-5-5": Tariff(
        _price("0.10", "0.125", "0.20", "0.01", "0.50"),
        long=_price("0.50", "0.625", "1", "0.05", "2.50"),
        tier=100_000,
    ),
    "claude-haiku-4-5": Tariff(_price("1", "1.25", "2", "0.10", "5")),
}
SEARCH: Final = 10_000
"""Micro-dollars for one web search."""
GEOGRAPHY: Final[Mapping[str, Fraction]] = {"us": Fraction(11, 10)}
BATCH: Final = Fraction(1, 2)


def bill(model: str, usage: Mapping[str, Any]) -> int | None:
    """Charge one reply, in micro-dollars; null where there is no price, or no sense in the record."""
    tariff = TARIFFS.get(model)
    if tariff is None or usage.get("service_tier") == "priority":
        return None
    try:
        parts = [_part(tariff, part, usage) for part in usage.get("iterations") or [usage]]
        searches = SEARCH * ((usage.get("server_tool_use") or {}).get("web_search_requests") or 0)
    except (TypeError, KeyError, AttributeError):
        return None
    tokens = [part for part in parts if part is not None]
    if len(tokens) < len(parts):
        return None
    factor = GEOGRAPHY.get(usage.get("inference_geo") or "", Fraction(1))
    factor *= BATCH if usage.get("service_tier") == "batch" else 1
    return math.floor(sum(tokens, Fraction(0)) * factor + searches + Fraction(1, 2))


def _part(tariff: Tariff, counted: Mapping[str, Any], usage: Mapping[str, Any]) -> Fraction | None:
    read = counted.get("cache_read_input_tokens") or 0
    written = counted.get("cache_creation_input_tokens") or 0
    hour = min((counted.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0, written)
    fresh = counted["input_tokens"] or 0
    price = tariff.price(fresh + read + written, fast=usage.get("speed") == "fast")
    if price is None:
        return None
    prompt = price.input * fresh + price.read * read + price.write_1h * hour + price.write_5m * (written - hour)
    return prompt + price.output * (counted["output_tokens"] or 0)


def so_far(usage: Mapping[str, Any], sent: int, whole: int) -> dict[str, Any]:
    """The record of a reply that ended after `sent` of its `whole` events: all input, and that share of the output."""

    def cut(counted: Mapping[str, Any]) -> dict[str, Any]:
        output = -(-counted["output_tokens"] * sent // whole)
        return {**counted, "output_tokens": output}

    several = {"iterations": [cut(each) for each in usage["iterations"]]} if usage.get("iterations") else {}
    return {**cut(usage), **several}
