"""What the command line asks of the server: start, look, find questions, decide, cancel."""

import contextlib
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import (
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.deciding import Deciding
from activities.signing import Signer
from console.errors import Exit, Stopped, one_line
from console.looks import OUTCOMES, SLATE, STATES, Look, OpenQuestion, with_state
from workflows.lanes import fairness_key
from workflows.models import (
    AgentOrder,
    Decision,
    Identity,
    Question,
    Receipt,
    RunOrder,
)
from workflows.models.hiring import EvaluationOrder
from workflows.models.slates import SlateOrder
from workflows.tracing import PIPELINE, TENANT, invocation_name, literal

R = TypeVar("R", bound=BaseModel)

PATIENCE = timedelta(seconds=10)
"""How long a worker may take to answer a question about a run."""


class Runs:
    """The runs of one server."""

    def __init__(self, client: Client, queue: str, signer: Signer) -> None:
        """Talk through `client`; new runs go to the task queue `queue`, decisions are signed by `signer`."""
        self._client = client
        self._queue = queue
        self._deciding = Deciding(client, signer)

    async def start(
        self,
        kind: str,
        run: str,
        order: RunOrder | AgentOrder | EvaluationOrder,
        summary: str,
        priority: int | None = None,
    ) -> None:
        """Start a run under an id that was never used; of those that wait, `priority` 1 goes first and 5 last."""
        await self._client.start_workflow(
            kind,
            order,
            id=run,
            task_queue=self._queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=one_line(summary, 180),
            priority=Priority(priority_key=priority, fairness_key=fairness_key(order.tenant)),
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(PIPELINE, invocation_name(kind)), SearchAttributePair(TENANT, order.tenant)]
            ),
        )

    async def go_on(self, batch: str, order: SlateOrder) -> None:
        """Have a batch go on: start it, or tell the one that runs that there is more."""
        await self._client.start_workflow(
            SLATE,
            order,
            id=batch,
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="more",
            start_signal_args=[order],
            static_summary=f"batch {order.name}",
        )

    async def carry_out(self, kind: str, name: str, order: BaseModel, result: type[R]) -> R:
        """Have something done that may be asked for again: one that is under way is waited for."""
        handle = await self._client.start_workflow(
            kind,
            order,
            id=name,
            task_queue=self._queue,
            result_type=result,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        found: R = await handle.result()
        return found

    async def look(self, workflow: str) -> Look:
        """Look at a run, an item (`run:item`) or an agent. What has ended is read without a worker."""
        handle = self._client.get_workflow_handle(workflow)
        found = await handle.describe()
        status = found.status or WorkflowExecutionStatus.RUNNING
        seen = Look(
            id=workflow,
            type=found.workflow_type,
            running=status == WorkflowExecutionStatus.RUNNING,
            execution=status.name.lower(),
        )
        if status == WorkflowExecutionStatus.COMPLETED:
            return with_state(seen, await self._result(workflow, seen.type))
        try:
            return with_state(seen, await self._ask(handle, "state", STATES.get(seen.type)))
        except Stopped:
            if seen.running:
                raise
            return seen.model_copy(update={"error": await self._failure(handle)})

    async def question(self, workflow: str) -> Question | None:
        """Read the open question of an item or an agent."""
        handle = self._client.get_workflow_handle(workflow)
        found = await self._ask(handle, "question", Question)
        return found if isinstance(found, Question) else None

    async def awaiting(self, run: str = "", limit: int | None = None) -> list[str]:
        """Find the workflows that wait for people. The list may lag a moment behind."""
        query = "CallsheetAwaitingReview = true and ExecutionStatus = 'Running'"
        if run:
            query += f" and CallsheetRun = {literal(run)}"
        return [each.id async for each in self._client.list_workflows(query, limit=limit)]

    async def open_questions(self, run: str = "", limit: int = 200) -> list[OpenQuestion]:
        """Find what waits for people, oldest first. The list may lag a moment behind."""
        found = [
            OpenQuestion(id=each, question=question)
            for each in await self.awaiting(run, limit)
            if (question := await self.question(each))
        ]
        return sorted(found, key=lambda each: each.question.asked_at)

    async def last_answer(self, workflow: str) -> Receipt | None:
        """Read who answered the last question of an item or an agent; nothing where it does not say."""
        with contextlib.suppress(Stopped):
            found = await self._ask(self._client.get_workflow_handle(workflow), "last_answer", Receipt)
            return found if isinstance(found, Receipt) else None
        return None

    async def decide(self, workflow: str, decision: Decision) -> Receipt:
        """Sign a decision for the operator of this terminal, and send it; it is taken or refused at once.

        Raises:
            NotTaken: it does not fit, somebody was first, or it could not be proved.
        """
        return await self._deciding.send(workflow, decision, Identity(name=decision.by, role="operator"))

    async def cancel(self, workflow: str) -> None:
        """Ask a run to end; it cleans up first."""
        handle = self._client.get_workflow_handle(workflow)
        if (await handle.describe()).status != WorkflowExecutionStatus.RUNNING:
            raise Stopped(Exit.CONFLICT, f"{workflow} has ended already")
        await handle.cancel()

    async def _result(self, workflow: str, kind: str) -> object:
        wanted = OUTCOMES.get(kind)
        typed: WorkflowHandle[Any, Any] = self._client.get_workflow_handle(workflow, result_type=wanted)
        return await typed.result()

    async def _ask(self, handle: WorkflowHandle[Any, Any], query: str, wanted: type[BaseModel] | None) -> object:
        try:
            return await handle.query(query, result_type=wanted, rpc_timeout=PATIENCE)
        except WorkflowQueryFailedError as error:
            raise Stopped(Exit.CONFLICT, f"{handle.id} cannot say: {one_line(error)}") from None
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise
            hint = f"no worker answers for {handle.id} on the queue {self._queue}; start one with: callsheet dev"
            raise Stopped(Exit.UNREACHABLE, hint) from None

    async def _failure(self, handle: WorkflowHandle[Any, Any]) -> str:
        try:
            await handle.result(rpc_timeout=PATIENCE)
        except WorkflowFailureError as error:
            return one_line(error.cause or error)
        return ""
