"""From a reply's usage to integer micro-dollars, once, in the activity that made the call.

Prices come from the pinned `genai-prices` package and are never refreshed while running, so that a cost can be computed
again. A price that is not known is never zero: it is refused before the call, or charged at the reservation after it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import genai_prices
from genai_prices import Usage, calc_price

from activities.usage import billed, iterations
from workflows.models import Usage as Tokens

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

GEOGRAPHY = {"": Decimal(1), "global": Decimal(1), "not_available": Decimal(1), "us": Decimal("1.1")}
"""Factors on the price when inference is kept in one place (provider's documentation); others are not known."""

SOURCE = f"genai-prices/{genai_prices.__version__}"
"""Which price table made an amount."""

_DATED = re.compile(r"[-@]\d{8}$")
_MILLION = 1_000_000
_MOST_DOLLARS = 100_000
_BATCH = {"processing": "batch"}
_AT_LIST = {"", "standard"}
_TOOLS = {"web_search_requests", "web_fetch_requests"}
"""What the provider runs by itself and has a price: a search so much, a fetch nothing but its tokens."""


class UnknownPriceError(LookupError):
    """No price is known for a model: nothing may be spent on it."""


@dataclass(frozen=True)
class Cost:
    """An amount in micro-dollars. With `known=False` it is no price at all, and must not be taken for zero.

    `usage` and `write_1h` (a part of its cache writes) sum everything that was billed; `served` is the model that
    answered.
    """

    micro_usd: int
    known: bool
    usage: Tokens = field(default_factory=Tokens)
    write_1h: int = 0
    served: str = ""
    source: str = SOURCE


class Prices:
    """Prices of the models that we run."""

    def __init__(self, models: tuple[str, ...] = MODELS) -> None:
        """Allow `models`, given without a date; dated forms of them are allowed as well."""
        self._models = frozenset(models)

    def knows(self, model: str, *, batch: bool = False) -> bool:
        """Tell whether a call of this model can be priced."""
        try:
            self._price(model, Usage(), _BATCH if batch else {})
        except UnknownPriceError:
            return False
        return True

    def worst_case(self, model: str, prompt_tokens: int, max_tokens: int, *, hour: int = 0, batch: bool = False) -> int:
        """Bound one plain call in micro-dollars, the whole cap generated.

        `hour` of the prompt's tokens are written to the 1 h cache. The others are written to the 5 m cache or read
        plainly, whichever is dearer: what is cached when the call arrives is not known. A longer prompt and a higher
        cap never cost less, also where a model prices all tokens by the length of the prompt. Not covered: searches,
        the fast mode, and a geography. Raises `UnknownPriceError`.
        """
        hour = min(hour, prompt_tokens)
        context = _BATCH if batch else {}
        written = (
            self._price(model, _prompt(prompt_tokens, hour, write, max_tokens), context)
            for write in (prompt_tokens - hour, 0)
        )
        return _micro(max(written))

    def fit(
        self, model: str, prompt_tokens: int, micro_usd: int, most: int, *, hour: int = 0, batch: bool = False
    ) -> int:
        """Find the largest output cap up to `most` whose worst case costs no more than `micro_usd`; 0 when none does.

        Raises `UnknownPriceError`.
        """

        def cost(cap: int) -> int:
            return self.worst_case(model, prompt_tokens, cap, hour=hour, batch=batch)

        if cost(most) <= micro_usd:
            return most
        none, too_many = 0, most
        while too_many - none > 1:
            middle = (none + too_many) // 2
            none, too_many = (middle, too_many) if cost(middle) <= micro_usd else (none, middle)
        return none

    def cost_of(self, reply: Mapping[str, Any], requested: str, *, batch: bool = False) -> Cost:
        """Price `reply`, a message as the API sent it: every iteration by the model that made it.

        A compaction iteration names no model: it is priced as the requested one, and `batch` says that the call was
        handed in with others, where the reply does not. Rounded once, half up. Never raises.
        """
        usage, served = reply.get("usage"), str(reply.get("model") or requested)
        if not isinstance(usage, Mapping):
            return Cost(0, known=False, served=served)
        tokens, write_1h = billed(usage)
        unknown = Cost(0, known=False, usage=tokens, write_1h=write_1h, served=served)
        try:
            dollars = self._dollars(usage, served, requested, batch=batch)
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError):
            return unknown
        if not 0 <= dollars <= _MOST_DOLLARS:  # nobody can have counted the tokens of such an amount
            return unknown
        return Cost(_micro(dollars), known=True, usage=tokens, write_1h=write_1h, served=served)

    def _dollars(self, usage: Mapping[str, Any], served: str, requested: str, *, batch: bool) -> Decimal:
        context = _context(usage, batch=batch)
        dollars = sum(
            (self._price(_model_of(part, served, requested), _counted(part), context) for part in iterations(usage)),
            Decimal(0),
        )
        dollars *= GEOGRAPHY[str(usage.get("inference_geo") or "")]
        if searches := _searches(usage):
            dollars += self._price(served, Usage(web_searches=searches), {})  # no discount and no factor on these
        return dollars

    def _price(self, model: str, usage: Usage, context: Mapping[str, str]) -> Decimal:
        if _DATED.sub("", model) not in self._models:
            raise UnknownPriceError(model)
        try:
            price = calc_price(usage, model, provider_id="anthropic", price_context=context or None)
        except LookupError:
            raise UnknownPriceError(model) from None
        for item in context.items():  # the package falls back to the list price without a word
            if not any(item in variant.when.items() for variant in price.model.price_variants or ()):
                raise UnknownPriceError(f"{model} {item}")
        return price.total_price


