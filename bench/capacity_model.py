"""From what an item takes to what a fleet needs: pure arithmetic over measured figures and assumptions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from bench.capacity_assumptions import Assumptions
from bench.capacity_queues import Backlog, day, places_for, under_limit

DAY = 86_400
MONTH_DAYS = 30
MILLION = 1e6
GB = 1e9
TIERS = ((5e6, 50.0), (10e6, 45.0), (20e6, 40.0), (50e6, 35.0), (100e6, 30.0), (200e6, 25.0))
"""Dollars a million actions, up to so many a month: Business, pay as you go, read on 2026-11-26."""
POOLS = ("workflows", "model", "tools", "studio")
QUEUES_LOOKED_AT = 5
FIRST_BEAT, NEXT_BEAT = 10.0, 24.0
LOOK_SECONDS = 15.0
"""Each worker that tells metrics asks the server for the backlog of every queue: see `activities/backlogs.py`."""


@dataclass(frozen=True)
class Item:
    """What one item takes. Bytes, counts, and milliseconds of CPU by pool."""

    calls: float
    input: float
    written: float
    read: float
    output: float
    actions: float
    events: float
    history_bytes: float
    table_bytes: float
    commits: float
    wal_bytes: float
    asset_bytes: float
    asset_files: float
    telemetry_bytes: float
    log_bytes: float
    questions: float
    workflows_ms: float
    model_ms: float
    tools_ms: float
    studio_ms: float

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read what was measured of one kind of item. Its actions are those of its histories."""
        same = {each.name: found[each.name] for each in fields(cls) if each.name in found and each.name != "actions"}
        written = found["write_5m"] + found["write_1h"]
        cpu = {f"{pool}_ms": found["cpu_ms"][pool] for pool in POOLS}
        billed = sum(found["actions"].values())
        return cls(**same, **cpu, actions=billed, written=written, read=found["cache_read"])

    def mixed(self, other: Self, share: float) -> Self:
        """Take `share` of the other, and the rest of this one."""
        both = ((each.name, getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return type(self)(**{name: mine * (1 - share) + theirs * share for name, mine, theirs in both})


@dataclass(frozen=True)
class Plan:
    """What a fleet needs for so many items a day. Rates are those of the busiest hour; dollars and GB are a month's."""

    items: float
    pods: Mapping[str, int]
    in_flight: float
    open_items: float
    connections: int
    commits_a_second: float
    wal_mb_a_second: float
    database_gb: float
    database_gb_kept: float
    asset_gb: float
    asset_gb_kept: float
    telemetry_gb: float
    log_gb: float
    actions: float
    actions_a_second: float
    looks_a_second: float
    requests_a_minute: float
    input_a_minute: float
    output_a_minute: float
    ledger_use: float
    ledger_most: float
    model_day: Backlog
    reviewers: int
    model_usd: float
    temporal_usd: float
    asset_usd: float


def plan(items: float, item: Item, given: Assumptions, hold_ms: float, held_statements: float) -> Plan:
    """Say what so many items a day need; the ledger's lock is held as measured, and for the round trips besides."""
    second = items / DAY * given.peak_factor
    pods = pods_for(second, item, given)
    calls, monthly = second * item.calls, items * MONTH_DAYS
    hold = (hold_ms + held_statements * given.rtt_ms) / 1_000
    fresh, output = item.input + item.written, item.output * given.output_factor
    per_minute = [items * item.calls / DAY * 60 * hour for hour in day(given.peak_factor)]
    billed = item.actions + item.calls * heartbeats(given.call_seconds)
    actions = monthly * billed * (1 + given.fairness)
    return Plan(
        items=items,
        pods=pods,
        in_flight=calls * given.call_seconds,
        open_items=second * given.item_minutes * 60 + items / 24 * item.questions * given.answer_hours,
        connections=math.ceil(sum(pods.values()) * given.pool_connections),
        commits_a_second=second * item.commits,
        wal_mb_a_second=second * item.wal_bytes / MILLION,
        database_gb=monthly * item.table_bytes / GB,
        database_gb_kept=items * given.database_days * item.table_bytes / GB,
        asset_gb=monthly * item.asset_bytes / GB,
        asset_gb_kept=items * given.asset_days * item.asset_bytes / GB,
        telemetry_gb=monthly * item.telemetry_bytes / GB,
        log_gb=monthly * item.log_bytes / GB,
        actions=actions,
        actions_a_second=second * billed,
        looks_a_second=sum(pods.values()) * QUEUES_LOOKED_AT / LOOK_SECONDS,
        requests_a_minute=calls * 60,
        input_a_minute=second * fresh * 60,
        output_a_minute=second * output * 60,
        ledger_use=calls * hold,
        ledger_most=1 / hold,
        model_day=under_limit(per_minute, calls_under(given, item)),
        reviewers=reviewers_for(items * item.questions, given),
        model_usd=monthly * model_usd(item, given),
        temporal_usd=temporal_usd(actions, monthly, item, given),
        asset_usd=items * given.asset_days * item.asset_bytes / GB * given.asset_gb_month
        + monthly * item.asset_files * given.asset_put / MILLION,
    )


def heartbeats(seconds: float) -> int:
    """Count the heartbeats of a model call that reach the server: each is an action, and stands in no history.

    The first comes after 10 s (`activities/heartbeats.py`); the SDK lets the
    next through after 0.8 of their limit of 30 s.
    """
    return 0 if seconds <= FIRST_BEAT else 1 + int((seconds - FIRST_BEAT) // NEXT_BEAT)


def pods_for(second: float, item: Item, given: Assumptions) -> dict[str, int]:
    """Count pods by pool for so many items a second: what their CPU bears, and their places."""
    cores = {pool: second * getattr(item, f"{pool}_ms") * given.cpu_factor / 1_000 for pool in POOLS}
    of_pod = {pool: given.studio_places if pool == "studio" else given.core_share for pool in POOLS}
    wanted = {pool: cores[pool] / of_pod[pool] / given.utilisation for pool in POOLS}
    in_flight = second * item.calls * given.call_seconds
    wanted["model"] = max(wanted["model"], in_flight / given.model_places / given.utilisation)
    return {pool: max(math.ceil(each), math.ceil(given.least_pods)) for pool, each in wanted.items()}


def calls_under(given: Assumptions, item: Item) -> float:
    """Say how many calls a minute the provider's limits let through: the tightest of the three."""
    limits = (
        (given.limit_rpm, 1.0),
        (given.limit_itpm, (item.input + item.written) / item.calls),
        (given.limit_otpm, item.output * given.output_factor / item.calls),
    )
    return min(limit / each for limit, each in limits if each)


def reviewers_for(questions: float, given: Assumptions) -> int:
    """Count the people that a day's questions take, if all come and are answered in the same hours."""
    if not questions:
        return 0
    load = questions * given.question_minutes / (given.shift_hours * 60)
    return places_for(load, given.question_wait / given.question_minutes)


def model_usd(item: Item, given: Assumptions) -> float:
    """Price one item's tokens."""
    output = item.output * given.output_factor
    parts = (
        item.input * given.price_input,
        item.written * given.price_write,
        item.read * given.price_read,
        output * given.price_output,
    )
    return sum(parts) / MILLION


def temporal_usd(actions: float, items: float, item: Item, given: Assumptions) -> float:
    """Price a month of Temporal Cloud: actions by tier, open and closed histories, the plan."""
    hours = given.item_minutes / 60 + item.questions * given.answer_hours
    gigabytes = items * item.history_bytes / GB
    storage = gigabytes * (hours * given.active_gbh + given.history_days * 24 * given.retained_gbh)
    use = actions_usd(max(actions - given.action_free, 0), given) + storage
    return use + max(given.plan_usd, use / 10)


def actions_usd(actions: float, given: Assumptions) -> float:
    """Price actions by tier."""
    total = below = 0.0
    for upto, price in (*TIERS, (math.inf, given.action_beyond)):
        total += max(min(actions, upto) - below, 0) * price / MILLION
        below = upto
    return total
