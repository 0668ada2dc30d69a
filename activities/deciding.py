"""Deciding from outside: what the desk and the starter ask of the server, and how they send a signed decision."""

from collections.abc import AsyncIterator
from datetime import timedelta

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.signing import Signer, update_id
from workflows.models import Decision, Identity, Question, QuestionCard, Receipt, Value
from workflows.tracing import literal

PATIENCE = timedelta(seconds=20)
"""How long a worker may take to prove and take a decision."""


class NotTaken(Exception):  # noqa: N818 - it is an answer
    """A decision was not taken. `type` is for programs (docs/people.md lists them), `text` for people."""

    def __init__(self, kind: str, text: str) -> None:
        """Keep both."""
        super().__init__(text)
        self.type, self.text = kind, text


class Waiting(Value):
    """A question in the queue, and the workflow that asks it."""

    workflow: str
    card: QuestionCard


class Deciding:
    """Looks at questions and answers them, in the name of people whom the caller has authenticated."""

    def __init__(self, client: Client, signer: Signer) -> None:
        """Talk through `client`, and sign with `signer`."""
        self._client, self._signer = client, signer

    async def waiting(self, query: str = "", limit: int | None = None) -> AsyncIterator[Waiting]:
        """Find what waits for people, by the server's list alone, which may lag a moment behind.

        `query` narrows it, e.g. `CallsheetOwner = 'leads'`; the order is the server's, so sort by `card.asked_at`.
        """
        whole = "CallsheetAwaitingReview = true and ExecutionStatus = 'Running'"
        whole += f" and ({query})" if query else ""
        async for found in self._client.list_workflows(whole, limit=limit):
            if (card := await _card(found)) is not None:
                yield Waiting(workflow=found.id, card=card)

    async def question(self, workflow: str) -> Question | None:
        """Read the open question with its whole evidence; None when nothing is asked."""
        handle = self._client.get_workflow_handle(workflow)
        found = await handle.query("question", result_type=Question, rpc_timeout=PATIENCE)
        return found if isinstance(found, Question) else None

    async def send(self, workflow: str, decision: Decision, who: Identity, nonce: str = "") -> Receipt:
        """Sign a decision and send it; it is proved, and taken or not, before this returns.

        `decision.question` and `decision.digest` say what was shown. Of several decisions with one `nonce` the first
        counts, and the others are refused as replayed.

        Raises:
            NotTaken: it does not fit, somebody was first, or it could not be proved.
            RPCError: there is no such workflow, or nobody answers.
        """
        sealed = self._signer.sign(decision, workflow, who, nonce)
        return await self.deliver(workflow, sealed)

    async def deliver(self, workflow: str, decision: Decision) -> Receipt:
        """Send a decision as it is; what meets a run that just goes on as new is sent again, to the new one."""
        for last in (False, True):
            try:
                return await self._update(workflow, decision)
            except WorkflowUpdateFailedError as error:
                raise _not_taken(error) from None
            except RPCError as error:
                if not _has_ended(error) or last or not await self._runs(workflow):
                    raise (_ended(workflow) if _has_ended(error) else error) from None
        raise _ended(workflow)

    async def _update(self, workflow: str, decision: Decision) -> Receipt:
        handle = self._client.get_workflow_handle(workflow)
        receipt: Receipt = await handle.execute_update(
            "decide", decision, id=update_id(decision), result_type=Receipt, rpc_timeout=PATIENCE
        )
        return receipt

    async def _runs(self, workflow: str) -> bool:
        found = await self._client.get_workflow_handle(workflow).describe()
        return found.status == WorkflowExecutionStatus.RUNNING


def of_tenants(tenants: tuple[str, ...]) -> str:
    """Write the part of a query that keeps to these tenants; empty for all."""
    if "*" in tenants:
        return ""
    return f"CallsheetTenant in ({', '.join(map(literal, tenants))})" if tenants else "CallsheetTenant = ''"


async def _card(found: WorkflowExecution) -> QuestionCard | None:
    memo = await found.memo()
    return QuestionCard.model_validate(memo["question"]) if memo.get("question") else None


def _has_ended(error: RPCError) -> bool:
    # The server says in words alone that a workflow has ended, or ends with the update in its hands.
    return any(words in error.message for words in ("already completed", "aborted by closing"))


def _ended(workflow: str) -> NotTaken:
    return NotTaken("Ended", f"Too late: {workflow} has ended.")


def _not_taken(error: WorkflowUpdateFailedError) -> NotTaken:
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return NotTaken(cause.type or "NotTaken", cause.message)
    return NotTaken("NotTaken", str(cause or error))
