"""Schedules as the server keeps them, in the words of the command line."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
)
from temporalio.service import RPCError, RPCStatusCode

from console.durations import lasting
from console.errors import Exit, Stopped, one_line
from console.runs import PATIENCE
from workflows.models.scheduled import SCHEDULE, ScheduledOrder
from workflows.scheduled import run_id

WORKFLOW = "Scheduled"
SHOWN = 5
"""Runs that are shown, past ones and coming ones."""


@dataclass(frozen=True)
class Plan:
    """When a schedule starts something, and what else it heeds."""

    crons: tuple[str, ...]
    every: timedelta | None
    zone: str
    jitter: timedelta | None
    overlap: ScheduleOverlapPolicy
    catchup: timedelta
    pause_on_failure: bool
    note: str

    @property
    def when(self) -> str:
        """Say when, for people."""
        parts = [f"every {lasting(self.every.total_seconds())}"] if self.every else []
        return " · ".join((*self.crons, *parts)) + (f" in {self.zone}" if self.crons and self.zone else "")


class Seen(BaseModel):
    """One schedule. `runs` are the last ones it started, `next` the moments of the coming ones."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    title: str = ""
    when: str
    tenant: str = ""
    overlap: str = ""
    catchup_seconds: float = 0
    pause_on_failure: bool = False
    paused: bool
    note: str
    started: int = 0
    skipped: int = 0
    missed: int = 0
    runs: tuple[str, ...] = ()
    next: tuple[datetime, ...] = ()


class Schedules:
    """The schedules of one server that start our runs."""

    def __init__(self, client: Client, queue: str) -> None:
        """Talk through `client`; runs go to the task queue `queue`."""
        self._client, self._queue = client, queue

    async def create(self, order: ScheduledOrder, plan: Plan) -> None:
        """Create a schedule under a name that is free."""
        action = ScheduleActionStartWorkflow(
            WORKFLOW,
            order,
            id=f"{SCHEDULE}{order.schedule}",
            task_queue=self._queue,
            static_summary=one_line(order.title, 180),
        )
        spec = ScheduleSpec(
            cron_expressions=plan.crons,
            intervals=[ScheduleIntervalSpec(every=plan.every)] if plan.every else [],
            jitter=plan.jitter,
            time_zone_name=plan.zone or None,
        )
        policy = SchedulePolicy(
            overlap=plan.overlap, catchup_window=plan.catchup, pause_on_failure=plan.pause_on_failure
        )
        memo = {"kind": order.kind, "when": plan.when}
        wanted = Schedule(action=action, spec=spec, policy=policy, state=ScheduleState(note=plan.note or None))
        try:
            await self._client.create_schedule(order.schedule, wanted, memo=memo, rpc_timeout=PATIENCE)
        except ScheduleAlreadyRunningError:
            raise Stopped(Exit.ID_EXISTS, f"there is a schedule {order.schedule} already") from None
        except RPCError as error:
            if error.status != RPCStatusCode.INVALID_ARGUMENT:
                raise
            raise Stopped(Exit.USAGE, _wrong(error, plan)) from None

    async def every(self) -> list[Seen]:
        """List all, by their names."""
        found = []
        async for each in await self._client.list_schedules(rpc_timeout=PATIENCE):
            if each.schedule is None or getattr(each.schedule.action, "workflow", "") != WORKFLOW:
                continue
            memo = await each.memo()
            state, info = each.schedule.state, each.info
            seen = Seen(
                id=each.id,
                kind=str(memo.get("kind", "")),
                when=str(memo.get("when", "")),
                paused=state.paused,
                note=state.note or "",
                next=tuple(info.next_action_times[:SHOWN]) if info else (),
            )
            found.append(seen)
        return sorted(found, key=lambda seen: seen.id)

    async def look(self, name: str) -> Seen:
        """Look at one."""
        try:
            found = await self._handle(name).describe(rpc_timeout=PATIENCE)
        except RPCError as error:
            _unknown(name, error)
        return await _seen(found)

    async def pause(self, name: str, note: str) -> None:
        """Have it start nothing."""
        await self._told(name, lambda handle: handle.pause(note=note or None, rpc_timeout=PATIENCE))

    async def resume(self, name: str, note: str) -> None:
        """Have it start runs again."""
        await self._told(name, lambda handle: handle.unpause(note=note or None, rpc_timeout=PATIENCE))

    async def trigger(self, name: str) -> None:
        """Have it start a run now, whatever else is going on."""
        overlap = ScheduleOverlapPolicy.ALLOW_ALL
        await self._told(name, lambda handle: handle.trigger(overlap=overlap, rpc_timeout=PATIENCE))

    async def backfill(self, name: str, since: datetime, until: datetime, overlap: ScheduleOverlapPolicy) -> None:
        """Have it start what would have been due."""
        missed = ScheduleBackfill(start_at=since, end_at=until, overlap=overlap)
        await self._told(name, lambda handle: handle.backfill(missed, rpc_timeout=PATIENCE))

    async def delete(self, name: str) -> None:
        """Delete it."""
        await self._told(name, lambda handle: handle.delete(rpc_timeout=PATIENCE))

    async def _told(self, name: str, tell: Callable[[ScheduleHandle], Awaitable[None]]) -> None:
        try:
            await tell(self._handle(name))
        except RPCError as error:
            _unknown(name, error)

    def _handle(self, name: str) -> ScheduleHandle:
        return self._client.get_schedule_handle(name)


