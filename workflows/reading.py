"""Who works on a candidate, and what they are shown. Documents are named, not quoted: evaluators fetch them as data."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workflows.agent import Agent
from workflows.models import preview
from workflows.models.evaluation import REPORTED, Compared, Document, Finding, Flag, Guide, Hint, Standing, Summary
from workflows.models.rubrics import TOP, Requirement, Role

SETS = re.compile(
    r"\bset\s+(?P<requirement>[a-z0-9][a-z0-9-]*)\s+to\s+(?P<score>[0-4])\b[:,]?\s*(?P<reason>[^\n]*)", re.IGNORECASE
)
"""How a person sets a score in a note: `set go-services to 3: ran them for two years`."""

QUOTED = 200
SHOWN_QUOTES = 3


@dataclass(frozen=True)
class Panel:
    """planner → one evaluator per requirement, twice → summariser."""

    planner: Agent[Guide]
    evaluator: Agent[Finding]
    summariser: Agent[Summary]

    def on(self, model: str) -> "Panel":
        """Use one model for every agent; empty keeps each agent's own."""
        if not model:
            return self
        return Panel(
            planner=replace(self.planner, model=model),
            evaluator=replace(self.evaluator, model=model),
            summariser=replace(self.summariser, model=model),
        )


def planner_task(role: Role) -> str:
    """Show the planner the rubric, and nobody who applied."""
    return section("Role", role.model_dump(mode="json"))


def evaluator_task(
    contract: str, requirement: Requirement, hint: Hint | None, documents: Sequence[Document], note: str
) -> str:
    """Show an evaluator one requirement, what to look for, and which documents there are."""
    anchors = {str(level): text for level, text in enumerate(requirement.anchors)}
    asked = requirement.model_dump(mode="json", exclude={"weight", "anchors"}) | {"anchors": anchors}
    listed = [each.model_dump(mode="json", exclude={"sight"}) for each in documents]
    parts = [f"## Contract\n{contract}\n", section("Requirement", asked)]
    parts += [section("Look for", hint.model_dump(mode="json"))] if hint else []
    parts += [section("Documents", listed)]
    parts += [f"## Note\n{note}\n"] if note else []
    return "\n".join(parts)


def summariser_task(
    contract: str,
    role: Role,
    compared: Iterable[Compared],
    flags: Iterable[Flag],
    total: int | None,
    standing: Standing,
) -> str:
    """Show the summariser what was found, and what it comes to."""
    found = [_found(role.requirement(each.requirement), each) for each in compared]
    told = [{"kind": flag.kind, "requirement": flag.requirement, "text": _told(flag)} for flag in flags]
    result = {"total": total, "threshold": role.threshold, "standing": standing}
    sections = (section("Findings", found), section("Flags", told), section("Result", result))
    return "\n".join((f"## Contract\n{contract}\n", *sections))


def section(heading: str, value: object) -> str:
    """Write a value under a heading."""
    return f"## {heading}\n```json\n{json.dumps(value, ensure_ascii=False)}\n```\n"


def settings_in(note: str) -> tuple[tuple[str, int, str], ...]:
    """Read the scores that a person sets in a note: requirement, score, reason."""
    found = [(each["requirement"].lower(), int(each["score"]), each["reason"].strip()) for each in SETS.finditer(note)]
    return tuple({name: (name, score, reason) for name, score, reason in found}.values())


def _told(flag: Flag) -> str:
    """Say what a flag is about; orders and hidden words are for people to read, and for no model."""
    return "shown to the person who decides" if flag.kind in REPORTED else preview(flag.text)


def _found(requirement: Requirement, compared: Compared) -> dict[str, object]:
    finding = compared.original.finding
    quotes = [each.quote[:QUOTED] for each in finding.evidence[:SHOWN_QUOTES]] if finding else []
    return {
        "requirement": requirement.id,
        "title": requirement.title,
        "weight": requirement.weight,
        "must_have": requirement.must_have,
        "of": TOP,
        "score": compared.original.score,
        "verdict": finding.verdict if finding else "no_answer",
        "quotes": quotes,
        "reasoning": preview(finding.reasoning, 400) if finding else "",
    }
