"""Patterns of what hangs from the shoulders: tee, shirt, coat and dress."""

from dataclasses import dataclass, replace

import numpy as np

from activities.studio.pattern import (
    Drape,
    Panel,
    Pattern,
    Point,
    Trim,
    both_sides,
    button,
    seam,
    stitches,
    trace,
)
from workflows.models import View

SLIM = 0.62
"""How much narrower a body is from the side."""


@dataclass(frozen=True)
class Cut:
    """The measures that a seed may vary a little."""

    wide: float
    long: float
    neck: float


def cut(seed: int) -> Cut:
    """Take the measures of a style from its seed."""
    rng = np.random.default_rng([seed, 1])
    wide, long, neck = rng.uniform([0.96, 0.97, 0.85], [1.05, 1.04, 1.15])
    return Cut(float(wide), float(long), float(neck))


def inside(width: float, dip: float, side: float = 0.0) -> Panel:
    """The inside of the back, seen through the neck opening, with its label; `side` is where it meets the front."""
    top = side + 0.008 if side == 0 else side - 0.012
    outline = both_sides([(0, top), (width, side, 1), (width * 0.9, dip * 0.7), (0, dip + 0.03)])
    y = top + 0.018
    label = trace([(-0.016, y, 1), (0.016, y, 1), (0.016, y + 0.016, 1), (-0.016, y + 0.016, 1)], closed=True)
    line = seam([(-width * 0.95, side + 0.014), (0, top + 0.016), (width * 0.95, side + 0.014)], 0.0025)
    return Panel(
        outline, ((0, -0.02), (0, dip)), (width, width), Drape(3, 2, depth=0.002), tone=0.6, lift=0,
        inside=True, trims=(line, Trim(label, 0, tone=1.35, filled=True)),
    )  # fmt: skip


def rib(width: float, dip: float, thick: float = 0.014) -> Trim:
    """The line under a neck band."""
    right = [
        (width + thick * 0.8, 0.002),
        (width * 0.9 + thick * 0.7, dip * 0.4 + thick * 0.4),
        (width * 0.55, dip * 0.83 + thick * 0.95),
    ]
    return seam([*((-x, y) for x, y in right), (0, dip + thick), *reversed(right)])


def body(half: list[Point], drape: Drape, trims: tuple[Trim, ...], *, lift: float = 0.3) -> Panel:
    """The front or back of the body, from a half outline that ends at the centre of the hem."""
    hem, wide = half[-1][1], max(p[0] for p in half)
    return Panel(both_sides(half), ((0, 0), (0, hem)), (wide * 0.9, wide), drape, trims=trims, lift=lift)


def sleeves(outline: list[Point], axis: tuple[tuple[float, float], tuple[float, float]], fan: tuple[float, float],
            trims: tuple[Trim, ...], drape: Drape) -> tuple[Panel, Panel]:  # fmt: skip
    """A pair of sleeves from the right one."""
    right = Panel(trace(outline, closed=True), axis, fan, drape, roll=0.03, trims=trims, lift=0.2)
    return right.mirrored(), right


def turned(pattern: Pattern) -> Pattern:
    """Turn a sleeveless front view to the side: the same, narrower."""
    return replace(pattern, panels=tuple(squeeze(p, 0.0, SLIM) for p in pattern.panels))


