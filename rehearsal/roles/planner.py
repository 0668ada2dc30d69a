"""The planner: one direction per wanted venue and view, from the venue's rules and the brand's guidelines."""

import re
from collections.abc import Mapping
from typing import Final

from rehearsal.player import Performance, Request
from rehearsal.roles.dialogue import answer
from rehearsal.roles.sheet import Brief, Guidelines, Sheet

DIRECTION: Final = 600
PURE: Final = 255
VIEWS: Final = {
    "front": "Front view, the whole garment",
    "back": "Back view, the whole garment",
    "side": "Side view, the whole garment",
    "detail": "Close detail of neck and fabric",
}
MOODS: Final = ("warm", "cool", "soft", "moody", "airy")


class Planner:
    """Plans every wanted shot exactly once, and nothing else."""

    def reply(self, request: Request) -> Performance:
        """Answer with a plan."""
        brief = Sheet(request.task).read("Brief", Brief)
        rules = {venue.profile: venue.rules for venue in brief.venues}
        wanted = [(profile, view) for profile, _, view in (each.rpartition("/") for each in brief.wanted)]
        shots = [
            {"profile": profile, "view": view, "direction": _direction(view, rules.get(profile, {}), brief.guidelines)}
            for profile, view in dict.fromkeys(wanted)
        ]
        moods = _moods(brief.guidelines)
        tone = f"the brand's {' and '.join(moods)} look" if moods else "a neutral look"
        reasoning = f"{len(shots)} views are wanted; each direction puts {tone} next to the venue's own rules."
        return answer(reasoning=reasoning, shots=shots)


def _direction(view: str, rules: Mapping[str, object], guidelines: Guidelines) -> str:
    sentences = [f"{VIEWS.get(view, f'{view} view')}, centred and large in the frame."]
    sentences += _demands(rules)
    sentences += [f"Give it the {mood} look of {guidelines.brand or 'the brand'}." for mood in _moods(guidelines)]
    sentences += [f"Do: {line}." for line in guidelines.do] + [f"Avoid: {line}." for line in guidelines.dont]
    text = ""
    for sentence in sentences:  # whole sentences only, so that a cut never turns a wish into its opposite
        flat = " ".join(sentence.split()).replace("..", ".")
        if len(text) + len(flat) < DIRECTION:
            text = f"{text} {flat}".strip()
    return text


def _demands(rules: Mapping[str, object]) -> list[str]:
    """What the venue's rules ask of the picture, as far as a photographer would say it."""
    white, fill = rules.get("background_white"), rules.get("frame_fill")
    demands = []
    if isinstance(white, Mapping) and "at_least" in white:
        pure = white["at_least"] == PURE
        demands.append("Pure white background, 255 in every channel." if pure else "Near-white background.")
    elif "background_uniform" in rules:
        demands.append("Even background.")
    if isinstance(fill, Mapping) and {"at_least", "at_most"} <= set(fill):
        demands.append(f"The product takes {fill['at_least']} to {fill['at_most']} of the frame.")
    return demands


def _moods(guidelines: Guidelines) -> list[str]:
    wishes = " ".join(guidelines.do).lower()
    return [mood for mood in MOODS if re.search(rf"\b{mood}\w*\b", wishes)]
