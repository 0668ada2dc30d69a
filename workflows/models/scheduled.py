"""What a schedule starts."""

from typing import Any

from workflows.models.base import Value

SCHEDULE = "schedule:"
"""What the id of every workflow that a schedule starts begins with."""


class ScheduledOrder(Value):
    """Starts one run of a schedule: a workflow of this kind with this order, which was checked when it was created."""

    schedule: str
    kind: str
    title: str
    order: dict[str, Any]


class ScheduledRun(Value):
    """What became of it."""

    run: str
    status: str
