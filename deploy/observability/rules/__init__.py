"""Recording rules and alerts, as values: written to files for Prometheus, and faster for drills."""

from deploy.observability.clock import REAL, Clock
from deploy.observability.rules import model, money, quality, records, tools, watching, work
from deploy.observability.rules.values import Group

ALERTS = (money, work, model, tools, quality, watching)
"""The modules with alerts; each is a group."""


def recording(clock: Clock = REAL) -> list[Group]:
    """Make the recording rules."""
    return records.groups(clock)


def alerts(clock: Clock = REAL) -> list[Group]:
    """Make the alerts."""
    return [module.group(clock) for module in ALERTS]
