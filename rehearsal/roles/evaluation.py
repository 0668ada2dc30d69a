"""The planner and the summariser of a candidate evaluation: they sort and count, and are no language model."""

import re
from typing import Final

from rehearsal.player import Performance, Request
from rehearsal.roles.dialogue import answer, draw
from rehearsal.roles.sheet import Read, Sheet

REFUSED: Final = "was not accepted"
SLIPS: Final = 5
"""One summariser in so many gets the total wrong at first, as models do, and corrects it when it is told."""
STRONG: Final = 3
DULL: Final = frozenset(
    {"about", "from", "have", "into", "more", "that", "their", "them", "they", "this", "what", "with"}
)


class Requirement(Read):
    """What is asked, as the rubric says it."""

    id: str
    title: str = ""
    asks: str = ""
    must_have: bool = False
    meets_at: int = 2
    indicators: tuple[str, ...] = ()


class Role(Read):
    """The role with its rubric."""

    title: str = ""
    requirements: tuple[Requirement, ...]


class Found(Read):
    """What was found for one requirement."""

    requirement: str
    title: str = ""
    score: int | None = None
    of: int = 4
    verdict: str = ""
    quotes: tuple[str, ...] = ()


class Flagged(Read):
    """Something in doubt."""

    kind: str
    requirement: str = ""
    text: str = ""


class Result(Read):
    """What it comes to."""

    total: int | None = None
    threshold: int = 0
    standing: str


class EvaluationPlanner:
    """Says what to look for: the rubric's own indicators, or the words that it asks with."""

    def reply(self, request: Request) -> Performance:
        """Answer with a guide."""
        role = Sheet(request.task).read("Role", Role)
        hints = [
            {
                "requirement": each.id,
                "look_for": list(each.indicators or _words(each.asks)),
                "beware": "A word in a list of skills shows less than a deed; a wish or a course shows no practice.",
            }
            for each in role.requirements
        ]
        reasoning = f"{len(hints)} requirements; each is looked for by the words that the rubric gives, in deeds."
        return answer(reasoning=reasoning, hints=hints)


class Summariser:
    """Sorts the findings by their scores and names the doubts."""

    def reply(self, request: Request) -> Performance:
        """Answer with a summary."""
        sheet = Sheet(request.task)
        found, flags = sheet.read_all("Findings", Found), sheet.read_all("Flags", Flagged)
        result = sheet.read("Result", Result)
        strengths = [_line(each) for each in found if (each.score or 0) >= STRONG][:8]
        gaps = [_line(each) for each in found if (each.score or 0) < STRONG][:8]
        total = result.total
        if total and draw(request.task, "total", SLIPS) == 0 and REFUSED not in _last(request):
            total = min(total + 1, 100)
        return answer(
            strengths=strengths,
            gaps=gaps,
            summary=_summary(found, flags, result)[:1_200],
            total=total,
            standing=result.standing,
        )


def _summary(found: tuple[Found, ...], flags: tuple[Flagged, ...], result: Result) -> str:
    scored = [each for each in found if each.score is not None]
    parts = [f"{len(scored)} of {len(found)} requirements have a score."]
    if result.total is not None:
        parts.append(f"The total is {result.total} of 100, where {result.threshold} meets the role.")
    kinds = sorted({flag.kind.replace("_", " ") for flag in flags})
    parts.append(f"In doubt or to be looked at: {', '.join(kinds)}." if kinds else "Nothing is in doubt.")
    best = max(scored, key=lambda each: each.score or 0, default=None)
    if best is not None and best.quotes:
        parts.append(f"The documents say most about {best.title.lower()}: “{best.quotes[0]}”")
    return " ".join(parts)


def _line(found: Found) -> str:
    level = "no score" if found.score is None else f"level {found.score} of {found.of}"
    return f"{found.title}: {level}, {found.verdict.replace('_', ' ')}"[:400]


def _last(request: Request) -> str:
    users = [message for message in request.messages if message.role == "user"]
    return users[-1].text if users else ""


def _words(asks: str) -> list[str]:
    words = [word for word in re.findall(r"[A-Za-z][\w+#-]{3,}", asks) if word.lower() not in DULL]
    return list(dict.fromkeys(words))[:12] or [asks[:60]]
