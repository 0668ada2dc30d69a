"""The timeline of a run: one lane for each item or agent, one bar for each model call, tool and wait for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from console.axis import Axis, Stretch
from console.dossier import Dossier, Kind, Span
from console.durations import lasting
from console.errors import one_line

WIDTH, SIDE = 1_000.0, 12.0
TOP, LANE, LABEL = 40.0, 38.0, 13.0
MOST_LANES = 40
CLOSE, NARROW = 1.0, 3.0
"""Narrow bars of one kind that are nearer than this are drawn as one."""
LEAST_WIDTH = 1.5
SHAPES: dict[Kind, tuple[float, float]] = {"person": (15, 19), "model": (17, 15), "aside": (17, 15), "tool": (21, 7)}
"""Where a bar begins in its lane and how high it is: kinds differ by shape, not by colour alone."""
NAMES: dict[Kind, str] = {
    "model": "model calls",
    "aside": "compactions and judges",
    "tool": "tools",
    "person": "waits for people",
}


class Lane(NamedTuple):
    """What happened for one item, or by one agent."""

    title: str
    spans: tuple[Span, ...]

    @property
    def seconds(self) -> float:
        """How long something was done here, or waited for."""
        return sum(span.seconds for span in self.spans)

    def sums(self) -> dict[Kind, tuple[int, float]]:
        """Count the spans of each kind and add their seconds up."""
        found: dict[Kind, tuple[int, float]] = {}
        for span in self.spans:
            number, seconds = found.get(span.kind, (0, 0.0))
            found[span.kind] = number + 1, seconds + span.seconds
        return found


class Bar(NamedTuple):
    """One bar: one span, or several that lie too close to be told apart."""

    x: float
    end: float
    spans: tuple[Span, ...]


def lanes(dossier: Dossier) -> list[Lane]:
    """Sort what happened into lanes, in the order of their beginnings."""
    found: dict[str, list[Span]] = {}
    for span in sorted(dossier.spans, key=lambda span: span.start):
        found.setdefault(span.item if dossier.by_item else span.agent or "people", []).append(span)
    # Two items may have one title; they are two lanes all the same.
    return [Lane(dossier.title(key) if dossier.by_item else key, tuple(spans)) for key, spans in found.items()]


def shown(all_lanes: Sequence[Lane]) -> list[Lane]:
    """Choose the lanes that are drawn: those in which the most time went by."""
    places = sorted(range(len(all_lanes)), key=lambda place: -all_lanes[place].seconds)[:MOST_LANES]
    return [all_lanes[place] for place in sorted(places)]


def draw(drawn: Sequence[Lane], began: datetime) -> Markup:
    """Draw the lanes as a picture that needs nothing else; empty when there is nothing to draw."""
    spans = [span for lane in drawn for span in lane.spans]
    if not spans:
        return Markup()
    axis = _axis(spans, began)
    height = TOP + LANE * len(drawn) + 6
    parts = [_folds(axis, height), _ticks(axis, height)]
    parts += [_lane(axis, began, lane, TOP + LANE * number) for number, lane in enumerate(drawn)]
    return Markup(
        '<svg class="timeline" role="img" aria-labelledby="timeline-title timeline-desc" viewBox="0 0 {:.0f} {:.0f}">'
        '<title id="timeline-title">Timeline</title><desc id="timeline-desc">{}</desc>{}</svg>'
    ).format(WIDTH, height, _described(drawn), Markup().join(parts))


def _axis(spans: Iterable[Span], began: datetime) -> Axis:
    known = [(span, Stretch(_since(began, span.start), _since(began, span.end))) for span in spans]
    busy = [stretch for span, stretch in known if span.kind != "person"]
    return Axis(busy, max(stretch.end for _, stretch in known), WIDTH - 2 * SIDE)


def _lane(axis: Axis, began: datetime, lane: Lane, top: float) -> Markup:
    back = Markup('<rect class="lane" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="19"/>').format(
        SIDE, top + SHAPES["person"][0], WIDTH - 2 * SIDE
    )
    label = Markup('<text class="label" x="{:.1f}" y="{:.1f}">{}</text>').format(
        SIDE, top + LABEL - 2, one_line(lane.title, 90)
    )
    bars = [bar for kind in SHAPES for bar in _bars(axis, began, [span for span in lane.spans if span.kind == kind])]
    return Markup("<g>{}{}{}</g>").format(back, label, Markup().join(_bar(bar, top) for bar in bars))


def _bars(axis: Axis, began: datetime, spans: Iterable[Span]) -> list[Bar]:
    """Place the spans of one kind; those that would lie on each other become one bar."""
    bars: list[Bar] = []
    for span in spans:
        x, end = axis.x(_since(began, span.start)), axis.x(_since(began, span.end))
        last = bars[-1] if bars else None
        if last and _one(last, x, end):
            bars[-1] = Bar(last.x, max(last.end, end), (*last.spans, span))
        else:
            bars.append(Bar(x, end, (span,)))
    return bars


def _one(last: Bar, x: float, end: float) -> bool:
    """Tell whether a bar would hide the last one, or both are so narrow and near that they look like one."""
    return x < last.end or (x - last.end < CLOSE and max(end - x, last.end - last.x) < NARROW)


def _bar(bar: Bar, top: float) -> Markup:
    first = bar.spans[0]
    offset, height = SHAPES[first.kind]
    trouble = " failed" if any(span.failed for span in bar.spans) else ""
    return Markup(
        '<rect class="{}{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="1.5"><title>{}</title></rect>'
    ).format(
        first.kind, trouble, SIDE + bar.x, top + offset, max(bar.end - bar.x, LEAST_WIDTH), f"{height:.0f}", _says(bar)
    )


def _says(bar: Bar) -> str:
    if len(bar.spans) == 1:
        return _span_says(bar.spans[0])
    some = "\n".join(_span_says(span) for span in bar.spans[:4])
    return some if len(bar.spans) <= 4 else f"{some}\nand {len(bar.spans) - 4} more"  # noqa: PLR2004 - as many fit


def _span_says(span: Span) -> str:
    took = lasting(span.seconds) if span.ended else "not ended"
    return one_line(f"{span.what} · {took}", 240)


def _folds(axis: Axis, height: float) -> Markup:
    mark = Markup(
        '<rect class="fold" x="{:.1f}" y="24" width="{:.1f}" height="{:.1f}"><title>{} without work</title></rect>'
        '<text class="folded" x="{:.1f}" y="10" text-anchor="middle">{}</text>'
    )
    found = []
    for fold in axis.folds:
        x, end = axis.x(fold.start), axis.x(fold.end)
        words = lasting(fold.seconds)
        middle = min(max(SIDE + (x + end) / 2, 40), WIDTH - 40)
        found.append(mark.format(SIDE + x, end - x, height - 28, words, middle, f"⋯ {words}"))
    return Markup().join(found)


def _ticks(axis: Axis, height: float) -> Markup:
    mark = Markup(
        '<line class="tick" x1="{0:.1f}" x2="{0:.1f}" y1="28" y2="{1:.1f}"/>'
        '<text class="time" x="{0:.1f}" y="22" text-anchor="{2}">{3}</text>'
    )
    found, last = [], ""
    for moment in axis.ticks():
        x, words = SIDE + axis.x(moment), lasting(moment) if moment else "0"
        # After a long fold, ticks may be closer than words can tell.
        found.append(mark.format(x, height - 4, "start" if x < SIDE + 1 else "middle", words if words != last else ""))
        last = words
    return Markup().join(found)


def _described(drawn: Sequence[Lane]) -> str:
    return f"{len(drawn)} lanes, in the order of their beginnings. The same figures stand in the table below."


def _since(began: datetime, moment: datetime) -> float:
    return max((moment - began).total_seconds(), 0.0)
