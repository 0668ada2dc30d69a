"""Recording rules: how much of everything there was lately, over all workers. Alerts and dashboards read these."""

from deploy.observability.clock import Clock
from deploy.observability.promql import grown, latest, or_none, share
from deploy.observability.rules.values import Group, Record

BURNS = {"fleet_month": "30d", "fleet_day": "1d"}
"""The caps of the fleet, and for how long each is to last."""
WINDOWS = ("5m", "1h", "2h", "24h")
PER = {"5m": 12, "1h": 1, "2h": 1 / 2, "24h": 1 / 24}
"""How many of each window there are in an hour."""
HOURS = {"30d": 720, "1d": 24}

TROUBLE = "rate_limit|overloaded|server|timeout|connection|stream|lapsed|other"
"""Kinds of errors that are not our own doing."""


def groups(clock: Clock) -> list[Group]:
    """Make the recording rules."""
    made = (_money(clock), _model(clock), _work(clock), _tools(clock), _quality(clock))
    return [Group(f"callsheet-records-{name}", clock.pause("30s"), rules) for name, rules in made]


def _money(clock: Clock) -> tuple[str, list[Record]]:
    spent = [
        Record(f"callsheet:llm_cost_usd:increase{window}", grown(clock, "agent_llm_cost_usd_total", window))
        for window in (*WINDOWS, "10m")
    ]
    burns = [
        Record(f"callsheet:budget_burn:ratio{window}", _burn(window, scope, lasts), {"scope": scope})
        for window in WINDOWS
        for scope, lasts in BURNS.items()
    ]
    cost = grown(clock, "agent_llm_cost_usd_total", "24h")
    published = grown(clock, "agent_items_total", "24h", where='status="published"')
    anomalies = Record(
        "callsheet:cost_anomalies:increase1h", grown(clock, "agent_cost_anomalies_total", "1h", "agent_name, kind")
    )
    each = Record("callsheet:accepted_item_cost_usd:ratio24h", share(cost, published))
    return "money", [*spent, *burns, each, anomalies]


def _burn(window: str, scope: str, lasts: str) -> str:
    """Say how many times faster money goes than would use the cap up exactly when it ends."""
    cap = latest("agent_budget_usd", where=f'scope="{scope}", what="cap"')
    return f"callsheet:llm_cost_usd:increase{window} * {PER[window]:g} / ({cap} / {HOURS[lasts]} > 0)"


def _model(clock: Clock) -> tuple[str, list[Record]]:
    tokens = [
        Record(f"callsheet:llm_tokens:increase{window}", grown(clock, "agent_llm_tokens_total", window, "type"))
        for window in ("30m", "24h")
    ]
    return "model", [
        Record("callsheet:llm_calls:increase10m", grown(clock, "agent_llm_calls_total", "10m", "model, outcome")),
        Record("callsheet:llm_errors:increase10m", grown(clock, "agent_llm_errors_total", "10m", "model, kind")),
        Record("callsheet:llm_stops:increase1h", grown(clock, "agent_llm_stops_total", "1h", "agent_name, stop")),
        Record("callsheet:turns:increase1h", grown(clock, "agent_turns_total", "1h", "agent_name")),
        *tokens,
        *(Record(f"callsheet:cache_hit:ratio{window}", _hits(window)) for window in ("30m", "24h")),
    ]


def _hits(window: str) -> str:
    tokens = f"callsheet:llm_tokens:increase{window}"
    read, sent = f'sum({tokens}{{type="cache_read"}})', f'sum({tokens}{{type=~"input|cache_read|cache_write"}})'
    return f"({read} or vector(0)) / ({sent} > 0)"


def _work(clock: Clock) -> tuple[str, list[Record]]:
    ended = grown(clock, "agent_workflows_completed_total", "1h", "agent_name, status")
    return "work", [
        Record("callsheet:workflows_ended:increase1h", ended),
        Record(
            "callsheet:workflows_ended:increase24h",
            grown(clock, "agent_workflows_completed_total", "24h", "agent_name"),
        ),
        Record("callsheet:rulings:increase1h", grown(clock, "agent_rulings_total", "1h", "agent_name, ruling")),
    ]


def _tools(clock: Clock) -> tuple[str, list[Record]]:
    return "tools", [
        Record("callsheet:tool_calls:increase1h", grown(clock, "agent_tool_calls_total", "1h", "tool_name, outcome")),
        Record(
            "callsheet:tool_refusals:increase1h",
            grown(clock, "agent_tool_refusals_total", "1h", "tool_name, refusal"),
        ),
    ]


def _quality(clock: Clock) -> tuple[str, list[Record]]:
    items = "callsheet:items_ended:increase24h"
    passed = grown(clock, "agent_item_first_pass_total", "24h", "pipeline")
    refined = grown(clock, "agent_item_refinements_total", "24h", "pipeline")
    return "quality", [
        Record(items, grown(clock, "agent_items_total", "24h", "pipeline")),
        Record("callsheet:first_pass:ratio24h", share(or_none(passed, items), items)),
        Record("callsheet:refinements_per_item:ratio24h", share(or_none(refined, items), items)),
    ]
