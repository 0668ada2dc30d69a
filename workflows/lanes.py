"""The place of a call in its queue: tenants take turns, and what is urgent goes before what is not."""

import hashlib

from temporalio import workflow
from temporalio.common import Priority

LAST = 5
"""The priority of a call that can wait: where a rate holds calls back, all others go first."""
LONGEST_KEY = 64
"""Bytes of a fairness key; the server refuses a longer one, and the workflow would try it again for ever."""


def lane(tenant: str, priority: int | None = None) -> Priority:
    """Give a call of this tenant its place: with the priority of the run that it is for, unless it has its own."""
    ours = workflow.info().priority
    return Priority(
        priority_key=priority or ours.priority_key,
        fairness_key=fairness_key(tenant),
        fairness_weight=ours.fairness_weight,
    )


def fairness_key(tenant: str) -> str:
    """Name a tenant to the server."""
    return tenant if len(tenant.encode()) <= LONGEST_KEY else hashlib.sha256(tenant.encode()).hexdigest()
