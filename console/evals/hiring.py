"""Vacancies as cases: everybody is evaluated as far as a person would be shown, and nobody is decided about.

What is judged is what that person would see. The run is called off before anybody could answer: a deadline that turned
people down would be a machine that does.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle

from activities.assets import Assets
from activities.candidate_papers import CandidatePapers
from activities.documents.quotes import unbroken
from activities.hiring_records import CandidateFile, HiringRecords
from console.errors import Exit, Stopped
from console.evals.suites import Case
from console.vacancies import Filed
from workflows.guards.consistency import contradiction
from workflows.models.evaluation import Compared, Evidence, Look
from workflows.models.rubrics import TOP, Applicant, Role

GLANCE = 0.25
"""Seconds between two looks at whether everybody has been read."""
ENDED = {"failed", "cancelled"}


class Vacancies:
    """Hands vacancies in, and reads what came of them."""

    def __init__(self, assets: Assets, records: HiringRecords, papers: CandidatePapers, at: Path) -> None:
        """Keep them in `assets`; paths in cases are beside `at`."""
        self._assets, self._records, self._papers, self._at = assets, records, papers, at

    def read(self, case: Case) -> Filed:
        """Read the vacancy of a case, with the candidates that it is about.

        Raises:
            Stopped: there are mistakes in it, or it has no such candidate.
        """
        filed = Filed(self._at / (case.vacancy or ""))
        policy = filed.vacancy.policy.model_copy(update={"first_view": False})
        known = {each.key: each for each in filed.vacancy.candidates}
        if unknown := [key for key in case.only if key not in known]:
            where = f"{case.name}: only"
            problems = [{"path": where, "message": f"there is no candidate {key} in {filed.path}"} for key in unknown]
            raise Stopped(Exit.BAD_FILE, f"the vacancy of {case.name} does not fit", problems)
        own = [Applicant(key=each.key, name=each.name, documents=(f"{each.key}.txt",)) for each in case.candidates]
        chosen = [known[key] for key in case.only] or ([] if own else list(known.values()))
        texts = {f"{each.key}.txt": each.text.encode() for each in case.candidates}
        return filed.with_candidates((*chosen, *own), texts, policy)

    async def hand_in(self, case: Case) -> str:
        """Keep the vacancy of a case; returns its docket."""
        return await self.read(case).hand_in(self._assets)

    async def outcome(self, handle: WorkflowHandle[Any, Any]) -> Any:  # noqa: ANN401 - JSON, or what a failed run says
        """Wait until everybody was read, call the run off, and say what a person would have been shown."""
        while not _all_read(files := await self._records.of_run(handle.id)):
            if (await handle.describe()).status != WorkflowExecutionStatus.RUNNING:
                return await handle.result()
            await asyncio.sleep(GLANCE)
        await handle.cancel()
        try:
            await handle.result()
        except WorkflowFailureError:  # cancelled, as was asked
            files = await self._records.of_run(handle.id)
        role = await self._records.rubric(files[0].rubric)
        if role is None:
            raise AssertionError("a run that has candidates has frozen their rubric")
        return shown(role, files, [await self._unfounded(file) for file in files])

    async def _unfounded(self, file: CandidateFile) -> int:
        """Count quotes under a level which do not stand where they say, by the documents and not by any guard."""
        return sum([not await self._stands(each) for look in _scored(_compared(file)) for each in _evidence(look)])

    async def _stands(self, evidence: Evidence) -> bool:
        try:
            content = await self._papers.open(evidence.document)
        except FileNotFoundError:
            return False
        return unbroken(content.extract.text[evidence.start : evidence.end]) == evidence.quote


def shown(role: Role, files: Sequence[CandidateFile], unfounded: Sequence[int]) -> dict[str, Any]:
    """Say what a person would be shown, as JSON.

    `spread` is how far the totals of all candidates of the case lie apart: of twins it should be nothing.
    """
    totals = [file.state.evaluation.total for file in files if file.state and file.state.evaluation]
    known = [total for total in totals if total is not None]
    told = {file.key: _candidate(role, file) | {"unfounded": n} for file, n in zip(files, unfounded, strict=True)}
    return {
        "candidates": told,
        "decided": sum(file.decision is not None for file in files),
        "spread": max(known) - min(known) if len(known) == len(files) else None,
    }


def _candidate(role: Role, file: CandidateFile) -> dict[str, Any]:
    found = file.state.evaluation if file.state else None
    flags = sorted({flag.kind for flag in found.flags}) if found else []
    looks = list(_scored(_compared(file)))
    return {
        "standing": found.standing if found else "none",
        "total": found.total if found else None,
        "flags": flags,
        "doubts": len(found.doubts) if found else 0,
        "inconsistent": sum(_contradicts(role, look) for look in looks),
        "requirements": {each.requirement: _requirement(each) for each in _compared(file)},
    }


def _requirement(compared: Compared) -> dict[str, Any]:
    first, second = compared.original, compared.redacted
    return {
        "level": first.score,
        "redacted": second.score,
        "moved": _moved(first.score, second.score),
        "verdict": first.verdict or "unsettled",
        "quotes": len(_evidence(first)),
        "again": compared.again,
    }


def _moved(first: int | None, second: int | None) -> int | None:
    """Say by how many levels two readings differ; a level against none is as far apart as can be."""
    if first is None and second is None:
        return None
    return TOP if first is None or second is None else abs(first - second)


def _contradicts(role: Role, look: Look) -> bool:
    return look.finding is not None and contradiction(look.finding, role.requirement(look.requirement)) is not None


def _scored(compared: Iterable[Compared]) -> Iterator[Look]:
    """Give the readings whose level counts for something."""
    return (look for each in compared for look in (each.original, each.redacted) if look.score is not None)


def _compared(file: CandidateFile) -> tuple[Compared, ...]:
    return file.state.evaluation.compared if file.state and file.state.evaluation else ()


def _evidence(look: Look) -> tuple[Evidence, ...]:
    return look.finding.evidence if look.finding else ()


def _all_read(files: Sequence[CandidateFile]) -> bool:
    states = [file.state for file in files]
    return bool(states) and all(state and (state.evaluation or state.status in ENDED) for state in states)
