"""The courier: carries one notice through the channels there are. Nobody waits for it, and no run fails by it."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import cause, store
from workflows.models import Delivery, Errand
from workflows.ports import Channels

TRY = timedelta(minutes=1)
DAY = timedelta(days=1)
"""How long a channel may be down before a notice is given up: later than that, nobody needs it."""
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=15))


@workflow.defn(name="Courier")
class Courier:
    """Started by whoever keeps a notice; ends when each channel has it, or has failed for good."""

    @workflow.run
    async def run(self, errand: Errand) -> None:
        """Send the notice through every channel; one that fails holds up no other."""
        await asyncio.gather(*(self._send(errand.notice, channel) for channel in errand.channels))

    async def _send(self, notice: str, channel: str) -> None:
        delivery = Delivery(notice=notice, channel=channel)
        try:
            await workflow.execute_activity_method(
                Channels.deliver,
                delivery,
                start_to_close_timeout=TRY,
                schedule_to_close_timeout=DAY,
                retry_policy=RETRY,
                summary=f"tells people by {channel}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            failed = delivery.model_copy(update={"error": cause(error)})
            await store(Channels.give_up, failed, f"gives up on {channel}")
