"""Invocations: the workflows in which agents work, from their beginning to their end."""

from datetime import datetime

from workflows.models.base import Small
from workflows.models.money import Spend
from workflows.models.turns import Scope


class Begun(Small):
    """A run, an item or a single agent begins. Said again by every run of a workflow that continues as new.

    `id` is the same for all of them, `name` that of the workflow's type, `parent` the workflow that started this one.
    `traceparent` is the W3C trace context of whoever ordered it, or empty.
    """

    id: str
    name: str
    pipeline: str
    scope: Scope
    workflow_id: str
    workflow_run_id: str
    parent: str = ""
    traceparent: str = ""
    at: datetime


class Finished(Small):
    """What became of an invocation. `events` and `bytes` are the size of its last history."""

    id: str
    status: str
    spend: Spend = Spend()
    events: int = 0
    bytes: int = 0
    at: datetime
