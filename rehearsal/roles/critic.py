"""The critic: looks at the image, reads the facts, and scores five criteria with reasons before numbers."""

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from rehearsal.player import Performance, Request
from rehearsal.roles.dialogue import answer, draw
from rehearsal.roles.rig import numbers
from rehearsal.roles.sheet import Artefact, Fact, Facts, Sheet

JUDGED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "rules": ("size", "aspect", "format", "bytes", "duplicate", "provenance"),
    "colour": ("garment_colour",),
    "framing": ("frame_fill", "centring"),
    "light": ("background_white", "background_uniform", "exposure", "clipping"),
    "finish": ("sharpness", "noise"),
}
LOWEST_PASS: Final = 85
HIGHEST_PASS: Final = 97
SAME_SHAPE: Final = 0.01
"""How much the shown image's aspect ratio may differ from the measured one: models are shown reduced images."""


@dataclass(frozen=True)
class Criterion:
    """One criterion; the order of the fields is the order of thought."""

    name: str
    evidence: str
    reasoning: str
    score: int


class Critic:
    """Scores in proportion to the misses. Any broken required rule leaves the total below 80: the gate agrees."""

    def reply(self, request: Request) -> Performance:
        """Answer with a verdict."""
        sheet = Sheet(request.task)
        artefact, facts = sheet.read("Artefact", Artefact), sheet.read("Facts", Facts)
        complaint = _complaint(request, facts)
        criteria = [_criterion(name, facts, artefact.asset, complaint) for name in JUDGED_BY]
        problems = [_problem(fact) for fact in facts.missed] + ([complaint] if complaint else [])
        score = mean([each.score for each in criteria])
        return answer(
            asset=artefact.asset, criteria=[vars(each) for each in criteria], problems=problems[:20], score=score
        )


def mean(scores: Sequence[int]) -> int:
    """The mean, rounded half up, in whole numbers only."""
    return (2 * sum(scores) + len(scores)) // (2 * len(scores))


def severity(fact: Fact) -> float:
    """How bad a miss is, from 0 to 1: the whole of it at a quarter of the limit that was missed."""
    limits = [each for each in numbers(fact.wanted) if each > 0]
    measured = fact.measured if isinstance(fact.measured, float) else next(iter(numbers(fact.measured)), 0.0)
    if not limits or fact.miss <= 0:
        return 0.5
    nearest = min(limits, key=lambda limit: abs(limit - measured))
    return min(1.0, fact.miss / (nearest * 0.25))


def _criterion(name: str, facts: Facts, asset: str, complaint: str) -> Criterion:
    own = [fact for fact in facts.facts if _judge(fact) == name]
    missed = list(facts.missed) if name == "rules" else [fact for fact in own if fact.required and not fact.passed]
    evidence = "; ".join(_quote(fact) for fact in (missed or own)) or "no fact of this kind was measured"
    if complaint:
        return Criterion(name, complaint[:400], "What was not seen is not praised.", 30)
    if missed:
        return Criterion(name, evidence[:400], _blame(missed), _low(name, missed))
    slips = sum(not fact.passed for fact in own)
    if facts.missed:
        return Criterion(name, evidence[:400], "Within its own limits, in a take that breaks a rule.", LOWEST_PASS)
    ease = draw(f"{asset}/{name}", "critic", HIGHEST_PASS - LOWEST_PASS + 1)
    score = max(LOWEST_PASS, LOWEST_PASS + ease - 4 * slips)
    reasoning = "All required limits are met" + (f"; {slips} advised one is not." if slips else ".")
    return Criterion(name, evidence[:400], reasoning, score)


def _low(name: str, missed: Sequence[Fact]) -> int:
    worst = max(severity(fact) for fact in missed)
    best, span = (45, 30) if name == "rules" else (70, 50)
    return max(5, round(best - span * worst) - 5 * (len(missed) - 1))


def _judge(fact: Fact) -> str:
    return next((name for name, rules in JUDGED_BY.items() if fact.rule in rules), "rules")


def _quote(fact: Fact) -> str:
    return f"{fact.rule} measured {_plain(fact.measured)}, wanted {fact.wanted}".strip()


def _problem(fact: Fact) -> str:
    return f"{_quote(fact)}: misses by {_plain(fact.miss)} {fact.unit}".strip()


def _blame(missed: Sequence[Fact]) -> str:
    misses = ", ".join(f"{fact.rule} by {_plain(fact.miss)} {fact.unit}".strip() for fact in missed)
    return f"Required and missed: {misses}."[:600]


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _complaint(request: Request, facts: Facts) -> str:
    """Say why the image cannot be judged; empty when it can."""
    shown = _shown(request)
    if shown is None:
        return "image: none was shown, or it does not decode"
    size = next((fact for fact in facts.facts if fact.rule == "size"), None)
    measured = numbers(str(size.measured))[:2] if size else []  # two sides, or no size at all
    if len(measured) == 2 and all(measured) and abs(shown[0] / shown[1] * measured[1] / measured[0] - 1) > SAME_SHAPE:  # noqa: PLR2004
        return f"image: shown at {shown[0]}x{shown[1]}, but the facts are of {measured[0]:.0f}x{measured[1]:.0f}"
    return ""


def _shown(request: Request) -> tuple[int, int] | None:
    blocks: list[Mapping[str, Any]] = [block for message in request.messages for block in message.of("image")]
    try:
        data = base64.b64decode(blocks[-1]["source"]["data"])
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image.size
    except (IndexError, KeyError, TypeError, binascii.Error, UnidentifiedImageError, OSError):
        return None
