"""The refiner: turns measured misses into changed settings, and says why."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from rehearsal.player import Performance, Request
from rehearsal.roles.dialogue import Dialogue, act, answer
from rehearsal.roles.rig import Settings, Value, intent, kept, number, numbers, spoken, written
from rehearsal.roles.sheet import Artefact, Fact, Facts, Sheet, Shot, Verdict

INTENT: Final = 500
MARGIN: Final = 0.02
"""How far inside a one-sided limit of the frame share is aimed."""

PURE: Final = 255
GREY: Final = 210
"""How dark a sweep may be where the venue has no rule for its white."""
HEADROOM: Final = 10
SWEEP: Final = 235
"""The level of a sweep at background light 1.0."""
SWEEP_WHITE: Final = 1.3
"""The background light from which a white sweep is pure white."""
GAMMA: Final = 2.2

FLOOR: Final = re.compile(r"(longest side|width|height) at least (\d+)")
CEILING: Final = re.compile(r"longest side at most (\d+)")

Change = Callable[[Fact, Settings], Settings]


class Refiner:
    """Changes only what a missed rule gives a reason to change; everything else stays as it was rendered."""

    def reply(self, request: Request) -> Performance:
        """Look at the settings of the take, then direct the next one."""
        sheet, dialogue = Sheet(request.task), Dialogue(request)
        sheet.read("Shot", Shot)
        asset, facts = sheet.read("Artefact", Artefact).asset, sheet.read("Facts", Facts)
        look = None if dialogue.of("describe_asset") else dialogue.call("describe_asset", asset=asset)
        if look is not None:
            return act("I look at the settings this take was rendered with.", look)
        direction = sheet.text("Direction")
        used = {**spoken(direction), **_described(dialogue)}
        changes = changed(facts, used)
        moves = [f"{name} from {used.get(name, 'the default')} to {value}" for name, value in changes.items()]
        problems = sheet.read("Verdict", Verdict).problems
        reasons = "; ".join(_reason(fact) for fact in facts.missed) or "; ".join(problems) or "no rule is missed"
        reasoning = f"Missed: {reasons}. So I change {', '.join(moves) or 'nothing'}."
        words = intent(direction)[:INTENT] or "As planned."
        return answer(reasoning=reasoning[:2_000], direction=f"{words}\n{written({**used, **changes})}".strip())


def changed(facts: Facts, used: Settings) -> dict[str, Value]:
    """The settings that answer the missed facts; a later rule sees what earlier ones have changed."""
    changes: dict[str, Value] = {}
    by_rule = {fact.rule: fact for fact in facts.missed}
    for rule, change in CHANGES.items():
        if rule in by_rule:
            changes |= kept(change(by_rule[rule], {**used, **changes}))
    if "clipping" in by_rule:
        changes |= kept(_less_spill(facts, {**used, **changes}))
    return {name: value for name, value in changes.items() if value != used.get(name)}


def _size(fact: Fact, used: Settings) -> Settings:
    width, height = number(used, "width", 1500), number(used, "height", 2000)
    sides = {"longest side": max(width, height), "width": width, "height": height}
    short = [float(floor) / sides[side] for side, floor in FLOOR.findall(fact.wanted)] or [2000 / max(width, height)]
    ceilings = CEILING.findall(fact.wanted)
    scale = max(short) * 1.02
    if max(short) <= 1 and ceilings:
        scale = float(ceilings[0]) / max(width, height) * 0.98
    return {"width": width * scale, "height": height * scale}


def _aspect(fact: Fact, used: Settings) -> Settings:
    width, height = number(used, "width", 1500), number(used, "height", 2000)
    ratio = next(iter(numbers(fact.wanted)), 0.0) or 1.0
    if width / height > ratio:  # the short side grows, so that no size that was met is lost
        return {"height": width / ratio}
    return {"width": height * ratio}


def _format(fact: Fact, _used: Settings) -> Settings:
    return {"format": "jpeg" if "jpeg" in fact.wanted or "png" not in fact.wanted else "png"}


def _frame_fill(fact: Fact, used: Settings) -> Settings:
    limits = [limit / 100 if limit > 1 else limit for limit in numbers(fact.wanted)] or [0.85]
    measured = float(fact.measured) if isinstance(fact.measured, float) else next(iter(numbers(fact.measured)), 0.0)
    share = measured / 100 if measured > 1 else measured
    one_sided = limits[0] + (MARGIN if share < limits[0] else -MARGIN)
    aim = (limits[0] + limits[1]) / 2 if len(limits) > 1 else one_sided
    return {"camera_distance": number(used, "camera_distance", 2.4) * max(share, 0.1) / max(aim, 0.1)}


def _white(_fact: Fact, used: Settings) -> Settings:
    brighter = max(SWEEP_WHITE, number(used, "background_light", 1.0) * 1.08)
    return {
        "background_light": brighter,
        "kelvin": 5500,
        "shadow": number(used, "shadow", 0.3) * 0.4,
        "backdrop": "#ffffff",
    }


def _uniform(_fact: Fact, used: Settings) -> Settings:
    light = number(used, "background_light", 1.0)
    return {"shadow": number(used, "shadow", 0.3) * 0.4, "background_light": max(light, min(light * 1.1, 1.35))}


def _clipping(_fact: Fact, used: Settings) -> Settings:
    lights = {name: number(used, name, default) * 0.85 for name, default in (("key_light", 1.0), ("fill_light", 0.5))}
    return {**lights, "exposure": min(0.0, number(used, "exposure", 0.0))}


def _less_spill(facts: Facts, used: Settings) -> Settings:
    """Dim the sweep, whose light spills on the garment, as far as the venue's white allows; a missed white does not."""
    white = next((fact for fact in facts.facts if fact.rule == "background_white"), None)
    if white is not None and not white.passed:
        return {}
    level = next(iter(numbers(white.wanted)), PURE) if white else GREY
    aim = SWEEP_WHITE if level >= PURE else ((level + HEADROOM) / SWEEP) ** GAMMA
    light = number(used, "background_light", 1.0)
    return {"background_light": max(aim, light * 0.85)} if aim < light else {}