def _context(usage: Mapping[str, Any], *, batch: bool) -> dict[str, str]:
    """Say what else sets the price. A tier or a speed that we do not know has no price that we know."""
    tier, speed = (str(usage.get(name) or "") for name in ("service_tier", "speed"))
    if tier not in _AT_LIST | {"batch"} or speed not in _AT_LIST | {"fast"}:
        raise UnknownPriceError(f"{tier} {speed}")
    context = dict(_BATCH) if batch or tier == "batch" else {}
    return {**context, "speed": speed} if speed == "fast" else context


def _searches(usage: Mapping[str, Any]) -> int:
    used = usage.get("server_tool_use") or {}
    if other := [name for name, count in used.items() if count and name not in _TOOLS]:
        raise UnknownPriceError(", ".join(map(str, other)))
    return _whole(used.get("web_search_requests"))


def _prompt(prompt_tokens: int, hour: int, write: int, max_tokens: int) -> Usage:
    return Usage(
        input_tokens=prompt_tokens,
        cache_write_tokens=hour + write,
        cache_write_1h_tokens=hour,
        cache_write_5m_tokens=write,
        output_tokens=max_tokens,
    )


def _counted(usage: Mapping[str, Any]) -> Usage:
    read, write = _whole(usage.get("cache_read_input_tokens", 0)), _whole(usage.get("cache_creation_input_tokens", 0))
    hour = min(_whole((usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0)), write)
    # Whether nothing is cached may go without saying; what was read plainly and written was never nothing.
    return Usage(
        input_tokens=_told(usage, "input_tokens") + read + write,
        cache_read_tokens=read,
        cache_write_tokens=write,
        cache_write_1h_tokens=hour,
        cache_write_5m_tokens=write - hour,
        output_tokens=_told(usage, "output_tokens"),  # thinking is part of it
    )


def _told(usage: Mapping[str, Any], name: str) -> int:
    if usage.get(name) is None:
        raise ValueError(f"{name} is missing: what was not counted is not free")
    return _whole(usage[name])


def _whole(count: object) -> int:
    """Take a count; anything else is no measure of what a call cost."""
    if count is None:
        return 0
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise ValueError(f"no count of tokens: {type(count).__name__}")
    return count


def _model_of(part: Mapping[str, Any], served: str, requested: str) -> str:
    return str(part.get("model") or (requested if part.get("type") == "compaction" else served))


def _micro(dollars: Decimal) -> int:
    return int((dollars * _MILLION).to_integral_value(ROUND_HALF_UP))
