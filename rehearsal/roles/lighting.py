"""How the generator sets the studio up: the venue's advice, the direction's orders, and habits on a first take."""

import re
from collections.abc import Mapping
from typing import Final

from rehearsal.roles.dialogue import draw
from rehearsal.roles.rig import Value, kept, number, spoken
from rehearsal.roles.sheet import Shot

CAREFUL: Final[Mapping[str, Value]] = {
    "camera_distance": 2.0,
    "key_light": 1.0,
    "fill_light": 0.5,
    "background_light": 1.35,
    "kelvin": 5500,
    "iso": 100,
    "exposure": 0.0,
    "focus": 1.0,
    "shadow": 0.2,
}
WHERE_ADVISED: Final = ("advised", "settings", "output", "safe_output")

HABITS: Final[tuple[Mapping[str, float], ...]] = (
    {},
    {},
    {},
    {},
    {"camera_distance": 1.35},
    {"background_light": 0.7},
    {"camera_distance": 1.25, "iso": 32},
    {"background_light": 0.75, "kelvin": 0.9},
)
"""By what a photographer multiplies the advice at first, by temperament: half of them take it as it is."""

MOODS: Final[Mapping[str, Mapping[str, Value]]] = {
    "warm": {"kelvin": 4600},
    "cool": {"kelvin": 6600},
    "soft": {"fill_light": 0.9, "shadow": 0.1},
    "moody": {"key_light": 0.7},
    "airy": {"background_light": 1.5},
}


def set_up(shot: Shot, direction: str, rules: Mapping[str, object]) -> dict[str, Value]:
    """Choose settings. A direction with `set` lines is followed to the letter, any other as temperament has it."""
    base = {**CAREFUL, **advised(rules)}
    orders = spoken(direction)
    return {**base, **orders} if orders else kept({**base, **_habit(shot, direction, base)})


def advised(rules: Mapping[str, object]) -> dict[str, Value]:
    """The settings that a venue's profile advises, wherever in the profile they stand."""
    for name in WHERE_ADVISED:
        found = rules.get(name)
        if isinstance(found, Mapping):
            return kept(found)
    inner = rules.get("rules")
    return advised(inner) if isinstance(inner, Mapping) else {}


def _habit(shot: Shot, direction: str, base: Mapping[str, Value]) -> dict[str, Value]:
    habit = HABITS[draw(shot.key, "manner", len(HABITS))]
    if not habit:  # the careful half lets the venue's advice stand above the mood
        return {}
    wished: dict[str, Value] = {}
    for mood, change in MOODS.items():
        if re.search(rf"\b{mood}\w*\b", direction.lower()):
            wished |= change
    return {**wished, **{name: number({**base, **wished}, name, 1.0) * factor for name, factor in habit.items()}}