def sideways(low: float, flare: float, arm: Panel, trims: tuple[Trim, ...] = (), *, collared: bool = False) -> Pattern:
    """A top from its right side: chest to the right, one sleeve in front."""
    outline = trace([(-0.05, 0.0, 1), (0.0, 0.028), (0.052, 0.035, 1), (0.085, 0.1), (0.122, 0.22), (0.108, 0.45),
        (0.115 + flare, low, 1), (0.0, low + 0.008), (-0.11 - flare, low, 1), (-0.1, 0.45), (-0.108, 0.2),
        (-0.088, 0.06)], closed=True)  # fmt: skip
    hem = stitches([(-0.105 - flare, low - 0.024), (0.0, low - 0.016), (0.11 + flare, low - 0.024)])
    torso = Panel(outline, ((0, 0), (0, low)), (0.11, 0.11 + flare), Drape(5, 3, 0.4, 0.9, 0.014, slant=0.6),
                  trims=(hem, *trims))  # fmt: skip
    band = trace([(-0.056, 0.022, 1), (-0.05, -0.03), (-0.01, -0.024), (0.044, 0.012), (0.066, 0.075, 1), (0.02, 0.05)],
                 closed=True)  # fmt: skip
    flat = Drape(2, 2, 0.3, 0.3, 0.001)
    neck = (Panel(band, ((0, -0.03), (0, 0.06)), (0.06, 0.06), flat, roll=0.008, lift=0.45),) if collared else ()
    return Pattern((torso, arm, *neck), (0.0, 0.1), 0.3)


def side_arm(cuff: float, *, short: bool = False) -> Panel:
    """A sleeve seen from outside: the cap of the shoulder, then down."""
    cap: list[Point] = [(-0.072, 0.17), (-0.05, 0.075), (0.0, 0.045), (0.046, 0.075), (0.07, 0.17)]
    rest: list[Point] = [(0.082, cuff, 1), (-0.07, cuff + 0.012, 1)] if short else [
        (0.058, 0.42), (0.07, cuff, 1), (-0.012, cuff + 0.014, 1), (-0.06, 0.42)]  # fmt: skip
    line = (stitches([(-0.068, cuff - 0.008), (0.08, cuff - 0.02)]) if short
            else seam([(-0.018, cuff - 0.04), (0.066, cuff - 0.052)]))  # fmt: skip
    drape = Drape(4, 5, 0.5, 0.9, 0.012, slant=0.9)
    return Panel(trace([*cap, *rest], closed=True), ((0, 0.05), (0.01, cuff)), (0.07, 0.06), drape, roll=0.03,
                 lift=0.4, trims=(line,))  # fmt: skip


def squeeze(panel: Panel, middle: float, factor: float, shift: float = 0.0) -> Panel:
    """Scale and shift a panel sideways."""

    def x(value: float) -> float:
        return middle + (value - middle) * factor + shift

    def move(line: np.ndarray) -> np.ndarray:
        return np.stack([middle + (line[:, 0] - middle) * factor + shift, line[:, 1]], -1).astype(np.float32)

    (a, b), (c, d) = panel.axis
    trims = tuple(replace(t, line=move(t.line)) for t in panel.trims)
    fan = (panel.fan[0] * factor, panel.fan[1] * factor)
    return replace(panel, outline=move(panel.outline), axis=((x(a), b), (x(c), d)), fan=fan, trims=trims)


def tee(view: View, seed: int) -> Pattern:
    """A T-shirt with a ribbed crew neck."""
    c = cut(seed)
    w, low, dip = 0.235 * c.wide, 0.72 * c.long, (0.028 if view == "back" else 0.085 * c.neck)
    if view == "side":
        return sideways(low, 0.002, side_arm(0.29, short=True))
    half: list[Point] = [(0, dip), (0.055, dip * 0.8), (0.088, dip * 0.35), (0.1, 0, 1),
        (w, 0.05, 1), (w - 0.022, 0.13), (w - 0.004, 0.245, 1),
                         (w - 0.012, 0.5), (w - 0.004, low, 1), (0, low + 0.008)]  # fmt: skip
    trims = (rib(0.1, dip), stitches([(-w + 0.008, low - 0.026), (0, low - 0.018), (w - 0.008, low - 0.026)]))
    front = body(half, Drape(6, 3, 0.5, 0.8, 0.015, slant=0.8), trims)
    arms = sleeves(
        [(w - 0.07, 0.04, 1), (w, 0.05), (w + 0.09, 0.125), (w + 0.175, 0.25, 1), (w + 0.095, 0.315, 1),
         (w + 0.005, 0.25), (w - 0.07, 0.22, 1)],
        ((w, 0.06), (w + 0.14, 0.29)), (0.07, 0.06),
        (stitches([(w + 0.165, 0.238), (w + 0.085, 0.3)]),), Drape(4, 3, 0.5, 0.9, 0.012, slant=0.5),
    )  # fmt: skip
    return Pattern((*(() if view == "back" else (inside(0.1, dip),)), *arms, front), (0.03, 0.1), 0.3)


