"""The pattern of the coat: double-breasted, with lapels and flap pockets."""

from activities.studio.pattern import Drape, Panel, Pattern, Point, Trim, button, flip, floats, seam, stitches, trace
from activities.studio.tops import body, collar, cut, inside, long_arms, side_arm, sideways
from workflows.models import View


def coat(view: View, seed: int) -> Pattern:
    """A double-breasted coat with lapels and flap pockets."""
    c = cut(seed)
    w, low, dip = 0.225 * c.wide, 0.98 * c.long, 0.02 if view == "back" else 0.27
    if view == "side":
        return sideways(low, 0.03, side_arm(0.71), (seam([(-0.03, 0.3), (-0.035, low)]),), collared=True)
    half: list[Point] = [(0, dip, 1), (0.082, 0.02), (0.09, 0, 1), (w, 0.05, 1), (w - 0.022, 0.14),
        (w - 0.004, 0.255, 1), (w - 0.012, 0.45), (w + 0.03, low, 1), (0, low + 0.006)]  # fmt: skip
    hem = stitches([(-w - 0.02, low - 0.022), (0, low - 0.016), (w + 0.02, low - 0.022)])
    if view in {"front", "detail"}:
        trims: tuple[Trim, ...] = (seam([(0.065, 0.3), (0.07, low)], 0.003), hem, *flaps(w, 0.56))
        trims += tuple(t for y in (0.34, 0.44, 0.54) for x in (-0.06, 0.045) for t in button(x, y, 0.0125))
    else:
        trims = (seam([(0, 0.03), (0, low)]), seam([(0.004, 0.68), (0.006, low)]), hem)
    front = body(half, Drape(5, 2, 0.25, 1.0, 0.015, slant=0.3), trims)
    behind = () if view == "back" else (inside(0.064, dip, -0.04),)
    return Pattern((*behind, *long_arms(w, 0.71, 0.022), front, *lapels(view, dip)), (0.03, 0.15), 0.36)


def flaps(w: float, y: float) -> tuple[Trim, ...]:
    """Two pocket flaps."""
    x0, x1 = w - 0.125, w - 0.025
    right = trace([(x0, y, 1), (x1, y - 0.01, 1), (x1 + 0.002, y + 0.032, 1), (x0, y + 0.042, 1)], closed=True)
    shade = right + floats([0.0015, 0.004])
    pair = []
    for line, tone in ((shade, 0.72), (right, 1.0)):
        pair += [Trim(side, 0.002, tone, filled=tone < 1) for side in (line, flip(line))]
    face = [Trim(side, 0, 1.0, filled=True) for side in (right, flip(right))]
    edge = [Trim(side, 0.0018, 0.78) for side in (right, flip(right))]
    return (*pair[:2], *face, *edge)


def lapels(view: View, dip: float) -> tuple[Panel, ...]:
    """Notched lapels under a collar; from behind only the collar."""
    if view == "back":
        return collar(view, dip)
    flat = Drape(2, 2, 0.3, 0.3, 0.0015)
    wing = trace([(0, dip, 1), (0.05, 0.12), (0.1, 0.06, 1), (0.155, 0.095, 1), (0.1, 0.2)], closed=True)
    top = trace([(0.04, 0.13, 1), (0.062, 0.04), (0.064, -0.04), (0.096, -0.008), (0.146, 0.066, 1), (0.1, 0.074, 1)],
                closed=True)  # fmt: skip
    wing_edge, top_edge = stitches([(0.006, dip), (0.098, 0.19), (0.147, 0.1)]), stitches([(0.1, 0.01), (0.139, 0.066)])
    lower = Panel(wing, ((0.1, 0.05), (0.03, dip)), (0.07, 0.04), flat, roll=0.008, lift=0.55, trims=(wing_edge,))
    upper = Panel(top, ((0.08, -0.04), (0.09, 0.1)), (0.05, 0.05), flat, roll=0.008, lift=0.45, trims=(top_edge,))
    return lower.mirrored(), lower, upper.mirrored(), upper
