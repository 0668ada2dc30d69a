"""Patterns of what hangs from the waist: skirt and trousers."""

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
from activities.studio.tops import SLIM, cut, squeeze, wavy
from workflows.models import View


def band(wide: float, view: View, extra: tuple[Trim, ...] = ()) -> tuple[Panel, ...]:
    """A waistband; from the front its inside shows above it."""
    flat = Drape(3, 2, 0.3, 0.3, 0.001)
    face = both_sides([(0, 0.012), (wide, 0, 1), (wide + 0.004, 0.045, 1), (0, 0.058)])
    lines = (
        stitches([(-wide, 0.039), (0, 0.052), (wide, 0.039)]),
        stitches([(-wide, 0.006), (0, 0.018), (wide, 0.006)]),
    )
    front = Panel(face, ((0, 0), (0, 0.05)), (wide, wide), flat, lift=0.3, roll=0.006, trims=(*lines, *extra))
    if view == "back":
        return (front,)
    back = both_sides([(0, -0.012), (wide, 0, 1), (0, 0.02)])
    return (Panel(back, ((0, -0.01), (0, 0.02)), (wide, wide), flat, tone=0.6, lift=0, inside=True), front)


def skirt(view: View, seed: int) -> Pattern:
    """An A-line skirt with a waistband."""
    c = cut(seed)
    wide, low = 0.145 * c.wide, 0.66 * c.long
    flare = float(np.random.default_rng([seed, 2]).uniform(0.24, 0.3))
    shape = both_sides([(0, 0.03), (wide, 0.03, 1), (wide + 0.045, 0.16), (flare, low, 1), *wavy(flare, low, seed)])
    trims: tuple[Trim, ...] = (stitches([(-flare + 0.01, low - 0.024), (0, low - 0.01), (flare - 0.01, low - 0.024)]),)
    if view == "back":
        trims += (seam([(0, 0.05), (0, low)], 0.003),)
    elif view != "side":
        trims += tuple(seam([(s * (wide - 0.03), 0.05), (s * (wide + 0.022), 0.15)], 0.003) for s in (-1, 1))
    cloth = Panel(shape, ((0, 0.03), (0, low)), (wide, flare), Drape(8, 1, 0.2, 1.0, 0.026), lift=0.1, trims=trims)
    fastener = button(0.0, 0.034, 0.009) if view in {"front", "detail"} else ()
    panels = (*band(wide, view, fastener)[:-1], cloth, band(wide, view, fastener)[-1])
    if view == "side":
        panels = tuple(squeeze(p, 0, SLIM + 0.1) for p in panels)
    return Pattern(panels, (0.03, 0.09), 0.28)


def trousers(view: View, seed: int) -> Pattern:
    """Straight trousers with waistband, fly, pockets and pressed creases."""
    c = cut(seed)
    wide, low, out = 0.15 * c.wide, 1.0 * c.long, 0.205 * c.wide
    if view == "side":
        return one_leg(low)
    crotch = 0.3
    outline: list[Point] = [(-0.004, 0.03, 1), (wide, 0.03, 1), (wide + 0.034, 0.15), (out - 0.008, 0.42),
        (out - 0.012, low, 1), (0.065, low + 0.006, 1), (0.03, 0.55), (-0.004, crotch, 1)]  # fmt: skip
    crease = seam([((wide + 0.02) * 0.55, 0.16), (0.108, 0.5), (0.13, low)], 0.0016)
    hem = stitches([(0.067, low - 0.022), (out - 0.014, low - 0.026)])
    leg = Panel(
        trace(outline, closed=True), ((0.075, 0.03), (0.13, low)), (0.1, 0.07), Drape(4, 5, 0.6, 0.8, 0.013, slant=0.5),
        roll=0.035, lift=0.15, trims=(crease, hem, *pocket(view, wide)),
    )  # fmt: skip
    fly = (seam([(0.002, 0.05), (0.0, crotch)], 0.003), stitches([(0.028, 0.05), (0.027, 0.17), (0.0, 0.22)]))
    left, right = leg.mirrored(), Panel(**{**vars(leg), "trims": (*leg.trims, *(fly if view != "back" else fly[:1]))})
    rings = band(wide, view, button(0.0, 0.034, 0.0085) if view != "back" else ())
    return Pattern((*rings[:-1], left, right, rings[-1]), (0.03, 0.12), 0.3)


def one_leg(low: float) -> Pattern:
    """Trousers from the side: the seat to the left, the side seam in the middle."""
    outline = trace([(-0.085, 0.03, 1), (0.09, 0.03, 1), (0.1, 0.16), (0.088, 0.42), (0.066, low, 1),
        (-0.064, low + 0.006, 1), (-0.085, 0.45), (-0.122, 0.2), (-0.108, 0.1)], closed=True)  # fmt: skip
    trims = (seam([(0.0, 0.05), (-0.004, 0.3), (0.0, low)]), seam([(0.07, 0.05), (0.012, 0.17)], 0.003),
             stitches([(-0.062, low - 0.022), (0.064, low - 0.026)]))  # fmt: skip
    leg = Panel(
        outline, ((0, 0.03), (0, low)), (0.1, 0.07), Drape(4, 5, 0.6, 0.8, 0.013, slant=0.5), roll=0.035, trims=trims
    )
    return Pattern((leg, *band(0.088, "back")), (0.0, 0.1), 0.3)


def pocket(view: View, wide: float) -> tuple[Trim, ...]:
    """A slant pocket in front, a welt pocket behind."""
    if view == "back":
        x = wide * 0.55
        return (seam([(x - 0.045, 0.135), (x + 0.045, 0.13)], 0.004), *button(x, 0.15, 0.006))
    return (
        seam([(wide - 0.028, 0.05), (wide + 0.026, 0.15)], 0.0032),
        stitches([(wide - 0.036, 0.05), (wide + 0.018, 0.156)]),
    )
