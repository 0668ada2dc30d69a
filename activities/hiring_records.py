"""What is kept of evaluations, read for people: candidates, decisions, notices, erasures. Nothing here writes."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from activities.database import Database
from activities.hiring_tables import CandidateNoticeRow, CandidateRow, DecisionRow, ErasureRow, RubricRow
from workflows.models.hiring import CandidateState, HiringDecision
from workflows.models.rubrics import Role


class CandidateFile(BaseModel):
    """All that is kept of one candidate. `state` is gone when it was erased; the decision stays."""

    model_config = ConfigDict(frozen=True)

    run: str
    key: str
    title: str
    status: str
    application: str
    docket: str
    rubric: str
    evaluation: str
    state: CandidateState | None = None
    decision: HiringDecision | None = None
    decision_digest: str = ""
    notices: dict[str, str] = {}
    keep_until: date | None = None
    hold: str = ""
    erased_at: datetime | None = None
    erased_by: str = ""


class HiringRecords:
    """Reads by the id of a run."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    async def of_run(self, run: str) -> tuple[CandidateFile, ...]:
        """Read everybody who applied, in their order; empty when the run is unknown."""
        return await self._database.read(lambda session: _files(session, run))

    async def of(self, run: str, key: str) -> CandidateFile | None:
        """Read one candidate; None when there is no such one."""
        found = await self._database.read(lambda session: _files(session, run, CandidateRow.key == key))
        return next(iter(found), None)

    async def rubric(self, digest: str) -> Role | None:
        """Read a rubric as it was frozen; None when none of this digest was."""
        row = await self._database.read(lambda session: session.get(RubricRow, digest))
        return Role.model_validate_json(row.body) if row else None


def _files(session: Session, run: str, *only: ColumnElement[bool]) -> tuple[CandidateFile, ...]:
    decisions = {row.key: row for row in session.scalars(select(DecisionRow).where(DecisionRow.run == run))}
    erased = {row.key: row for row in session.scalars(select(ErasureRow).where(ErasureRow.run == run))}
    notices: dict[str, dict[str, str]] = {}
    for notice in session.scalars(select(CandidateNoticeRow).where(CandidateNoticeRow.run == run)):
        notices.setdefault(notice.key, {})[notice.kind] = notice.text
    query = select(CandidateRow).where(CandidateRow.run == run, *only).order_by(CandidateRow.position)
    return tuple(
        _file(row, decisions.get(row.key), erased.get(row.key), notices.get(row.key, {}))
        for row in session.scalars(query)
    )


def _file(
    row: CandidateRow, decision: DecisionRow | None, erased: ErasureRow | None, notices: dict[str, str]
) -> CandidateFile:
    return CandidateFile(
        run=row.run,
        key=row.key,
        title=row.title,
        status=row.status,
        application=row.application,
        docket=row.docket,
        rubric=row.rubric,
        evaluation=row.evaluation,
        state=CandidateState.model_validate_json(row.state) if row.state else None,
        decision=HiringDecision.model_validate_json(decision.body) if decision else None,
        decision_digest=decision.digest if decision else "",
        notices=notices,
        keep_until=row.keep_until,
        hold=row.hold,
        erased_at=row.erased_at,
        erased_by=erased.by if erased else "",
    )
