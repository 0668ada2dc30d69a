"""Costs summed up: by agent, by item, and altogether, in whole micro-dollars."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from activities.records import CostLine
from workflows.models import Usage


class Sum(TypedDict):
    """What some model calls cost, those included that failed, shortened a conversation or judged it.

    `unknown` are attempts whose cost is counted at what was reserved for them.
    """

    calls: int
    micro_usd: int
    unknown: int
    usage: Usage


def sums(lines: Iterable[CostLine]) -> dict[str, Any]:
    """Sum cost lines up."""
    known = list(lines)
    return {
        "by_agent": {name: _sum(known, agent=name) for name in _names(known, "agent")},
        "by_item": {name: _sum(known, item=name) for name in _names(known, "item")},
        "by_model": {name: _sum(known, model=name) for name in _names(known, "model")},
        "total": _sum(known),
    }


def _names(lines: Iterable[Mapping[str, Any]], by: str) -> list[str]:
    return list(dict.fromkeys(line[by] for line in lines))


def _sum(lines: Iterable[CostLine], **only: str) -> Sum:
    total = Sum(calls=0, micro_usd=0, unknown=0, usage=Usage())
    for line in lines:
        if all(dict(line)[name] == value for name, value in only.items()):
            total["calls"] += line["calls"]
            total["micro_usd"] += line["micro_usd"]
            total["unknown"] += line["unknown"]
            total["usage"] += line["usage"]
    return total
