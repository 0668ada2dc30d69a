"""What runs of many items are ordered with."""

from workflows.models.base import Value
from workflows.models.money import Cap
from workflows.models.review import ReviewPolicy
from workflows.models.runs import Progress
from workflows.models.turns import Patience


class LineOrder(Value):
    """What every run of many items is ordered with; `progress` is where an earlier run of it stood.

    `review` goes before what a brief says. `traceparent` is the W3C trace context of whoever orders it; the run is then
    part of that trace. `caps` are accounts above the run's that it is charged to as well, the nearest first.
    """

    title: str = ""
    tenant: str = "default"
    traceparent: str = ""
    concurrency: int = 4
    review: ReviewPolicy | None = None
    model: str = ""
    patience: Patience = "now"
    caps: tuple[Cap, ...] = ()
    progress: Progress | None = None


class RunOrder(LineOrder):
    """Starts a production. `brief` is the digest of the brief in the asset store."""

    brief: str
    threshold: int = 80
    refinements: int = 3
