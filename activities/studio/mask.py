"""Finds the product on its background, from the pixels alone."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from activities.studio.picture import Picture

SIDE = 800
"""The longest side at which the product is looked for."""
BENT = 2.0
"""Levels by which the edge of a garment differs from its own blurred picture, at least."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """Where the product is. `product` and `near` (product and a margin) have the size of the picture."""

    product: np.ndarray
    near: np.ndarray
    box: tuple[float, float, float, float]
    small: np.ndarray
    small_pixels: np.ndarray

    @property
    def found(self) -> bool:
        """Whether there is a product at all."""
        return bool(self.small.any())


def cut_out(picture: Picture) -> Cutout:
    """Separate product and background.

    The background is what can be reached from the border of the frame without crossing an edge: a sweep that darkens
    smoothly into a shadow belongs to it, a garment with an outline does not.
    """
    factor = min(1.0, SIDE / max(picture.width, picture.height))
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    small = cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA)
    mask = _largest(_filled(_walls(small)))
    full = (picture.width, picture.height)
    # JPEG rings up to one block away from an edge; the small mask is off by a pixel or two of its own.
    margin = 4 + math.ceil(9 * factor)
    near = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1)))
    return Cutout(
        cv2.resize(mask, full, interpolation=cv2.INTER_NEAREST) > 0,
        cv2.resize(near, full, interpolation=cv2.INTER_NEAREST) > 0,
        _box(mask),
        mask > 0,
        small,
    )


def _walls(small: np.ndarray) -> np.ndarray:
    """Edges, and everything that is far from the colour of the frame's border."""
    calm = cv2.bilateralFilter(small, 5, 18, 2)
    border = np.concatenate([calm[:6].reshape(-1, 3), calm[:, :6].reshape(-1, 3), calm[:, -6:].reshape(-1, 3)])
    ground = np.median(border.astype(np.float32), 0)
    away = np.abs(calm.astype(np.float32) - ground).max(-1)
    lab = cv2.cvtColor(calm, cv2.COLOR_RGB2LAB).astype(np.float32)
    steep = np.hypot(cv2.Scharr(lab, cv2.CV_32F, 1, 0), cv2.Scharr(lab, cv2.CV_32F, 0, 1)).max(-1) / 32
    rough = max(1.4, 4.0 * float(np.median(steep)))
    # An outline is steep within a pixel or two; the slope of a soft shadow, however deep, is hardly bent.
    bent = np.abs(lab - cv2.GaussianBlur(lab, (0, 0), 2.5)).max(-1) > BENT
    outline = (steep > rough) & (cv2.dilate(bent.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    edges = cv2.morphologyEx(outline.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    walls = edges | (away > 60).astype(np.uint8)  # noqa: PLR2004 - levels; the deepest shadow on a sweep stays below
    return np.asarray(walls * 255, np.uint8)


def _filled(walls: np.ndarray) -> np.ndarray:
    """Everything that the border of the frame cannot reach."""
    room = cv2.copyMakeBorder(walls, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    reach = np.zeros((room.shape[0] + 2, room.shape[1] + 2), np.uint8)
    cv2.floodFill(room, reach, (0, 0), 255, flags=4 | cv2.FLOODFILL_MASK_ONLY | (255 << 8))
    inside = np.where(reach[2:-2, 2:-2] == 0, 255, 0).astype(np.uint8)
    # A wall is as thick as the slope of the edge that made it: half of that lies on the background.
    thin = cv2.erode(inside, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)), borderValue=255)
    return np.asarray(cv2.morphologyEx(thin, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest piece and every other that is not dust."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count <= 1:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = 1 + np.flatnonzero(areas >= max(0.02 * areas.max(), 12))
    return np.where(np.isin(labels, keep), 255, 0).astype(np.uint8)


def _box(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the product as shares of the frame."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(ys):
        return 0.0, 0.0, 0.0, 0.0
    height, width = mask.shape
    return float(xs[0]) / width, float(ys[0]) / height, float(xs[-1] + 1) / width, float(ys[-1] + 1) / height