def _exposure(fact: Fact, used: Settings) -> Settings:
    shift, brighter = number(used, "exposure", 0.0), "below" in str(fact.measured)
    if (shift < 0) == brighter and shift:
        return {"exposure": 0.0}
    step = 1.25 if brighter else 0.8
    return {name: number(used, name, default) * step for name, default in (("key_light", 1.0), ("fill_light", 0.5))}


def _colour(_fact: Fact, used: Settings) -> Settings:
    neutral = {"kelvin": 5500, "exposure": 0.0}
    if all(used.get(name, value) == value for name, value in neutral.items()):
        return {"key_light": 1.0, "fill_light": 0.5}
    return neutral


CHANGES: Final[Mapping[str, Change]] = {
    "size": _size,
    "aspect": _aspect,
    "format": _format,
    "bytes": lambda _fact, used: {"quality": number(used, "quality", 90) - 8},
    "frame_fill": _frame_fill,
    "centring": lambda _fact, _used: {"offset_x": 0.0, "offset_y": 0.0},
    "sharpness": lambda _fact, _used: {"focus": 1.0},
    "noise": lambda _fact, _used: {"iso": 100},
    "garment_colour": _colour,
    "background_white": _white,
    "background_uniform": _uniform,
    "exposure": _exposure,
    "clipping": _clipping,
    "duplicate": lambda _fact, used: {"seed": number(used, "seed", 0) + 1},
}
"""What each rule's miss changes, in the order in which changes build on each other."""


def _described(dialogue: Dialogue) -> dict[str, Value]:
    found = dialogue.last("describe_asset")
    data = found.data if found else {}
    settings = data.get("settings", data)
    return kept({"seed": data.get("seed"), **settings}) if isinstance(settings, Mapping) else {}


def _reason(fact: Fact) -> str:
    return f"{fact.rule} measured {fact.measured}, wanted {fact.wanted}".strip()
