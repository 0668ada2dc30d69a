"""What breaks first: what a fleet needs beside what there is, and what to do where it does not suffice."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.capacity_assumptions import Assumptions
from bench.capacity_model import Plan

AT_ONCE = 0.7
"""How much of the time the ledger's widest row may be locked; above it callers mostly wait for each other."""


@dataclass(frozen=True)
class Bound:
    """Something that there is only so much of; `cells` where more fleets side by side have more of it."""

    name: str
    needed: float
    there: float
    unit: str
    cure: str
    cells: bool = False

    @property
    def use(self) -> float:
        """What is needed over what there is; above 1 it breaks."""
        return self.needed / self.there


def bounds(plan: Plan, given: Assumptions) -> tuple[Bound, ...]:
    """List the bounds, the one that breaks first in front."""
    found = (*_of_model(plan, given), *_of_temporal(plan, given), *_of_database(plan, given), _of_people(plan, given))
    return tuple(sorted(found, key=lambda bound: -bound.use))


def cells(found: Iterable[Bound]) -> int:
    """Say into how many cells a fleet has to be cut, so that none of the bounds that cells widen breaks."""
    return max(math.ceil(bound.use) for bound in found if bound.cells)


def _of_model(plan: Plan, given: Assumptions) -> tuple[Bound, ...]:
    cure = (
        "ask the provider for more, or for a custom tier; spread over Bedrock or Vertex; `--patience batch`, whose "
        "limits are others; set `CALLSHEET_MODEL_RATE` to what you have, so that calls wait in our queue, where "
        "tenants take turns, and not in retries"
    )
    return (
        Bound("requests of the provider", plan.requests_a_minute, given.limit_rpm, "a minute", cure),
        Bound("input tokens of the provider", plan.input_a_minute, given.limit_itpm, "a minute", cure),
        Bound("output tokens of the provider", plan.output_a_minute, given.limit_otpm, "a minute", cure),
    )


def _of_temporal(plan: Plan, given: Assumptions) -> tuple[Bound, ...]:
    grows = (
        "a namespace grows with its use, to the lesser of four times the mean and twice the 90th percentile of seven "
        "days: begin slowly, or provision TRUs (500 each, 12 at most) for the day on which you begin"
    )
    return (
        Bound("actions of a namespace, to begin with", plan.actions_a_second, given.limit_aps, "a second", grows),
        Bound(
            "actions of a namespace with 12 TRUs",
            plan.actions_a_second,
            given.limit_aps_most,
            "a second",
            "ask Temporal for more, cut the fleet into cells, or run a cluster of your own",
            cells=True,
        ),
        Bound(
            "visibility calls, for backlogs alone",
            plan.looks_a_second,
            given.limit_visibility,
            "a second",
            "every worker that exports metrics asks for the backlog of each queue every 15 s: export metrics from some "
            "pods of each pool only (`OTEL_METRICS_EXPORTER=none` on the others), or larger pods, or cells",
            cells=True,
        ),
    )


def _of_database(plan: Plan, given: Assumptions) -> tuple[Bound, ...]:
    most = plan.ledger_most
    return (
        Bound(
            "connections of PostgreSQL",
            plan.connections,
            given.limit_connections,
            "",
            "raise `max_connections` to some hundreds; beyond, PgBouncer in transaction mode, 1.21 or later, with "
            "`max_prepared_statements` above 0, and `idle_in_transaction_session_timeout` set for the role",
        ),
        Bound(
            "the ledger's row of the day",
            plan.ledger_use * most,
            most * AT_ONCE,
            "calls a second",
            "every call locks `fleet/day` and `fleet/month` twice. Nothing in a configuration changes that: put the "
            "database near the workers and its log on a fast disk, give up synchronous replicas for this database, "
            "then cut the fleet into cells, each with its share of the caps",
            cells=True,
        ),
        Bound(
            "transactions of PostgreSQL",
            plan.commits_a_second,
            given.limit_commits,
            "a second",
            "reads are most of them: turn off the telemetry that nobody reads, then a larger machine, then cells",
            cells=True,
        ),
        Bound(
            "log of PostgreSQL",
            plan.wal_mb_a_second,
            given.limit_wal,
            "MB a second",
            "a disk and a replica that bear it, then cells",
            cells=True,
        ),
    )


def _of_people(plan: Plan, given: Assumptions) -> Bound:
    return Bound(
        "reviewers",
        plan.reviewers,
        given.reviewers,
        "",
        "fewer questions before more people: which rule asks (*quality* dashboard), and would a better direction pass "
        "it? Then more reviewers, or a fallback of `reject`",
    )
