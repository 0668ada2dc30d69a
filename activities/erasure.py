"""The eraser: what a candidate handed in, and what was said of it, leaves the stores; digests and decisions stay."""

import json
from collections.abc import Iterator
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode

from activities.assets import Assets
from activities.batch_tables import BatchCallRow
from activities.conversation_tables import ConversationRow, CutRow, JournalRow, MessageRow, ToolResultRow
from activities.database import Database, first, now
from activities.errors import permanent
from activities.hiring_tables import CandidateRow, DocumentRow, ErasureRow
from activities.people import NoticeRow
from workflows.evaluation_ports import Erasures
from workflows.models import Notice, Outcome, Reply
from workflows.models.hiring import Erased, ErasureOrder
from workflows.models.rubrics import Application
from workflows.tracing import literal

GONE: Final = "[erased]"
ENDED: Final = frozenset({"decided", "failed", "cancelled"})


class Eraser(Erasures):
    """Implements the port. Each step may be repeated: what is gone already is not missed."""

    def __init__(self, database: Database, assets: Assets) -> None:
        """Erase from `database` and `assets`."""
        self._database = database
        self._assets = assets

    @activity.defn(name="erase_candidate")
    async def erase(self, order: ErasureOrder) -> Erased:
        """Empty the stores, then the assets that nobody else needs, then the files of the database."""
        row = await self._database.read(lambda session: session.get(CandidateRow, (order.run, order.key)))
        if row is None:
            raise permanent("NoCandidate", f"there is no candidate {order.key} in {order.run}")
        if row.hold:
            return Erased(refused=f"there is a legal hold: {row.hold}")
        if row.status not in ENDED:
            return Erased(refused=f"the evaluation is still under way ({row.status}); decide or cancel it first")
        papers = await self._papers(row.application)
        kept = await self._database.run(lambda session: _empty(session, order, papers))
        for digest in kept.assets:
            await self._assets.erase(digest)
        await self._database.scrub()
        return kept

    @activity.defn(name="erase_histories")
    async def erase_histories(self, order: ErasureOrder) -> Erased:
        """Delete the histories of the candidate's workflow; the run's own holds nothing that a candidate said."""
        client, name = activity.client(), f"{order.run}:{order.key}"
        found = 0
        async for each in client.list_workflows(f"WorkflowId = {literal(name)}"):
            execution = WorkflowExecution(workflow_id=name, run_id=each.run_id)
            request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
            try:
                await client.workflow_service.delete_workflow_execution(request)
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
            found += 1
        return Erased(workflows=found, at=now())

    async def hold(self, run: str, key: str, reason: str) -> bool:
        """Set a legal hold, or lift it with an empty reason; tells whether there is such a candidate."""
        change = update(CandidateRow).where(CandidateRow.run == run, CandidateRow.key == key).values(hold=reason)
        changed = await self._database.run(lambda session: session.execute(change.returning(CandidateRow.key)).all())
        return bool(changed)

    async def due(self) -> tuple[tuple[str, str], ...]:
        """Name the candidates whose time is over and that nothing holds, by run and key."""
        over = (CandidateRow.keep_until <= now().date(), CandidateRow.hold == "", CandidateRow.erased_at.is_(None))
        query = select(CandidateRow.run, CandidateRow.key).where(*over).order_by(CandidateRow.keep_until)
        rows = await self._database.read(lambda session: session.execute(query).all())
        return tuple((row[0], row[1]) for row in rows)

    async def _papers(self, application: str) -> tuple[str, ...]:
        try:
            found = Application.model_validate_json(await self._assets.get(application))
        except FileNotFoundError:
            return ()
        return tuple(paper.digest for paper in found.papers)


