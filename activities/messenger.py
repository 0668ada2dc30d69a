"""Carries word from activities to workflows."""

from temporalio import activity
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from workflows.batch_desk import DESK_ID, DeskOrder
from workflows.models import Arrival

SHORTEST_LOOK = 5.0
LONGEST_LOOK = 300.0


class Messenger:
    """Speaks through the Temporal client of the worker that runs the activity."""

    def __init__(self, gather: float = 60.0) -> None:
        """Have a batch desk gather calls for so many seconds, and look after them twice as often."""
        self._order = DeskOrder(gather=gather, look=min(max(gather / 2, SHORTEST_LOOK), LONGEST_LOOK))

    async def call_desk(self, queue: str) -> None:
        """Tell the batch desk of a task queue that a call waits; it opens if it is closed."""
        await activity.client().start_workflow(
            "BatchDesk",
            self._order,
            id=f"{DESK_ID}-{queue}",
            task_queue=queue,
            start_signal="call_queued",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def tell(self, workflow_id: str, arrival: Arrival) -> None:
        """Tell a workflow that the reply of a batched call can be fetched; one that has ended needs no reply."""
        try:
            await activity.client().get_workflow_handle(workflow_id).signal("reply_arrived", arrival)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
