"""Rates and turns, shared by all workers: the Temporal server holds activities back, whoever serves them."""

from collections.abc import Mapping

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client

WHY = "set by a worker from CALLSHEET_RATES, CALLSHEET_MODEL_RATE, CALLSHEET_TENANT_RATE and CALLSHEET_TENANT_WEIGHTS"


async def share_rates(
    client: Client,
    task_queue: str,
    per_second: float | None,
    per_tenant: float | None = None,
    weights: Mapping[str, float] | None = None,
) -> None:
    """Set how many activities of a queue start in a second, altogether and for each tenant; None lifts the limit.

    `weights` are the turns of a tenant where others get one. The queue must serve nobody's eager activities, which
    would pass it by: so the queue of the workflows can have no rate.

    Raises:
        RPCError: the server is too old for rate limits on task queues, or not to be reached.
    """
    request = UpdateTaskQueueConfigRequest(
        namespace=client.namespace,
        identity=client.identity,
        task_queue=task_queue,
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        update_queue_rate_limit=_update(per_second),
        update_fairness_key_rate_limit_default=_update(per_tenant),
        set_fairness_weight_overrides=weights or {},
    )
    await client.workflow_service.update_task_queue_config(request)


def _update(per_second: float | None) -> UpdateTaskQueueConfigRequest.RateLimitUpdate:
    limit = None if per_second is None else RateLimit(requests_per_second=per_second)
    return UpdateTaskQueueConfigRequest.RateLimitUpdate(rate_limit=limit, reason=WHY)
