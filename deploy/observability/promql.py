"""The few shapes of PromQL that rules and dashboards are made of."""

from deploy.observability.clock import Clock


def latest(gauge: str, by: str = "", where: str = "") -> str:
    """Read a gauge that is made from the records: every worker tells the same, so the highest is taken, not the sum."""
    return f"max by ({by}) ({gauge}{_braces(where)})" if by else f"max({gauge}{_braces(where)})"


def grown(clock: Clock, counter: str, window: str, by: str = "", where: str = "") -> str:
    """Say by how much a counter grew, its first growth included.

    `increase` alone does not see the step from "no such series" to 1, so that the first loop of a worker, often the
    only one, would ring no bell. A series that was not there at the beginning of the window counts whole, provided
    that Prometheus was watching then: otherwise the whole life of a worker would count as an hour's.
    """
    series, span = f"{counter}{_braces(where)}", clock.span(window)
    grew = f"increase({series}[{span}])"
    old, new = f"{grew} and {series} offset {span}", f"{series} and on () count(up offset {span})"
    return f"sum{f' by ({by})' if by else ''} (({old}) or ({new}) or {grew})"


def share(part: str, whole: str, least: str = "0") -> str:
    """Divide, where the whole is more than so much: a share of hardly anything says nothing."""
    return f"{part} / ({whole} > {least})"


def or_none(part: str, whole: str) -> str:
    """Read a part that nobody has counted yet as zero, for everything that the whole is counted for."""
    return f"({part} or {whole} * 0)"


def quantile(part: float, counts: str) -> str:
    """Estimate a quantile from the counts of buckets; above the last bucket it reads as the last bound."""
    return f"histogram_quantile({part}, {counts})"


def _braces(where: str) -> str:
    return f"{{{where}}}" if where else ""
