"""The camera: framing, focus, exposure, sensor noise and the way from linear light to sRGB."""

from dataclasses import dataclass

import cv2
import numpy as np

from activities.studio.pattern import Floats, Pattern, floats
from activities.studio.settings import Settings
from workflows.models import View

FILL_AT_TWO = 0.88
MAP_SIDE = 1000
"""Smooth things (height, light, shadow) are worked out at about this size and enlarged."""


@dataclass(frozen=True)
class Frame:
    """Where the garment lies in the picture: `scale` pixels per garment unit, `origin` the pixel of (0, 0)."""

    width: int
    height: int
    scale: float
    origin: tuple[float, float]

    @property
    def step(self) -> int:
        """Pixels of the picture per pixel of the maps."""
        return max(1, -(-max(self.width, self.height) // MAP_SIDE))

    @property
    def maps(self) -> "Frame":
        """The frame at the size of the maps; it covers the picture fully."""
        s = self.step
        x, y = self.origin
        # Pixel centres: the middle of the first map pixel is (s - 1) / 2 pixels into the picture.
        origin = ((x - (s - 1) / 2) / s, (y - (s - 1) / 2) / s)
        return Frame(-(-self.width // s), -(-self.height // s), self.scale / s, origin)

    def pixels(self, line: Floats) -> Floats:
        """Garment units to pixels."""
        return floats(line * self.scale + np.array(self.origin))

    def grid(self) -> tuple[Floats, Floats]:
        """Garment units of every pixel."""
        x = (np.arange(self.width, dtype=np.float32) - np.float32(self.origin[0])) / np.float32(self.scale)
        y = (np.arange(self.height, dtype=np.float32) - np.float32(self.origin[1])) / np.float32(self.scale)
        return np.broadcast_to(x, (self.height, self.width)), np.broadcast_to(y[:, None], (self.height, self.width))


def frame(pattern: Pattern, view: View, settings: Settings) -> Frame:
    """Point the camera: at the whole garment, or for a detail at the place where it was made."""
    left, top, right, bottom = pattern.box
    middle, span = ((left + right) / 2, (top + bottom) / 2), (right - left, bottom - top)
    if view == "detail":
        middle, span = pattern.detail, (pattern.reach, pattern.reach)
    share = FILL_AT_TWO * 2.0 / settings.camera_distance
    scale = share * min(settings.width / span[0], settings.height / span[1])
    x = settings.width * (0.5 + settings.offset_x) - middle[0] * scale - 0.5
    y = settings.height * (0.5 + settings.offset_y) - middle[1] * scale - 0.5
    return Frame(settings.width, settings.height, scale, (x, y))


def through_lens(light: Floats, settings: Settings) -> Floats:
    """Blur what is out of focus."""
    sigma = (1 - settings.focus) * 0.006 * max(settings.width, settings.height)
    if sigma < 0.15:  # noqa: PLR2004 - less cannot be seen
        return light
    return np.asarray(cv2.GaussianBlur(light, (0, 0), sigma), np.float32)


def expose(light: Floats, settings: Settings, seed: int) -> np.ndarray:
    """Catch the light: exposure, photon and read noise, clipping, sRGB in 8 bits. Changes `light`."""
    light *= np.float32(2.0**settings.exposure)
    rng = np.random.default_rng([seed, 11])
    noise = rng.standard_normal(light.shape, np.float32)
    gain = settings.iso / 100
    noise *= np.sqrt(np.maximum(light, 0) * np.float32(1.1e-5 * gain) + np.float32(4e-8 * gain * gain))
    light += noise
    return np.asarray(_SRGB[np.clip(light * np.float32(_STEPS), 0, _STEPS).astype(np.uint16)])


_STEPS = 16383


def _table() -> np.ndarray:
    linear = np.linspace(0, 1, _STEPS + 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)  # noqa: PLR2004 - IEC 61966-2-1
    return np.round(srgb * 255).astype(np.uint8)


_SRGB = _table()
