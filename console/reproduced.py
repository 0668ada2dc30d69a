"""Reproducibility: two runs over the same vacancy, and everything in which they differ."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from activities.hiring_records import CandidateFile
from workflows.models.evaluation import Compared, Evaluation


class Moved(BaseModel):
    """What moved between two evaluations of one candidate."""

    model_config = ConfigDict(frozen=True)

    key: str
    same_input: bool
    totals: tuple[int | None, int | None]
    standings: tuple[str, str]
    scores: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def moved(self) -> bool:
        """Tell whether anything did."""
        return bool(self.scores or self.flags or self.evidence) or self.totals[0] != self.totals[1]


class Reproduced(BaseModel):
    """Two runs side by side. `missing` are candidates that one of them has no evaluation of."""

    model_config = ConfigDict(frozen=True)

    first: str
    second: str
    same_rubric: bool
    candidates: tuple[Moved, ...]
    missing: tuple[str, ...] = ()

    @property
    def unmoved(self) -> int:
        """How many came to the very same."""
        return sum(not each.moved for each in self.candidates)

    @property
    def widest(self) -> int:
        """The largest difference between two totals."""
        both = [each.totals for each in self.candidates]
        return max((abs(one - two) for one, two in both if one is not None and two is not None), default=0)


def reproduced(first: Sequence[CandidateFile], second: Sequence[CandidateFile]) -> Reproduced:
    """Compare two runs candidate by candidate."""
    ours, theirs = ({each.key: each for each in files} for files in (first, second))
    both = [key for key in ours if key in theirs]
    pairs = [(ours[key], theirs[key]) for key in both]
    found = [_moved(one, two) for one, two in pairs if one.state and two.state]
    told = {each.key for each in found if each}
    return Reproduced(
        first=first[0].run,
        second=second[0].run,
        same_rubric=all(one.rubric == two.rubric for one, two in pairs),
        candidates=tuple(each for each in found if each),
        missing=tuple(key for key in {**ours, **theirs} if key not in told),
    )


def _moved(one: CandidateFile, two: CandidateFile) -> Moved | None:
    first = one.state.evaluation if one.state else None
    second = two.state.evaluation if two.state else None
    if first is None or second is None:
        return None
    return Moved(
        key=one.key,
        same_input=one.application == two.application and one.rubric == two.rubric,
        totals=(first.total, second.total),
        standings=(first.standing, second.standing),
        scores=tuple(_scores(first, second)),
        evidence=tuple(_evidence(first, second)),
        flags=tuple(_flags(first, second)),
    )


def _pairs(first: Evaluation, second: Evaluation) -> Iterable[tuple[Compared, Compared]]:
    theirs = {each.requirement: each for each in second.compared}
    return [(each, theirs[each.requirement]) for each in first.compared if each.requirement in theirs]


def _scores(first: Evaluation, second: Evaluation) -> Iterable[str]:
    for one, two in _pairs(first, second):
        for sight in ("original", "redacted"):
            before, after = getattr(one, sight).score, getattr(two, sight).score
            if before != after:
                yield f"{one.requirement} ({sight}): {_level(before)} → {_level(after)}"


def _evidence(first: Evaluation, second: Evaluation) -> Iterable[str]:
    for one, two in _pairs(first, second):
        before, after = (set(_cited(compared)) for compared in (one, two))
        if before != after:
            yield f"{one.requirement}: {len(before - after)} passages gone, {len(after - before)} new"


def _flags(first: Evaluation, second: Evaluation) -> Iterable[str]:
    before, after = ({f"{flag.kind} {flag.requirement}".strip() for flag in each.flags} for each in (first, second))
    yield from (f"gone: {each}" for each in sorted(before - after))
    yield from (f"new: {each}" for each in sorted(after - before))


def _cited(compared: Compared) -> Iterable[tuple[int, int, str]]:
    finding = compared.original.finding  # document ids differ from run to run; places and words do not
    return [(each.start, each.end, each.quote) for each in finding.evidence] if finding else []


def _level(score: int | None) -> str:
    return "no score" if score is None else f"level {score}"
