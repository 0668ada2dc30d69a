"""The oracle: reads what a fleet left behind and finds whatever is lost, doubled, mixed up or over its cap."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import get_args

from temporalio.client import Client

from activities.database import Database
from activities.invocation_tables import InvocationRow
from rehearsal.journal import Entry
from tests.fleet import oracle_money, oracle_talks, oracle_work
from tests.fleet.evidence import TABLES, Evidence, Ordered, read_chronicles, read_rows, read_shelf
from tests.fleet.finding import Finding, Kind

RULES = (*oracle_work.RULES, *oracle_money.RULES, *oracle_talks.RULES)


async def gather(
    orders: Iterable[Ordered],
    database: Database,
    place: str,
    client: Client,
    queue: str,
    bills: Iterable[Entry],
    caps: Mapping[str, int],
) -> Evidence:
    """Read everything; the histories first, because what they tell must be in the rows by then."""
    ordered, rows = tuple(orders), read_rows(database)
    expected = {row.workflow_id for row in rows[InvocationRow]} | {order.workflow for order in ordered}
    chronicles = await read_chronicles(client, queue, expected)
    rows = read_rows(database)
    return Evidence(ordered, rows, chronicles, await read_shelf(place, rows), tuple(bills), caps)


def judge(told: Evidence) -> list[Finding]:
    """Find everything that must not be."""
    return [finding for rule in RULES for finding in rule(told)]


def figures(told: Evidence) -> dict[str, int]:
    """Count what was looked at: an oracle that looks at nothing finds nothing. Slow tasks were repeated."""
    counts = {table.__tablename__: len(told.of(table)) for table in TABLES}
    histories = {
        "histories": len(told.chronicles),
        "published copies": len(told.shelf.published),
        "bills": len(told.bills),
        "slow tasks": sum(each.slow for each in told.chronicles),
    }
    return {"orders": len(told.orders), **counts, **histories}


def tally(findings: Iterable[Finding]) -> dict[Kind, int]:
    """Count findings by their kind, also those that there are none of."""
    counts = Counter(finding.kind for finding in findings)
    return {kind: counts[kind] for kind in get_args(Kind)}
