"""Everything that sizing takes for granted, by name; each has a flag of `python -m bench.capacity simulate`.

What was measured stands in `capacity.json`; prices and limits of others were read on the day that they name.
"""

from dataclasses import dataclass, field, fields
from typing import NamedTuple

CLOUD = "docs.temporal.io, evaluate/cloud, read 2026-11-26"
CLAUDE = "genai-prices 0.2.3, claude-sonnet-5-5"
TIER = "tier Scale as a third party read it on 2026-10-17; your console has yours"
OURS = "our guess; put in your own"


class Assumption(NamedTuple):
    """One of them, as a person reads it."""

    name: str
    value: float
    says: str
    source: str


def _given(value: float, says: str, source: str = OURS) -> float:
    return field(default=value, metadata={"says": says, "source": source})


@dataclass(frozen=True)
class Assumptions:
    """The assumptions. All are numbers; shares are between 0 and 1."""

    refined_share: float = _given(0.2, "share of images that are refined three times and then decided by a person")
    output_factor: float = _given(3.0, "output tokens of a real model over those of the rehearsal, which never thinks")
    cpu_factor: float = _given(1.0, "CPU time of your cores over those that it was measured on")
    call_seconds: float = _given(8.0, "time that a model call takes")
    item_minutes: float = _given(3.0, "time that an item takes without people")
    peak_factor: float = _given(3.0, "the busiest hour over the mean hour")
    utilisation: float = _given(0.6, "how busy pods are in the busiest hour")
    least_pods: float = _given(2.0, "pods of a pool, so that one may go")
    core_share: float = _given(1.0, "cores of a pod of workflows, model or tools")
    studio_places: float = _given(
        2.0, "renders at once in a studio pod, and its cores", "the default of CALLSHEET_PLACES"
    )
    model_places: float = _given(50.0, "model calls at once in a pod", "the default of CALLSHEET_PLACES")
    pool_connections: float = _given(15.0, "connections that a pod may open", "SQLAlchemy: 5, and 10 more")
    database_days: float = _given(90.0, "days that records are kept")
    asset_days: float = _given(365.0, "days that assets are kept")
    history_days: float = _given(30.0, "retention of the namespace", f"the default; {CLOUD}")
    question_minutes: float = _given(2.0, "time that a person takes for a question")
    answer_hours: float = _given(2.0, "time until a question is answered, waiting included")
    shift_hours: float = _given(6.0, "hours a day that a reviewer reviews; all work the same ones")
    question_wait: float = _given(30.0, "minutes that a question may wait for a free reviewer on average")
    reviewers: float = _given(10.0, "reviewers that there are")
    rtt_ms: float = _given(0.5, "round trip between a pod and the database")
    fairness: float = _given(0.1, "surcharge on actions while fairness is on", CLOUD)
    action_free: float = _given(2.5e6, "actions a month in the plan Business", CLOUD)
    action_beyond: float = _given(25.0, "dollars a million above 200 M a month; no list price: ask", CLOUD)
    plan_usd: float = _given(500.0, "least price of the plan a month; else a tenth of the use", CLOUD)
    active_gbh: float = _given(0.042, "dollars a GB-hour of open histories", CLOUD)
    retained_gbh: float = _given(0.00105, "dollars a GB-hour of closed histories", CLOUD)
    price_input: float = _given(2.0, "dollars a million tokens that are read", CLAUDE)
    price_write: float = _given(2.5, "dollars a million written to the cache for five minutes", CLAUDE)
    price_read: float = _given(0.1, "dollars a million read from the cache", CLAUDE)
    price_output: float = _given(10.0, "dollars a million tokens of output", CLAUDE)
    asset_gb_month: float = _given(0.023, "dollars a GB-month of objects", "S3 Standard, list of 2022; ask yours")
    asset_put: float = _given(5.0, "dollars a million writes of objects", "S3 Standard, list of 2022; ask yours")
    limit_rpm: float = _given(4_000.0, "requests a minute that the provider takes", TIER)
    limit_itpm: float = _given(4e6, "input tokens a minute, those read from the cache not counted", TIER)
    limit_otpm: float = _given(8e5, "output tokens a minute", TIER)
    limit_aps: float = _given(500.0, "actions a second of a namespace, on demand, to begin with", CLOUD)
    limit_aps_most: float = _given(6_000.0, "actions a second with 12 TRUs, the most to be had by oneself", CLOUD)
    limit_visibility: float = _given(30.0, "visibility calls a second of a namespace; fixed", CLOUD)
    limit_connections: float = _given(100.0, "max_connections of PostgreSQL", "its default")
    limit_commits: float = _given(20_000.0, "transactions a second of PostgreSQL, on a large machine")
    limit_wal: float = _given(100.0, "MB of log a second that the disk, the replica and the archive bear")


def listed(assumptions: Assumptions) -> tuple[Assumption, ...]:
    """List them in order."""
    return tuple(
        Assumption(each.name, getattr(assumptions, each.name), each.metadata["says"], each.metadata["source"])
        for each in fields(assumptions)
    )
