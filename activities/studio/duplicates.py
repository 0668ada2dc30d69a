"""Finds the same picture twice in a set."""

from collections.abc import Sequence

import cv2
import imagehash
import numpy as np
from PIL import Image
from skimage.color import deltaE_ciede2000

from activities.studio.garment_facts import Product
from activities.studio.profiles import Between
from workflows.models import Fact, Value

SAME_COLOUR = 3.0
"""Two pictures of one style in two colours are not duplicates, from this CIEDE2000 on."""


class Fingerprint(Value):
    """What a picture of a set is recognised by: a perceptual hash of 256 bits in hex, and the product's median Lab."""

    phash: str
    lab: tuple[float, float, float]


def fingerprint_of(product: Product) -> Fingerprint:
    """Take the fingerprint of the product, framed tightly: the frame around it does not count."""
    small = product.cutout.small_pixels
    height, width = small.shape[:2]
    left, top, right, bottom = product.cutout.box
    x0, x1, y0, y1 = round(left * width), round(right * width), round(top * height), round(bottom * height)
    tight = small[y0:y1, x0:x1] if x1 > x0 and y1 > y0 else small
    # Shades, not levels: the same picture a little lighter is still the same picture.
    grey = cv2.cvtColor(np.ascontiguousarray(tight), cv2.COLOR_RGB2GRAY)
    return Fingerprint(phash=str(imagehash.phash(Image.fromarray(grey), hash_size=16)), lab=product.lab)


def duplicate(own: Fingerprint, others: Sequence[Fingerprint], rule: Between) -> Fact:
    """How many of 256 bits the nearest picture of the same colour is away."""
    apart = [_distance(own, other) for other in others if _same_colour(own, other)]
    nearest = min(apart, default=256)
    miss = max(rule.at_least - nearest, 0.0)
    return Fact(
        rule="duplicate",
        measured=float(nearest),
        wanted=f"at least {rule.at_least:g} of 256 bits from every other picture of the set",
        passed=not miss,
        miss=miss,
        unit="bits",
        required=rule.required,
    )


def _same_colour(one: Fingerprint, other: Fingerprint) -> bool:
    return (
        float(
            deltaE_ciede2000(  # type: ignore[no-untyped-call] # scikit-image has no types here
                np.array(one.lab), np.array(other.lab)
            )
        )
        < SAME_COLOUR
    )


def _distance(one: Fingerprint, other: Fingerprint) -> int:
    return (int(one.phash, 16) ^ int(other.phash, 16)).bit_count()
