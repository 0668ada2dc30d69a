"""Light: colour temperature, the key and fill lights on a surface, and the spill of the sweep.

The sweep is a light source of its own. What makes it white also reaches the garment: a little everywhere (`FLAT`), a
lot where the cloth turns away from the camera towards the sweep (`WRAP`). At the light that clips the sweep to 255 a
surface seen at a grazing angle receives about as much as the sweep itself. A garment with an albedo near that of the
sweep (an optic white) therefore burns out along its outline whatever the key, the fill and the exposure are: less
exposure dims the sweep below 255 by the same factor. That trade-off is physics, not a rule; mid and dark colours
have room to spare.
"""

import numpy as np

from activities.studio.cloth import Hand
from activities.studio.pattern import Floats
from activities.studio.settings import Settings

SWEEP = 0.831
"""Linear radiance of a white sweep at background light 1.0: sRGB 235."""
KEY, FILL, FLAT, WRAP = 0.62, 0.30, 0.14, 0.68
NOMINAL = Settings(background_light=1.25)
"""The light at which a garment is metered: its median then has its declared colour."""
TOWARDS_KEY = (-0.46, -0.52, 0.72)
NEUTRAL = 5500


def to_linear(hex_colour: str) -> Floats:
    """`#rrggbb` as linear light, 0 to 1."""
    return np.asarray(decode(np.array([int(hex_colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255), np.float32)


def decode(srgb: np.ndarray) -> Floats:
    """SRGB values of 0 to 1 in linear light."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)  # noqa: PLR2004 - IEC 61966-2-1


def tint(kelvin: int) -> Floats:
    """The colour of a black body against one of 5500 K, at equal luminance (Wien's approximation)."""
    waves = np.array([600e-9, 545e-9, 450e-9])
    ratio = np.exp(0.014388 / waves * (1 / NEUTRAL - 1 / kelvin))
    return np.asarray(ratio / (ratio @ np.array([0.2126, 0.7152, 0.0722])), np.float32)


def key_light(n: tuple[Floats, Floats, Floats]) -> Floats:
    """A large soft box from the upper left; 1 on a surface that faces the camera."""
    lx, ly, lz = TOWARDS_KEY
    soft = 0.22
    return np.asarray(np.maximum(n[0] * lx + n[1] * ly + n[2] * lz + soft, 0) / (lz + soft), np.float32)


def fill_light(n: tuple[Floats, Floats, Floats]) -> Floats:
    """A reflector in front, a little from the right; 1 on a surface that faces the camera."""
    return np.asarray(np.clip(0.3 + 0.7 * n[2] + 0.12 * n[0], 0, None), np.float32)


def spill(n: tuple[Floats, Floats, Floats]) -> Floats:
    """The share of the sweep's light that reaches a surface."""
    return np.asarray(FLAT + WRAP * (1 - n[2]), np.float32)


def gloss(n: tuple[Floats, Floats, Floats], hand: Hand) -> Floats:
    """Shine of the cloth under the key light, and the fuzz of woollens at grazing angles."""
    lx, ly, lz = TOWARDS_KEY
    length = (lx * lx + ly * ly + (1 + lz) ** 2) ** 0.5
    half = np.clip((n[0] * lx + n[1] * ly + n[2] * (1 + lz)) / length, 0, 1)
    shine = hand.gloss * half**hand.tight if hand.gloss else np.zeros_like(half)
    return np.asarray(shine + hand.fuzz * 0.4 * (1 - n[2]) ** 3, np.float32)
