"""Measures of the background: how white and how even it is."""

import cv2
import numpy as np

from activities.studio.mask import Cutout
from activities.studio.picture import Picture
from activities.studio.profiles import AtMost, White
from workflows.models import Fact

TRACE = 0.01
"""Less background than this share of the frame is no background."""


def white(picture: Picture, cutout: Cutout, rule: White) -> Fact:
    """The darkest value of the background, and the share of it that is off the target.

    Looks at the decoded file, outside the product and a margin in which JPEG rings.
    """
    wanted = f"background at {rule.at_least} or more in every channel" + (
        f", at most {rule.strays_at_most:.1%} of it off" if rule.strays_at_most else ""
    )
    seen = picture.pixels[~cutout.near]
    if seen.shape[0] < TRACE * cutout.near.size:
        return Fact(
            rule="background_white", measured="none to be seen", wanted=wanted, passed=False, required=rule.required
        )
    low, high = seen.min(1).astype(np.int16), seen.max(1).astype(np.int16)
    off = (low < rule.at_least) | (high - low > rule.cast_at_most)
    strays = float(off.mean())
    passed = strays <= rule.strays_at_most
    # The worst pixel stands for the background when none may be off; else the one at the edge of what is tolerated.
    worst, gap = float(np.quantile(low, rule.strays_at_most)), float(np.quantile(high - low, 1 - rule.strays_at_most))
    miss = 0.0 if passed else max(rule.at_least - worst, gap - rule.cast_at_most, 1.0)
    text = f"darkest {worst:.0f}, {strays:.2%} off, colour cast {gap:.0f}"
    return Fact(rule="background_white", measured=text, wanted=wanted, passed=passed,
                miss=round(miss, 1), unit="levels", required=rule.required)  # fmt: skip


def uniform(cutout: Cutout, rule: AtMost) -> Fact:
    """How much the background varies: standard deviation of its lightness, without the sensor's noise."""
    calm = cv2.GaussianBlur(cv2.cvtColor(cutout.small_pixels, cv2.COLOR_RGB2GRAY), (0, 0), 2.0)
    away = cv2.dilate(cutout.small.astype(np.uint8), np.ones((13, 13), np.uint8)) == 0
    spread = float(calm[away].std()) if away.any() else 0.0
    return at_most("background_uniform", spread, rule, "levels", "variation of the background at most {}")


def at_most(name: str, found: float, rule: AtMost, unit: str, wanted: str) -> Fact:
    """A fact about a measure with a ceiling; `wanted` has a place for the ceiling."""
    passed = found <= rule.at_most
    return Fact(
        rule=name,
        measured=round(found, 4),
        wanted=f"{wanted.format(f'{rule.at_most:g}')} {unit}".strip(),
        passed=passed,
        miss=0.0 if passed else round(found - rule.at_most, 4),
        unit=unit,
        required=rule.required,
    )