def long_arms(w: float, cuff: float, thick: float, trims: tuple[Trim, ...] = ()) -> tuple[Panel, Panel]:
    """Long sleeves that hang, with a cuff seam."""
    top, out = 0.05, w + 0.09
    outline: list[Point] = [(w - 0.07, top - 0.005, 1), (w + 0.005, top + 0.006), (w + 0.058 + thick, 0.19),
        (out + thick * 0.8, 0.42), (out + 0.035 + thick * 0.4, cuff, 1), (out - 0.052, cuff + 0.012, 1),
        (w + 0.005, 0.44), (w - 0.012, 0.26), (w - 0.07, 0.2, 1)]  # fmt: skip
    line = seam([(out - 0.05, cuff - 0.045), (out + 0.033 + thick * 0.4, cuff - 0.057)])
    drape = Drape(4, 7, 0.5, 0.9, 0.013, slant=0.9)
    return sleeves(outline, ((w + 0.01, 0.06), (out, cuff)), (0.08, 0.06), (line, *trims), drape)


def shirt(view: View, seed: int) -> Pattern:
    """A shirt with collar, placket, buttons, cuffs and a curved hem."""
    c = cut(seed)
    w, low = 0.225 * c.wide, 0.76 * c.long
    dip = 0.02 if view == "back" else 0.07
    if view == "side":
        return sideways(low, 0.0, side_arm(0.7 * c.long), collared=True)
    half: list[Point] = [(0, dip), (0.07, dip * 0.4), (0.085, 0, 1), (w, 0.05, 1), (w - 0.022, 0.13),
        (w - 0.004, 0.245, 1), (w - 0.012, 0.45), (w, low - 0.07), (w - 0.05, low - 0.02), (0, low)]  # fmt: skip
    hem = stitches([(-w + 0.006, low - 0.085), (-w + 0.055, low - 0.034), (0, low - 0.014), (w - 0.055, low - 0.034),
                    (w - 0.006, low - 0.085)])  # fmt: skip
    if view == "back":
        yoke = seam([(-w + 0.012, 0.115), (0, 0.105), (w - 0.012, 0.115)])
        trims: tuple[Trim, ...] = (yoke, seam([(0, 0.105), (0, 0.3)]), hem)
    else:
        rows = tuple(t for y in np.linspace(dip + 0.05, low - 0.12, 7) for t in button(0.0, float(y), 0.0075))
        edges = (seam([(0.017, dip), (0.017, low)]), stitches([(0.013, dip), (0.013, low)]),
                 stitches([(-0.013, dip), (-0.013, low)]))  # fmt: skip
        trims = (*edges, hem, *rows)
    front = body(half, Drape(6, 3, 0.4, 0.9, 0.015, slant=0.6), trims)
    arms = long_arms(w, 0.7 * c.long, 0.0, button(w + 0.065, 0.7 * c.long - 0.024, 0.006))
    behind = () if view == "back" else (inside(0.076, dip, -0.036),)
    return Pattern((*behind, *arms, front, *collar(view, dip)), (0.02, 0.09), 0.3)