async def _seen(found: ScheduleDescription) -> Seen:
    schedule, info = found.schedule, found.info
    memo, window = await found.memo(), schedule.policy.catchup_window
    order = await _order(found)
    runs = [
        run_id(found.id, each.action.workflow_id, each.action.first_execution_run_id)
        for each in info.recent_actions[-SHOWN:]
        if isinstance(each.action, ScheduleActionExecutionStartWorkflow)
    ]
    return Seen(
        id=found.id,
        kind=order.kind,
        title=order.title,
        when=str(memo.get("when", "")),
        tenant=str(order.order.get("tenant", "")),
        overlap=schedule.policy.overlap.name.lower().replace("_", "-"),
        catchup_seconds=window.total_seconds() if window else 0,
        pause_on_failure=schedule.policy.pause_on_failure,
        paused=schedule.state.paused,
        note=schedule.state.note or "",
        started=info.num_actions,
        skipped=info.num_actions_skipped_overlap,
        missed=info.num_actions_missed_catchup_window,
        runs=tuple(reversed(runs)),
        next=tuple(info.next_action_times[:SHOWN]) if not schedule.state.paused else (),
    )


async def _order(found: ScheduleDescription) -> ScheduledOrder:
    """Read what is started; the schedule of somebody else has another order."""
    action = found.schedule.action
    if not isinstance(action, ScheduleActionStartWorkflow) or action.workflow != WORKFLOW:
        raise Stopped(Exit.UNKNOWN_ID, f"the schedule {found.id} was not made here")
    raw: list[Any] = list(action.args)
    [order] = await found.data_converter.decode(raw, [ScheduledOrder])
    return ScheduledOrder.model_validate(order)


def _unknown(name: str, error: RPCError) -> NoReturn:
    if error.status == RPCStatusCode.NOT_FOUND:
        raise Stopped(Exit.UNKNOWN_ID, f"there is no schedule {name}; callsheet schedule list names them") from None
    raise error


def _wrong(error: RPCError, plan: Plan) -> str:
    """Say which option the server does not understand, what it says, and what would be right."""
    said = one_line(error.message, 160)
    if plan.zone and "zone" in error.message.lower():
        return f"--timezone {plan.zone!r}: {said}; write a name like Europe/Berlin, or leave it out for UTC"
    given = ", ".join(map(repr, plan.crons))
    return f"--cron {given}: {said}; write minute, hour, day, month, day of week, e.g. '0 6 * * 1-5'"
