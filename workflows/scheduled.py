"""What a schedule starts: it gives the run an id that people can read, and fails where the run came to nothing.

A run that comes to nothing ends well for the server, because it says so in its result. Here that becomes a failure, so
that a schedule can stop after one; and it lasts as long as the run, so that a schedule knows which runs overlap.
"""

import re

from temporalio import workflow
from temporalio.exceptions import (
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from workflows.calls import cause
from workflows.models import preview
from workflows.models.scheduled import ScheduledOrder, ScheduledRun
from workflows.models.slates import Upshot

STAMP = re.compile(r"-(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$")
"""What the server puts behind the id of whatever a schedule starts: for when it was due."""
LOST = {"failed", "cancelled"}


@workflow.defn(name="Scheduled")
class Scheduled:
    """Starts one run, and lasts as long as it."""

    @workflow.run
    async def run(self, order: ScheduledOrder) -> ScheduledRun:
        """Start the run, wait for its end, and say what became of it."""
        run = run_id(order.schedule, workflow.info().workflow_id, workflow.info().run_id)
        try:
            upshot: Upshot = await workflow.execute_child_workflow(
                order.kind,
                order.order,
                id=run,
                result_type=Upshot,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                static_summary=preview(order.title, 180),
            )
        except WorkflowAlreadyStartedError:
            raise _failed(run, "there is a run of this id already") from None
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                raise
            raise _failed(run, cause(error)) from None
        if upshot.status in LOST:
            raise _failed(run, upshot.reason or next(reversed(upshot.errors), upshot.status))
        return ScheduledRun(run=run, status=upshot.status)


def run_id(schedule: str, workflow_id: str, workflow_run_id: str) -> str:
    """Name a run by its schedule and the moment it was due, e.g. `nightly-20261126-180000`, in UTC."""
    if (due := STAMP.search(workflow_id)) is None:  # somebody started it by hand
        return f"{schedule}-{workflow_run_id[-8:]}"
    year, month, day, *time = due.groups()
    return f"{schedule}-{year}{month}{day}-{''.join(time)}"


def _failed(run: str, why: str) -> ApplicationError:
    return ApplicationError(f"{run}: {preview(why)}", type="RunFailed", non_retryable=True)
