"""Candidates' files as they are read from the records, made by hand."""

from datetime import UTC, datetime, timedelta

from activities.hiring_records import CandidateFile
from workflows.guards.consistency import verdict_of
from workflows.models.evaluation import Compared, Evaluation, Evidence, Finding, Flag, Look, Summary
from workflows.models.hiring import CandidateState, HiringDecision
from workflows.models.rubrics import Requirement, Role

REQUIREMENT = {
    "id": "baking",
    "title": "Baking",
    "asks": "Bakes.",
    "anchors": ["none", "little", "some", "much", "teaches"],
    "must_have": True,
}
ROLE = Role.model_validate(
    {
        "id": "baker",
        "version": "1",
        "title": "Baker",
        "summary": "Bakes.",
        "requirements": [REQUIREMENT],
        "threshold": 50,
    }
)
ASKED = datetime(2026, 11, 26, 9, tzinfo=UTC)


def evaluation(score, *, quote="Baked rye bread", document="doc_1", flag="", redacted=None) -> Evaluation:
    verdict = verdict_of(score, Requirement.model_validate(REQUIREMENT))
    evidence = (Evidence(document=document, quote=quote, start=0, end=len(quote)),) if score is not None else ()
    found = Finding(evidence=evidence, reasoning="As cited.", score=score, verdict=verdict)
    other = found.model_copy(update={"score": score if redacted is None else redacted})
    looks = {sight: Look(requirement="baking", sight=sight, finding=each) for sight, each in
             (("original", found), ("redacted", other))}  # fmt: skip
    flags = (Flag(kind=flag, requirement="baking", text=f"{flag} of something"),) if flag else ()
    total = None if score is None else score * 25
    standing = "open" if flag or score is None else "meets" if total >= 50 else "below"
    return Evaluation(
        role="Baker",
        version="1",
        rubric=ROLE.digest,
        documents=(),
        compared=(Compared(requirement="baking", flags=flags, **looks),),
        flags=flags,
        total=total,
        standing=standing,
        summary=Summary(strengths=("bakes",), gaps=(), summary="Bakes <b>well</b>.", total=total, standing=standing),
        redactor="2026.1",
        replaced={"name": 2},
    )


def decision(found, *, key="ada", outcome="advance", stance="approved", by="Ines", seconds=600) -> HiringDecision:
    return HiringDecision(
        run="r1",
        key=key,
        question=f"q-{key}",
        outcome=outcome,
        stance=stance,
        by=by,
        justification="Bread speaks.",
        asked_at=ASKED,
        decided_at=ASKED + timedelta(seconds=seconds),
        digest=found.digest if found else "sha256:0",
        shown=("sha256:0",),
        total=found.total if found else None,
        standing=found.standing if found else "open",
    )


def file(run, found, *, key="ada", application="sha256:1", decided=None) -> CandidateFile:
    state = CandidateState(key=key, title=f"{key} · Baker", status="decided", evaluation=found) if found else None
    return CandidateFile(
        run=run,
        key=key,
        title=f"{key} · Baker",
        status="decided",
        application=application,
        docket="sha256:3",
        rubric=ROLE.digest,
        evaluation=found.digest if found else "",
        state=state,
        decision=decided,
        notices={"use": "A program reads."},
        erased_at=None if found else ASKED,
        erased_by="" if found else "Vera",
    )
