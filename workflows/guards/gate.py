"""The gate: what may be published, decided by code over measured facts and a verdict for that very artefact."""

from workflows.models import FactSheet, Verdict, asset_id

CRITERIA = ("rules", "colour", "framing", "light", "finish")


def objections(digest: str, facts: FactSheet | None, verdict: Verdict | None, threshold: int) -> tuple[str, ...]:
    """Say everything that keeps this artefact from being published; nothing means that it may be."""
    if facts is None or facts.digest != digest:
        return ("it was not measured",)
    if verdict is None or verdict.asset != asset_id(digest):
        return ("it was not judged",)
    found = [f"{fact.rule}: {fact.measured} where {fact.wanted} is required" for fact in facts.missed]
    if not facts.facts:
        found.append("nothing was measured")
    if total(verdict) < threshold:
        found.append(f"score {total(verdict)} is below {threshold}")
    return tuple(found)


def total(verdict: Verdict) -> int:
    """Recompute the score from the criteria: their mean, rounded half up."""
    scores = [criterion.score for criterion in verdict.criteria]
    return (2 * sum(scores) + len(scores)) // (2 * len(scores))


def contradiction(verdict: Verdict, facts: FactSheet, threshold: int) -> str | None:
    """Say where a verdict contradicts its own reasons, or what it was shown."""
    if verdict.asset != asset_id(facts.digest):
        return f"asset: judge {asset_id(facts.digest)}, not {verdict.asset}"
    names = [criterion.name for criterion in verdict.criteria]
    if sorted(names) != sorted(CRITERIA):
        return f"criteria: give each of {', '.join(CRITERIA)} exactly once, not {', '.join(names)}"
    if verdict.score != total(verdict):
        return f"score: the mean of your criteria is {total(verdict)}, not {verdict.score}"
    rules = next(criterion for criterion in verdict.criteria if criterion.name == "rules")
    if facts.missed and rules.score >= threshold:
        missed = ", ".join(fact.rule for fact in facts.missed)
        return f"criteria.rules: a score of {rules.score} contradicts the facts, which miss {missed}"
    return None
