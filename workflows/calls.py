"""How the ports are called: queues, time limits, retries, and the one line each call shows in the Temporal UI."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from workflows.lanes import LAST, lane
from workflows.models import (
    AccountQuery,
    Begun,
    Call,
    Closed,
    Closing,
    Compacted,
    Cut,
    Finished,
    Judgement,
    JudgeRequest,
    Notice,
    Opened,
    Opening,
    Outcomes,
    Proof,
    Reply,
    Scope,
    Standing,
    Submission,
    ToolUse,
    TopUp,
    TurnRequest,
    preview,
)
from workflows.ports import Conversations, Decisions, Invocations, Ledger, Model, People, Tools
from workflows.tracing import SUMMARY, dollars, queue, turn_summary

P = TypeVar("P")
A = TypeVar("A")
R = TypeVar("R")

STORE_RETRY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10))
MODEL_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1), maximum_attempts=4
)
"""For a hiccup. What lasts longer is waited out by the conversation, which says so."""
ONCE = RetryPolicy(maximum_attempts=2, initial_interval=timedelta(seconds=1))
TOOL_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10), maximum_attempts=5
)
MODEL_LIMIT = timedelta(minutes=20)
MODEL_PATIENCE = timedelta(hours=6)
STORE_LIMIT = timedelta(seconds=30)
PATIENCE = timedelta(hours=1)
GRACE = timedelta(seconds=15)


async def store(
    method: Callable[[P, A], Awaitable[R]],
    value: A,
    summary: str,
    *,
    limit: timedelta = STORE_LIMIT,
    part: str = "workflows",
    beat: timedelta | None = None,
) -> R:
    """Call a short activity that may be repeated, as long as our patience lasts."""
    base = workflow.info().task_queue
    return await workflow.execute_activity_method(
        method,
        value,
        task_queue=base if part == "workflows" else queue(base, part),
        start_to_close_timeout=limit,
        schedule_to_close_timeout=PATIENCE,
        heartbeat_timeout=beat,
        retry_policy=STORE_RETRY,
        summary=preview(summary, SUMMARY),
    )


async def keep(method: Callable[[P, A], Awaitable[R]], value: A, summary: str) -> R:
    """Write a short record in this worker: one event of history, where an activity of the queue takes six."""
    return await workflow.execute_local_activity_method(
        method,
        value,
        start_to_close_timeout=STORE_LIMIT,
        schedule_to_close_timeout=PATIENCE,
        retry_policy=STORE_RETRY,
        summary=preview(summary, SUMMARY),
    )


async def open_conversation(opening: Opening) -> Opened:
    """Pin the agent and write its task."""
    return await store(Conversations.open, opening, f"{opening.agent} · opens")


async def _paid(
    method: Callable[[P, A], Awaitable[R]],
    value: A,
    scope: Scope,
    summary: str,
    *,
    retry: RetryPolicy,
    patience: timedelta = MODEL_PATIENCE,
    priority: int | None = None,
) -> R:
    """Call what costs money: on a queue of its own, because a shared one bypasses every rate limit; tenants in turn."""
    return await workflow.execute_activity_method(
        method,
        value,
        task_queue=queue(workflow.info().task_queue, "model"),
        start_to_close_timeout=MODEL_LIMIT,
        schedule_to_close_timeout=patience + MODEL_LIMIT,  # the last attempt that begins in time may end
        heartbeat_timeout=timedelta(seconds=30),
        retry_policy=retry,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
        priority=lane(scope.tenant, priority),
    )


async def call_model(request: TurnRequest, model: str, patience: timedelta = MODEL_PATIENCE) -> Reply:
    """Ask for one reply; no attempt begins after `patience`, whatever delay the endpoint asks for."""
    return await _paid(
        Model.call,
        request,
        request.scope,
        turn_summary(request.scope.agent, request.turn, model),
        retry=MODEL_RETRY,
        patience=patience,
        priority=LAST if request.patience == "batch" else None,
    )


async def use_tools(use: ToolUse, batch: tuple[Call, ...], turn: int) -> Outcomes:
    """Run a batch where it belongs: quick reads in this worker as one marker, all else as a normal activity."""
    longest = max(call.timeout for call in batch)
    summary = turn_summary(use.scope.agent, turn, ", ".join(call.preview for call in batch))
    if all(call.quick and call.effect == "read" for call in batch):
        return await workflow.execute_local_activity_method(
            Tools.use, use, start_to_close_timeout=longest + GRACE, retry_policy=TOOL_RETRY, summary=summary
        )
    return await workflow.execute_activity_method(
        Tools.use,
        use,
        task_queue=queue(workflow.info().task_queue, batch[0].queue),
        start_to_close_timeout=longest + GRACE,  # the toolbox gives up first, with a value
        heartbeat_timeout=timedelta(seconds=20),
        retry_policy=TOOL_RETRY,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
        priority=lane(use.scope.tenant),
    )


async def compact_conversation(cut: Cut) -> Compacted:
    """Shorten what the model reads from now on. Whatever the model does it has an answer; only our stores can fail."""
    summary = turn_summary(cut.scope.agent, cut.turn, "compacts")
    return await _paid(Model.compact, cut, cut.scope, summary, retry=STORE_RETRY)


async def judge_drift(request: JudgeRequest) -> Judgement:
    """Have somebody else look at the last turns; a judge who cannot be asked finds nothing."""
    summary = turn_summary(request.scope.agent, request.turn, "is judged against its contract")
    try:
        return await _paid(Model.judge, request, request.scope, summary, retry=ONCE)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return Judgement(reason=cause(error))


async def close_conversation(closing: Closing) -> Closed:
    """Record how a conversation ended."""
    ended = f"{closing.kind}: {closing.reason}" if closing.reason else closing.kind
    return await keep(Conversations.close, closing, turn_summary(closing.scope.agent, closing.turn, ended))


async def begin_invocation(begun: Begun) -> None:
    """Record that the work of this workflow began."""
    await keep(Invocations.begin, begun, "begins")


async def finish_invocation(finished: Finished) -> None:
    """Record what became of the work of this workflow."""
    await keep(Invocations.finish, finished, f"ends: {finished.status}")


async def top_up_budget(order: TopUp) -> None:
    """Raise a cap by a person's decision; one that somebody took away meanwhile stops nothing.

    Whether there is enough now is not for us to say: the ledger rules again on the next call.
    """
    try:
        await store(Ledger.top_up, order, f"{order.by} adds {dollars(order.micro_usd)} to {order.account}")
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("%s was not raised: %s", order.account, cause(error))


async def read_budget(account: str) -> Standing:
    """Tell where an account stands."""
    return await store(Ledger.read, AccountQuery(account=account), f"looks at {account}")


async def verify_decision(submission: Submission) -> Proof:
    """Prove who decided, before anything is done."""
    decision = submission.decision
    return await store(Decisions.verify, submission, f"verifies: {decision.choice} by {decision.by}")


async def tell_people(notice: Notice) -> None:
    """Tell people something, and keep it."""
    await store(People.tell, notice, f"{notice.kind}: {notice.question.title}")


def heed_cancellation() -> None:
    """Stop here if the workflow is being cancelled.

    A call that ends well in spite of its cancellation returns as if nothing had been asked: an activity whose
    completion is waited for, a signal, the start of a child. Without this the wish to stop would be lost.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def cause(error: BaseException) -> str:
    """Say in one line why an activity failed."""
    inner = getattr(error, "cause", None) or error
    said = inner.message if isinstance(inner, FailureError) else str(inner)  # as text it would name its type once more
    kind = getattr(inner, "type", None) or type(inner).__name__
    return preview(said if said.startswith(f"{kind}: ") else f"{kind}: {said}")  # some messages name it themselves
