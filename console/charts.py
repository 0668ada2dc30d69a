"""Small drawings for the report: a bar beside a figure, parts of a whole, scores take by take."""

from collections.abc import Sequence

from markupsafe import Markup

from workflows.models import Attempt

PLOT_WIDTH, PLOT_HEIGHT = 240.0, 128.0
LEFT, RIGHT, ABOVE, BELOW = 26.0, 12.0, 20.0, 18.0
GRID = (0, 50, 100)


def bar(part: float, kind: str = "cost") -> Markup:
    """Draw a part (0 to 1) of the full width. The figure stands beside it, so it is hidden from readers aloud."""
    width = max(min(part, 1.0), 0.0) * 100
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="well" width="100" height="8"/><rect class="{}" width="{:.2f}" height="8"/></svg>'
    ).format(kind, width)


def stack(parts: Sequence[tuple[str, int]], title: str) -> Markup:
    """Draw the parts of a whole side by side: pairs of a class and an amount."""
    whole = sum(amount for _, amount in parts)
    if not whole:
        return Markup()
    rects, x = [], 0.0
    for kind, amount in parts:
        width = amount / whole * 1_000
        rect = Markup('<rect class="{}" x="{:.2f}" width="{:.2f}" height="20"><title>{}: {:,} ({:.1%})</title></rect>')
        rects.append(rect.format(kind, x, width, kind.replace("-", " "), amount, amount / whole))
        x += width
    said = ", ".join(f"{kind.replace('-', ' ')} {amount / whole:.1%}" for kind, amount in parts)
    return Markup(
        '<svg class="stack" role="img" viewBox="0 0 1000 20" preserveAspectRatio="none">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(title, said, Markup().join(rects))


def scores(title: str, takes: Sequence[Attempt], threshold: int) -> Markup:
    """Plot the score of every take against the threshold; a take that missed a rule is a hollow point."""
    points = [(_across(number, len(takes)), _down(take.score), take) for number, take in enumerate(takes)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    said = "; ".join(f"take {take.number}: {_said(take)}" for take in takes)
    return Markup(
        '<svg class="scores" role="img" viewBox="0 0 {:.0f} {:.0f}"><title>{}</title><desc>{}. Threshold {}.</desc>'
        '{}{}<polyline class="path" points="{}"/>{}</svg>'
    ).format(
        PLOT_WIDTH,
        PLOT_HEIGHT,
        f"Score by take: {title}",
        said,
        threshold,
        _grid(),
        _threshold(threshold),
        line,
        Markup().join(_point(x, y, take, threshold) for x, y, take in points),
    )


def _point(x: float, y: float, take: Attempt, threshold: int) -> Markup:
    passed = take.score >= threshold and not take.missed
    return Markup(
        '<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="4"><title>Take {}: {}</title></circle>'
        '<text class="figure" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>'
        '<text class="time" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>'
    ).format(
        "passed" if passed else "missed",
        x,
        y,
        take.number,
        _said(take),
        x,
        y - 8,
        take.score,
        x,
        PLOT_HEIGHT - 4,
        take.number,
    )


def _grid() -> Markup:
    line = Markup(
        '<line class="tick" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>'
        '<text class="time" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>'
    )
    ends = LEFT, PLOT_WIDTH - RIGHT
    return Markup().join(line.format(*ends, _down(at), _down(at), LEFT - 5, _down(at) + 3.5, at) for at in GRID)


def _threshold(threshold: int) -> Markup:
    y = _down(threshold)
    return Markup('<line class="threshold" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>').format(
        LEFT, PLOT_WIDTH - RIGHT, y, y
    )


def _across(number: int, many: int) -> float:
    room = PLOT_WIDTH - LEFT - RIGHT
    return LEFT + room * (number + 0.5) / max(many, 1)


def _down(score: float) -> float:
    return ABOVE + (PLOT_HEIGHT - ABOVE - BELOW) * (1 - min(max(score, 0), 100) / 100)


def _said(take: Attempt) -> str:
    missed = ", ".join(name.replace("_", " ") for name in take.missed)
    return f"score {take.score}" + (f", missed {missed}" if missed else "")
