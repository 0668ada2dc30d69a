"""Cloth: how it rolls at its edges, folds as it falls, and what its weave looks like close up."""

from dataclasses import dataclass

import cv2
import numpy as np

from activities.studio.pattern import Drape, Floats, Panel
from workflows.models import Fabric


@dataclass(frozen=True)
class Hand:
    """How a fabric behaves: depth of its folds, gloss (strength and tightness), fuzz at grazing angles, weave."""

    folds: float
    gloss: float
    tight: float
    fuzz: float
    weave: float


HANDS: dict[Fabric, Hand] = {
    "cotton": Hand(1.0, 0.006, 6, 0.02, 0.045),
    "linen": Hand(1.15, 0.004, 6, 0.02, 0.095),
    "silk": Hand(1.35, 0.06, 34, 0.0, 0.022),
    "wool": Hand(0.7, 0.0, 4, 0.06, 0.085),
    "denim": Hand(0.8, 0.006, 6, 0.01, 0.13),
    "knit": Hand(0.75, 0.0, 4, 0.05, 0.17),
}


def grain(rows: int, columns: int, rng: np.random.Generator) -> Floats:
    """A grid of smooth noise, to be looked up between its points."""
    return rng.standard_normal((rows + 4, columns + 4), np.float32)


def look_up(grid: Floats, across: Floats, along: Floats) -> Floats:
    """Read noise at places given in grid cells."""
    found = cv2.remap(grid, across + 2, along + 2, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(found, np.float32)


def along_axis(panel: Panel, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Places on a panel: q across (-1 to 1 at the sides), v along the drape (0 to 1)."""
    (ax, ay), (bx, by) = panel.axis
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    v = ((x - ax) * dx + (y - ay) * dy) / square
    side = ((x - ax) * dy - (y - ay) * dx) / square**0.5
    half = np.maximum(panel.fan[0] + (panel.fan[1] - panel.fan[0]) * np.clip(v, -0.1, 1.1), 1e-3)
    return np.asarray(side / half, np.float32), np.asarray(v, np.float32)


def folds(drape: Drape, q: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """The height of the folds: long waves along the drape, some of them creased, wandering a little."""
    wander = 0.16 * look_up(grain(6, 6, rng), (q + 1.2) * 2, np.clip(v, -0.1, 1.1) * 4)
    u = np.clip(q + wander, -1.6, 1.6) + 1.6
    w = np.clip(v, -0.15, 1.15) + 0.15
    long = look_up(grain(drape.along, drape.across, rng), u * drape.across / 3.2, w * drape.along / 1.3)
    fine = look_up(grain(drape.along * 2, drape.across * 2, rng), u * drape.across / 1.6, w * drape.along / 0.9)
    wave = 0.75 * long - 0.35 * np.sqrt(long * long + 0.05) + 0.22 * fine
    if drape.slant:
        lean = look_up(grain(9, 7, rng), (u + 1.1 * w) * 1.7, (w - 0.28 * np.abs(q)) * 5.5)
        wave = (1 - 0.45 * drape.slant) * wave + 0.6 * drape.slant * (0.7 * lean - 0.4 * np.sqrt(lean * lean + 0.06))
    gain = drape.start + (drape.end - drape.start) * np.clip(v, 0, 1) ** 0.8
    return np.asarray(drape.depth * gain * wave, np.float32)


def roll(mask: np.ndarray, scale: float, radius: float) -> Floats:
    """Round a flat shape at its edges: height in garment units over `radius`."""
    away = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5) / scale
    t = np.clip(away / radius, 0, 1)
    height = radius * np.sqrt(1 - (1 - t) ** 2)
    return np.asarray(cv2.GaussianBlur(height, (0, 0), max(0.6, radius * scale * 0.14)), np.float32)


def openness(waves: Floats, scale: float) -> Floats:
    """How much of the light in front a place sees: less in the valley of a fold, a little more on its ridge."""
    around = cv2.GaussianBlur(waves, (0, 0), max(0.02 * scale, 1.0))
    return np.asarray(np.clip(1 + 22 * (waves - around), 0.55, 1.12), np.float32)


def normals(height: Floats, scale: float) -> tuple[Floats, Floats, Floats]:
    """Surface normals of a height map: x right, y down, z to the camera."""
    gx = cv2.Scharr(height, cv2.CV_32F, 1, 0, scale=scale / 32)
    gy = cv2.Scharr(height, cv2.CV_32F, 0, 1, scale=scale / 32)
    nz = 1 / np.sqrt(1 + gx * gx + gy * gy)
    return -gx * nz, -gy * nz, nz


def weave(fabric: Fabric, size: tuple[int, int], scale: float, origin: tuple[float, float], seed: int) -> Floats:
    """The texture of the cloth over the frame, around 1; threads that the camera cannot resolve fade out."""
    width, height = size
    rng = np.random.default_rng([seed, 7])
    x = (np.arange(width, dtype=np.float32) - np.float32(origin[0])) / np.float32(scale)
    y = (np.arange(height, dtype=np.float32) - np.float32(origin[1])) / np.float32(scale)
    pattern = _threads(fabric, x, y, scale)
    cloud = cv2.resize(
        rng.standard_normal((height // 3 + 1, width // 3 + 1), np.float32), size, interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(1 + HANDS[fabric].weave * (pattern + _uneven(fabric) * cloud), np.float32)


def _uneven(fabric: Fabric) -> float:
    return {"linen": 0.3, "wool": 0.45, "silk": 0.1, "denim": 0.2, "cotton": 0.3, "knit": 0.15}[fabric]


def _wave(place: Floats, period: float, scale: float) -> Floats:
    fade = float(np.clip((period * scale - 2.2) / 2.5, 0, 1))
    return np.asarray(fade * np.sin(place * (2 * np.pi / period)), np.float32)


def _threads(fabric: Fabric, x: Floats, y: Floats, scale: float) -> Floats:
    if fabric == "denim":
        twill = _wave(x[None, :] * 1.0 + y[:, None] * 1.6, 0.0052, scale)
        return np.asarray(twill + 0.4 * _slubs(x, scale, 3)[None, :], np.float32)
    if fabric == "knit":
        rib = _wave(x, 0.0085, scale)[None, :]
        stitch = _wave(y[:, None] + 0.0016 * np.abs(np.sin(x * np.pi / 0.0085))[None, :], 0.0058, scale)
        return np.asarray(0.8 * rib + 0.5 * stitch, np.float32)
    if fabric == "linen":
        return np.asarray(0.28 * _slubs(x, scale, 5)[None, :] + 0.36 * _slubs(y, scale, 6)[:, None], np.float32)
    period = {"cotton": 0.0034, "silk": 0.0024, "wool": 0.006}[fabric]
    return np.asarray(_wave(x, period, scale)[None, :] * np.sign(1) * _wave(y, period, scale)[:, None], np.float32)


def _slubs(place: Floats, scale: float, salt: int) -> Floats:
    """Threads of uneven thickness: noise that is constant along the thread."""
    threads = np.random.default_rng(salt).standard_normal(4096).astype(np.float32)
    fade = float(np.clip(scale / 900, 0.35, 1))
    return np.asarray(fade * np.interp((place * 420) % 4095, np.arange(4096), threads), np.float32)