def collar(view: View, dip: float) -> tuple[Panel, ...]:
    """A turned-down collar: a band from behind, two leaves in front."""
    flat = Drape(2, 2, 0.3, 0.3, 0.001)
    if view == "back":
        band = both_sides([(0, -0.045), (0.07, -0.035), (0.092, 0.012, 1), (0, 0.03)])
        edge = stitches([(-0.084, 0.008), (0, 0.023), (0.084, 0.008)])
        return (Panel(band, ((0, -0.04), (0, 0.03)), (0.09, 0.09), flat, lift=0.5, trims=(edge,)),)
    leaf = trace(
        [(0.002, dip, 1), (0.052, 0.022), (0.076, -0.036), (0.098, -0.002), (0.104, 0.05), (0.098, 0.108, 1)],
        closed=True,
    )
    edge = stitches([(0.008, dip + 0.001), (0.093, 0.097, 1), (0.098, 0.05), (0.093, 0.004)])
    right = Panel(leaf, ((0.08, -0.03), (0.06, 0.1)), (0.06, 0.06), flat, roll=0.008, lift=0.5, trims=(edge,))
    return right.mirrored(), right


def dress(view: View, seed: int) -> Pattern:
    """A sleeveless dress with a waist seam and a flared skirt."""
    c = cut(seed)
    flare = float(np.random.default_rng([seed, 2]).uniform(0.25, 0.33))
    waist, low, pointed = 0.125 * c.wide, 1.0 * c.long, seed % 2 == 1 and view in {"front", "detail"}
    dip = 0.04 if view in {"back", "side"} else 0.12 * c.neck
    neck: list[Point] = (
        [(0, dip, 1), (0.088, 0, 1)] if pointed else [(0, dip), (0.05, dip * 0.82), (0.078, dip * 0.4), (0.09, 0, 1)]
    )
    half = [*neck, (0.145, 0.012, 1), (0.128, 0.1), (0.165, 0.19, 1), (0.15, 0.27), (waist, 0.38, 1)]
    top = body([*half, (0, 0.386)], Drape(5, 3, 0.4, 0.6, 0.011, slant=0.6), bodice(view, waist, dip, pointed=pointed))
    skirt = both_sides(
        [(0, 0.372), (waist, 0.378, 1), (waist + (flare - waist) * 0.45, 0.6), (flare, low, 1), *wavy(flare, low, seed)]
    )
    hem = stitches([(-flare + 0.012, low - 0.03), (0, low - 0.014), (flare - 0.012, low - 0.03)])
    lower = Panel(
        skirt, ((0, 0.36), (0, low)), (waist * 1.02, flare), Drape(9, 1, 0.35, 1.0, 0.03), lift=0.1, trims=(hem,)
    )
    behind = () if view in {"back", "side"} else (inside(0.091, dip),)
    whole = Pattern((*behind, lower, top), (0.03, 0.12), 0.34)
    return turned(whole) if view == "side" else whole


def wavy(flare: float, low: float, seed: int) -> list[Point]:
    """The hem of a flared skirt, from its side to the centre: it dips where a fold comes forward."""
    depth = np.random.default_rng([seed, 4]).uniform(0.3, 1.0, 5) * 0.011
    places = zip(np.linspace(0.86, 0, 5), depth * [1, -0.6, 1, -0.5, 1], strict=True)
    return [(float(x) * flare, low + 0.012 * (1 - float(x) ** 2) + float(d)) for x, d in places]


def bodice(view: View, waist: float, dip: float, *, pointed: bool) -> tuple[Trim, ...]:
    """Waist seam, darts and neck facing of the dress; a zip from behind."""
    belt = seam([(-waist, 0.379), (0, 0.385), (waist, 0.379)], 0.004)
    darts = tuple(seam([(s * 0.075, 0.25), (s * 0.068, 0.38)]) for s in (-1, 1))
    arms = tuple(stitches([(s * 0.137, 0.016), (s * 0.119, 0.1), (s * 0.156, 0.19)]) for s in (-1, 1))
    facing = seam([(-0.1, 0.003), (0, dip + 0.017, 1), (0.1, 0.003)])
    middle = (
        (seam([(0, dip), (0, 0.385)], 0.003),) if view == "back" else (facing if pointed else rib(0.09, dip, 0.008),)
    )
    return (belt, *darts, *arms, *middle)
