"""Consistency: a score follows from its reasons, a total from the scores, and what is said from what is known.

Pure functions over what evaluators hand in. Whatever they object to is returned once, then a person is shown it.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from workflows.models.evaluation import UNSCORED, Compared, Finding, Finds, Flag, Guide, Look, Standing, Summary
from workflows.models.rubrics import TOP, Requirement, Role

_AGAINST = re.compile(
    r"\b(?:(?:does|do|did|is|are) not|doesn't|don't|fails? to|fall(?:s|ing)? short of|short of) (?:\w+ ){0,3}?"
    r"(?:meet|met|satisfy|satisfied|reach|requirement|shown|evidenced)\b|\bno evidence (?:was|is|of|for|that)\b"
    r"|\bnot (?:met|shown|evidenced)\b|\bnothing (?:shows|supports|in the documents)\b",
    re.IGNORECASE,
)
_FOR = re.compile(
    r"\b(?:clearly|fully|comfortably|easily|more than) (?:meets?|met|satisf\w+|exceeds?)\b|\bexceeds? (?:the|what)\b"
    r"|\bis (?:clearly |fully )?met\b",
    re.IGNORECASE,
)
CITE_FIRST = "Call cite with the exact words, and copy what it returns; when it refuses, leave it out."
_LEVEL = re.compile(r"\b(?:level|score|anchor)(?: of| is|:)? ([0-4])\b", re.IGNORECASE)


def uncited(finding: Finding, cited: Collection[str]) -> tuple[str, ...]:
    """Give the quotes that `cite` never confirmed in this conversation, by the digests that it did."""
    return tuple(each.quote for each in finding.evidence if each.digest not in cited)


def objection(finding: Finding, requirement: Requirement, cited: Collection[str]) -> str | None:
    """Say what keeps a finding from being accepted: evidence that is none first, then contradictions."""
    for number, each in enumerate(finding.evidence):
        if each.digest not in cited:
            where = f"{each.quote[:120]!r} at {each.start} to {each.end} of {each.document}"
            return f"evidence[{number}].quote: {where} was not confirmed. {CITE_FIRST}"
    return contradiction(finding, requirement)


def contradiction(finding: Finding, requirement: Requirement) -> str | None:
    """Say where a finding contradicts itself: evidence, reasoning, score and verdict have to say the same."""
    return _of_shape(finding, requirement) or _of_words(finding)


def verdict_of(score: int | None, requirement: Requirement) -> Finds:
    """Say which verdict follows from a score."""
    if score is None:
        return "no_evidence"
    return "met" if score >= requirement.meets_at else "partly_met" if score else "not_met"


def _of_shape(finding: Finding, requirement: Requirement) -> str | None:
    verdict, score, cited = finding.verdict, finding.score, len(finding.evidence)
    wanted = verdict_of(score, requirement)
    unscored = verdict in UNSCORED
    contradictions = (
        (unscored and score is not None, f"verdict: {verdict} has no score, but yours is {score}; leave it null"),
        (not unscored and score is None, f"score: {verdict} needs one"),
        (verdict == "no_evidence" and cited, f"verdict: no_evidence contradicts the {cited} passages that you cite"),
        (not unscored and not cited, f"score: {score} without evidence; a score follows from passages"),
        (
            not unscored and verdict != wanted,
            f"verdict: {wanted} follows from a score of {score} where {requirement.meets_at} meets it, not {verdict}",
        ),
    )
    return next((said for contradicts, said in contradictions if contradicts), None)


def _of_words(finding: Finding) -> str | None:
    """Look for plain statements only: a guard that guesses at prose would send good findings back."""
    said = finding.reasoning
    stated = {int(level) for level in _LEVEL.findall(said)}
    if len(stated) == 1 and finding.score not in stated:
        return f"score: your reasoning names level {stated.pop()}, your score is {finding.score}"
    against, favour = _AGAINST.search(said), _FOR.search(said)
    if finding.verdict == "met" and against and not favour:
        return f"verdict: met contradicts your reasoning, which says {against.group(0)!r}"
    if finding.verdict in ("not_met", "no_evidence") and favour and not against:
        return f"verdict: {finding.verdict} contradicts your reasoning, which says {favour.group(0)!r}"
    return None


def uncovered(guide: Guide, role: Role) -> str | None:
    """Say where a guide does not fit the rubric: every requirement exactly once, and nothing else."""
    wanted, given = [each.id for each in role.requirements], [hint.requirement for hint in guide.hints]
    problems = [f"missing: {name}" for name in wanted if name not in given]
    problems += [f"not asked for: {name[:60]}" for name in sorted(set(given) - set(wanted))]
    problems += [f"given twice: {name[:60]}" for name in sorted(set(given)) if given.count(name) > 1]
    return f"hints: {'; '.join(problems)}"[:2_000] if problems else None


def disagreement(first: Look, second: Look, threshold: int) -> str | None:
    """Say how two readings of one requirement differ: by so many levels, or in what they come to."""
    ours, theirs = first.finding, second.finding
    if ours is None or theirs is None or first.flags or second.flags:
        return None  # there is nothing to compare, and a flag says so already
    if ours.score is not None and theirs.score is not None and abs(ours.score - theirs.score) >= threshold:
        return f"level {ours.score} as it was, level {theirs.score} redacted"
    if ours.verdict != theirs.verdict:
        return f"{_said(ours)} as it was, {_said(theirs)} redacted"
    return None


def lacking(look: Look, requirement: Requirement) -> Flag | None:
    """Raise a flag where a requirement came to no score: an absence of evidence is for a person to weigh."""
    finding = look.finding
    if finding is None or finding.score is not None or look.flags:
        return None
    kind = "missing_must_have" if requirement.must_have else "no_evidence"
    what = finding.verdict.replace("_", " ")
    return Flag(kind=kind, requirement=requirement.id, text=f"{requirement.title}: {what}. {finding.reasoning}"[:2_000])


def total(role: Role, scores: Mapping[str, int | None]) -> int | None:
    """Weigh the scores to a total of 0 to 100, rounded half up; without a score for everything there is none."""
    levels = [(each.weight, scores.get(each.id)) for each in role.requirements]
    if any(score is None for _, score in levels):
        return None
    earned = sum(weight * (score or 0) for weight, score in levels)
    most = TOP * sum(weight for weight, _ in levels)
    return (200 * earned + most) // (2 * most)


def standing(role: Role, scores: Mapping[str, int | None], *, doubts: bool) -> Standing:
    """Say what the scores come to. Any doubt leaves it open, whatever the total."""
    whole = total(role, scores)
    if doubts or whole is None:
        return "open"
    short = [each for each in role.requirements if each.must_have and (scores.get(each.id) or 0) < each.meets_at]
    return "below" if short or whole < role.threshold else "meets"


def misstated(summary: Summary, known: int | None, comes_to: Standing) -> str | None:
    """Say where a summary contradicts what it sums up."""
    if summary.total != known:
        return f"total: it is {known}, not {summary.total}; it follows from scores and weights, and is not yours to set"
    if summary.standing != comes_to:
        return f"standing: it is {comes_to!r}, not {summary.standing!r}"
    if not summary.strengths and not summary.gaps:
        return "strengths and gaps: at least one of them says something"
    return None


def scores_of(compared: Sequence[Compared]) -> dict[str, int | None]:
    """Read the scores of the first reading; the second one detects, it does not overwrite."""
    return {each.requirement: each.original.score for each in compared}


def _said(finding: Finding) -> str:
    return finding.verdict.replace("_", " ") + (f" (level {finding.score})" if finding.score is not None else "")
