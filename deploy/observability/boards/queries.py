"""Queries. `$__interval`, `$__rate_interval`, `$__range` are Grafana's, `$agent`, `$pipeline`, `$window` ours."""

from deploy.observability.boards.values import Query
from deploy.observability.clock import REAL
from deploy.observability.promql import grown, latest, quantile

AGENT, PIPELINE = 'agent_name=~"$agent"', 'agent_name=~"$pipeline"'
MADE = 'pipeline=~"$pipeline"'
RATE, WINDOW = "$__rate_interval", "$window"


def bars(counter: str, by: str, where: str = "") -> Query:
    """Count what happened in each interval, one bar for each value of a label."""
    return Query(grown(REAL, counter, "$__interval", by, where), f"{{{{{by}}}}}")


def total(counter: str, by: str = "", where: str = "", name: str = "") -> Query:
    """Count what happened in the time that is shown."""
    return Query(grown(REAL, counter, "$__range", by, where), name or (f"{{{{{by}}}}}" if by else "total"))


def none_is_zero(query: Query) -> Query:
    """Show zero where nothing was counted."""
    return query._replace(expr=f"{query.expr} or vector(0)")


def per_minute(counter: str, by: str, where: str = "") -> Query:
    """Say how much comes in a minute."""
    return Query(f"sum by ({by}) (rate({counter}{{{where}}}[{RATE}])) * 60", f"{{{{{by}}}}}")


def gauge(metric: str, by: str, where: str = "") -> Query:
    """Read what the records say."""
    return Query(latest(metric, by, where), f"{{{{{by}}}}}")


def percentile(part: float, histogram: str, by: str, where: str = "", window: str = WINDOW) -> Query:
    """Estimate a quantile of a histogram."""
    counts = grown(REAL, f"{histogram}_bucket", window, f"{by}, le", where)
    return Query(quantile(part, counts), f"{{{{{by}}}}} p{part * 100:.0f}")


def mean(histogram: str, by: str, where: str = "") -> Query:
    """Work out the mean of what a histogram was given."""
    whole, count = (grown(REAL, f"{histogram}_{each}", WINDOW, by, where) for each in ("sum", "count"))
    return Query(f"{whole} / ({count} > 0)", f"{{{{{by}}}}}")