def _empty(session: Session, order: ErasureOrder, papers: tuple[str, ...]) -> Erased:
    """Take the content out of every row that has some, in one transaction, and leave a tombstone."""
    before = session.get(ErasureRow, (order.run, order.key))
    if before is not None:
        left = json.loads(before.digests)
        return Erased(messages=before.messages, assets=tuple(left["assets"]), at=before.at)
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA secure_delete = ON")
    row = session.get_one(CandidateRow, (order.run, order.key))
    assets = tuple(dict.fromkeys(_assets(session, row, papers)))
    digests = list(_conversations(session, order))
    _notices(session, order)
    row.state, row.erased_at = None, now()
    left = {"assets": assets, "messages": digests, "evaluation": row.evaluation, "application": row.application}
    tombstone = ErasureRow(
        run=order.run,
        key=order.key,
        by=order.by,
        reason=order.reason,
        digests=json.dumps(left),
        messages=len(digests),
        at=row.erased_at,
    )
    first(session, tombstone)
    return Erased(messages=len(digests), assets=assets, at=row.erased_at)


def _assets(session: Session, row: CandidateRow, papers: tuple[str, ...]) -> Iterator[str]:
    """Name the bytes that are this candidate's alone: the same file may have been handed in to another vacancy."""
    here = (DocumentRow.run == row.run) & (DocumentRow.candidate == row.key)
    yield from session.scalars(select(DocumentRow.content).where(here))
    live = CandidateRow.erased_at.is_(None) & ~((CandidateRow.run == row.run) & (CandidateRow.key == row.key))
    if session.scalar(select(CandidateRow.key).where(live, CandidateRow.application == row.application).limit(1)):
        return
    yield row.application
    owner = (CandidateRow.run == DocumentRow.run) & (CandidateRow.key == DocumentRow.candidate)
    for paper in papers:
        query = select(DocumentRow.id).join(CandidateRow, owner).where(live, DocumentRow.source == paper).limit(1)
        if session.scalar(query) is None:
            yield paper


def _conversations(session: Session, order: ErasureOrder) -> Iterator[str]:
    """Empty everything that was said; yields the digests of the messages."""
    here = (ConversationRow.run == order.run, ConversationRow.item == order.key)
    for talk in session.scalars(select(ConversationRow.id).where(*here)).all():
        for message in session.scalars(select(MessageRow).where(MessageRow.conversation == talk)):
            yield message.digest
            message.content, message.notes = json.dumps([{"type": "text", "text": GONE}]), "[]"
            message.record = _bare_reply(message.record) if message.record else None
        for result in session.scalars(select(ToolResultRow).where(ToolResultRow.conversation == talk)):
            result.arguments, result.content, result.outcome = "{}", json.dumps(GONE), _bare_outcome(result.outcome)
        session.execute(update(CutRow).where(CutRow.conversation == talk).values(summary=GONE, block=None, tried=""))
        session.execute(delete(BatchCallRow).where(BatchCallRow.conversation == talk))
        _journal(session, JournalRow.conversation == talk)
    _journal(session, (JournalRow.run == order.run) & (JournalRow.item == order.key))


def _journal(session: Session, where: object) -> None:
    for entry in session.scalars(select(JournalRow).where(where)):  # type: ignore[arg-type]
        entry.data = json.dumps({"kind": json.loads(entry.data).get("kind", ""), "reason": GONE})


def _notices(session: Session, order: ErasureOrder) -> None:
    """Empty what people were told; who decided what, and their words, stay."""
    same = (NoticeRow.run == order.run, NoticeRow.item == order.key)
    for row in session.scalars(select(NoticeRow).where(*same)):
        notice = Notice.model_validate_json(row.body)
        bare = notice.question.slim().model_copy(update={"reason": GONE, "instruction": "", "calls": ()})
        row.body = notice.model_copy(update={"question": bare}).model_dump_json()


def _bare_reply(record: str) -> str:
    reply = Reply.model_validate_json(record)
    calls = tuple(call.model_copy(update={"preview": call.tool}) for call in reply.calls)
    output = None if reply.output is None else GONE
    return reply.model_copy(update={"output": output, "text": "", "calls": calls}).model_dump_json()


def _bare_outcome(outcome: str) -> str:
    found = Outcome.model_validate_json(outcome)
    return found.model_copy(update={"preview": GONE, "hint": "", "escalation": None}).model_dump_json()
