"""The pattern cutter's vocabulary: outlines, panels and trims, in garment units (x right, y down)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Point = tuple[float, float] | tuple[float, float, int]
"""x, y and, for a corner, a 1 as third number; other points are passed smoothly."""


@dataclass(frozen=True, eq=False)
class Trim:
    """A line on the cloth: a seam, a row of stitches, or (closed) a button."""

    line: Floats
    width: float
    tone: float
    dashed: bool = False
    filled: bool = False


@dataclass(frozen=True)
class Drape:
    """How the cloth of a panel falls: number of folds across and along, their depth at both ends, slanted ones."""

    across: int = 7
    along: int = 3
    start: float = 0.25
    end: float = 1.0
    depth: float = 0.011
    slant: float = 0.0


@dataclass(frozen=True, eq=False)
class Panel:
    """One piece of cloth. `axis` runs along the drape, `fan` is its half width at both ends of the axis."""

    outline: Floats
    axis: tuple[tuple[float, float], tuple[float, float]]
    fan: tuple[float, float]
    drape: Drape = Drape()
    roll: float = 0.012
    tone: float = 1.0
    lift: float = 0.25
    inside: bool = False
    trims: tuple[Trim, ...] = ()

    def mirrored(self) -> "Panel":
        """The same panel on the other side of the body."""
        (a, b), (c, d) = self.axis
        trims = tuple(replace(t, line=flip(t.line)) for t in self.trims)
        return replace(self, outline=flip(self.outline), axis=((-a, b), (-c, d)), trims=trims)


@dataclass(frozen=True, eq=False)
class Pattern:
    """A whole garment, back to front, and where a detail shot looks."""

    panels: tuple[Panel, ...]
    detail: tuple[float, float]
    reach: float = 0.34

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of all panels."""
        points = np.concatenate([p.outline for p in self.panels])
        (left, top), (right, bottom) = points.min(0), points.max(0)
        return float(left), float(top), float(right), float(bottom)


def floats(values: Any) -> Floats:  # noqa: ANN401 - whatever numpy takes
    """Numbers in single precision."""
    return np.asarray(values, np.float32)


def flip(line: Floats) -> Floats:
    """Mirror a line at the centre front."""
    return floats(line * floats([-1, 1]))


def trace(points: Sequence[Point], *, closed: bool = False, steps: int = 24) -> Floats:
    """Draw a smooth line (Hermite, Catmull-Rom tangents) through points; corners stay corners."""
    xy = np.array([p[:2] for p in points], np.float64)
    corner = [len(p) > 2 for p in points]  # noqa: PLR2004 - the third number is the mark
    last = len(xy) if closed else len(xy) - 1
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    spans = []
    for i in range(last):
        j, before, after = (i + 1) % len(xy), i - 1, (i + 2) % len(xy)
        loose_i = corner[i] or (not closed and i == 0)
        loose_j = corner[j] or (not closed and j == len(xy) - 1)
        step = xy[j] - xy[i]
        m0 = step if loose_i else (xy[j] - xy[before]) / 2
        m1 = step if loose_j else (xy[after] - xy[i]) / 2
        spans.append(
            (2 * t**3 - 3 * t**2 + 1) * xy[i]
            + (t**3 - 2 * t**2 + t) * m0
            + (3 * t**2 - 2 * t**3) * xy[j]
            + (t**3 - t**2) * m1
        )
    line = np.concatenate(spans if closed else [*spans, xy[-1:]])
    return np.asarray(line, np.float32)


def both_sides(right: Sequence[Point]) -> Floats:
    """Close a half outline, given from the centre top to the centre bottom, by its mirror image."""
    left: list[Point] = [(-p[0], *p[1:]) for p in reversed(right[1:-1])]
    return trace([*right, *left], closed=True)


def seam(points: Sequence[Point], width: float = 0.0022) -> Trim:
    """A seam: a fine dark line where two pieces meet."""
    return Trim(trace(points), width, tone=0.72)


def stitches(points: Sequence[Point]) -> Trim:
    """A row of stitches along a hem or an edge."""
    return Trim(trace(points), 0.0014, tone=0.84, dashed=True)


def button(x: float, y: float, radius: float = 0.0085) -> tuple[Trim, ...]:
    """A sewn-on button: its shadow, its disc and its rim of light."""
    turn = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([np.cos(turn), np.sin(turn)], -1)

    def disc(dx: float, dy: float, r: float) -> Floats:
        return np.asarray(ring * r + [x + dx, y + dy], np.float32)

    return (
        Trim(disc(0.0012, 0.0022, radius * 1.08), 0, tone=0.62, filled=True),
        Trim(disc(0, 0, radius), 0, tone=1.1, filled=True),
        Trim(disc(0, 0, radius * 0.72), 0.0012, tone=0.8),
        Trim(disc(0, 0, radius * 0.2), 0, tone=0.6, filled=True),
    )
