"""From a reply's usage to integer micro-dollars, once, in the activity that made the call.

Prices come from the pinned `genai-prices` package and are never refreshed while running, so that a cost can be computed
again. A price that is not known is never zero: it is refused before the call, or charged at the reservation after it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import genai_prices
from genai_prices import Usage, calc_price

from workflows.models import Allowance

MODELS = (
    "claude-fable-5",
    "claude-fable-5-1",
    "claude-fable-5-2",
    "claude-haiku-4-5",
    "claude-haiku-5-5",
    "claude-mythos-5-2",
    "claude-opus-4-5",
    "claude-opus-4-6",
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-opus-5-5",
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "claude-sonnet-5",
    "claude-sonnet-5-5",
)
"""Models with a known price. A list of our own: the package matches by prefix and would price `claude-opus-4-85`."""

GEOGRAPHY = {"us": Decimal("1.1")}
"""Factors on the price when inference is kept in one place (provider's documentation)."""

SOURCE = f"genai-prices/{genai_prices.__version__}"
"""Which price table made an amount."""

_DATED = re.compile(r"[-@]\d{8}$")
_MILLION = 1_000_000
_MOST_DOLLARS = 100_000


class UnknownPriceError(LookupError):
    """No price is known for a model: nothing may be spent on it."""


@dataclass(frozen=True)
class Cost:
    """An amount in micro-dollars. With `known=False` it is no price at all, and must not be taken for zero."""

    micro_usd: int
    known: bool
    source: str = SOURCE


class Prices:
    """Prices of the models that we run."""

    def __init__(self, models: tuple[str, ...] = MODELS) -> None:
        """Allow `models`, given without a date; dated forms of them are allowed as well."""
        self._models = frozenset(models)

    def knows(self, model: str) -> bool:
        """Tell whether a call of this model can be priced."""
        return _DATED.sub("", model) in self._models

    def worst_case(self, model: str, prompt_tokens: int, max_tokens: int) -> int:
        """Bound one plain call in micro-dollars: the whole prompt written to the 1 h cache, the whole cap generated.

        Raises `UnknownPriceError`.
        """
        if not self.knows(model):
            raise UnknownPriceError(model)
        usage = Usage(
            input_tokens=prompt_tokens,
            cache_write_tokens=prompt_tokens,
            cache_write_1h_tokens=prompt_tokens,
            output_tokens=max_tokens,
        )
        return _micro(calc_price(usage, model, provider_id="anthropic").total_price)

    def fit(self, model: str, prompt_tokens: int, allowance: Allowance, spent: int = 0) -> int | None:
        """Find the largest output cap whose worst case the allowance covers, or None when not even the least fits.

        `spent` micro-dollars of the allowance are gone. Raises `UnknownPriceError`.
        """
        money = allowance.micro_usd - spent
        least = min(allowance.least_tokens, allowance.max_tokens)
        cap = min(allowance.max_tokens, allowance.tokens - prompt_tokens)
        prompt = self.worst_case(model, prompt_tokens, 0)
        if cap >= least and prompt + (whole := self.worst_case(model, prompt_tokens, cap) - prompt) > money:
            cap = max(money - prompt, 0) * cap // whole
            while cap >= least and self.worst_case(model, prompt_tokens, cap) > money:  # the last micro-dollar
                cap -= 1
        return cap if cap >= least else None

    def cost_of(self, reply: Mapping[str, Any], requested: str) -> Cost:
        """Price `reply`, a message as the API sent it, by the model that served it.

        A compaction iteration names no model: it is priced as the requested one. Rounded once, half up.
        """
        usage = reply.get("usage")
        if not isinstance(usage, Mapping) or not {"input_tokens", "output_tokens"} <= usage.keys():
            return Cost(0, known=False)
        served = str(reply.get("model") or requested)
        try:
            dollars = sum(
                (self._price(part, _model_of(part, served, requested), _context(usage)) for part in _parts(usage)),
                Decimal(0),
            )
            dollars *= GEOGRAPHY.get(str(usage.get("inference_geo") or ""), Decimal(1))
            dollars += self._searches(usage, served)
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError):
            return Cost(0, known=False)
        if not 0 <= dollars <= _MOST_DOLLARS:  # a count that nobody can have counted
            return Cost(0, known=False)
        return Cost(_micro(dollars), known=usage.get("service_tier") != "priority")

    def _price(self, usage: Mapping[str, Any], model: str, context: Mapping[str, str]) -> Decimal:
        if not self.knows(model):
            raise UnknownPriceError(model)
        read, write = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
        hour = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
        hour = min(hour, write)
        price = calc_price(
            Usage(
                input_tokens=(usage.get("input_tokens") or 0) + read + write,
                cache_read_tokens=read,
                cache_write_tokens=write,
                cache_write_1h_tokens=hour,
                cache_write_5m_tokens=write - hour,
                output_tokens=usage.get("output_tokens") or 0,  # thinking is part of it
            ),
            model,
            provider_id="anthropic",
            price_context=context or None,
        )
        for item in context.items():  # the package falls back to the list price without a word
            if not any(item in variant.when.items() for variant in price.model.price_variants or ()):
                raise UnknownPriceError(f"{model} {item}")
        return price.total_price

    @staticmethod
    def _searches(usage: Mapping[str, Any], model: str) -> Decimal:
        count = (usage.get("server_tool_use") or {}).get("web_search_requests") or 0
        if not count:
            return Decimal(0)
        return calc_price(Usage(web_searches=count), model, provider_id="anthropic").total_price


def _context(usage: Mapping[str, Any]) -> dict[str, str]:
    context = {"processing": "batch"} if usage.get("service_tier") == "batch" else {}
    if usage.get("speed") == "fast":
        context["speed"] = "fast"
    return context


def _parts(usage: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    # The top-level fields leave a compaction out, so iterations are summed where there are any.
    return list(usage.get("iterations") or [{**usage, "type": "message"}])


def _model_of(part: Mapping[str, Any], served: str, requested: str) -> str:
    return str(part.get("model") or (requested if part.get("type") == "compaction" else served))


def _micro(dollars: Decimal) -> int:
    return int((dollars * _MILLION).to_integral_value(ROUND_HALF_UP))
