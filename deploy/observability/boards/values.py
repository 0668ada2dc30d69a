"""What a dashboard is made of, as values."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Kind = Literal["stat", "lines", "stack", "bars", "bargauge", "table", "heatmap"]

DOLLARS, SHARE, SECONDS, MILLISECONDS, COUNT, TOKENS = "currencyUSD", "percentunit", "s", "ms", "short", "short"
BYTES, SCORE, TIMES = "bytes", "none", "none"
"""Units, as Grafana names them."""


class Query(NamedTuple):
    """A query, and how its series are called. In a table, the name is that of its column."""

    expr: str
    name: str = ""


class Panel(NamedTuple):
    """One panel.

    `steps` are the values from which it is yellow, and red; where less is worse, `falls` turns them round. `unit` is
    one of Grafana's. `wide` is of 24 columns.
    """

    kind: Kind
    title: str
    about: str
    queries: Sequence[Query]
    unit: str = COUNT
    steps: tuple[float, float] | None = None
    falls: bool = False
    most: float | None = None
    wide: int = 8


class Row(NamedTuple):
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


class Board(NamedTuple):
    """A dashboard."""

    uid: str
    title: str
    about: str
    rows: Sequence[Row]
