"""What the report draws: time with folded pauses, lanes with bars, and pages that stay small for large runs."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from console.axis import FOLD, Axis, Stretch
from console.charts import scores, stack
from console.costs import sums
from console.dossier import Answered, Dossier, Event, Item, Span
from console.durations import age, lasting
from console.report_page import render
from console.timeline import MOST_LANES, draw, lanes, shown
from tests.console import shoot
from workflows.models import Standing

BEGAN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def span(start: float, end: float, kind: str = "model", item: str = "a", what: str = "a call", **more) -> Span:
    times = {"start": BEGAN + timedelta(seconds=start), "end": BEGAN + timedelta(seconds=end)}
    return Span.model_validate({"item": item, "agent": "critic", "kind": kind, "what": what, **times, **more})


def dossier(*spans: Span, items: tuple[Item, ...] = (), rulings: tuple[Event, ...] = ()) -> Dossier:
    return Dossier(
        id="run",
        run="run",
        goal="a goal",
        pipeline="image_production",
        tenant="default",
        started=BEGAN,
        ended=max((each.end for each in spans), default=BEGAN),
        standing=Standing(account="run:run"),
        costs=sums([]),
        turns=0,
        tools=(),
        spans=spans,
        asked=(),
        rulings=rulings,
        errors=(),
        items=items,
        answered=Answered(),
    )


def bars(*spans: Span) -> list[ET.Element]:
    """Read the bars of a drawing; it has to be well-formed."""
    picture = ET.fromstring(draw(lanes(dossier(*spans)), BEGAN))
    return [rect for rect in picture.iter("rect") if rect.get("class") not in {"lane", "fold"}]


def titles(*spans: Span) -> list[str]:
    return [bar.findtext("title") for bar in bars(*spans)]


def test_time_runs_evenly_while_there_is_work():
    axis = Axis([Stretch(0, 10)], 10, 100)
    assert [axis.x(at) for at in (0, 5, 10)] == [0, 50, 100]
    assert axis.folds == []


def test_a_long_pause_is_folded_and_what_follows_keeps_its_scale():
    axis = Axis([Stretch(0, 100), Stretch(10_000, 10_100)], 10_100, 200 + FOLD)
    assert axis.folds == [Stretch(100, 10_000)]
    assert [axis.x(at) for at in (0, 100, 5_050, 10_000, 10_100)] == [0, 100, 100 + FOLD / 2, 100 + FOLD, 200 + FOLD]


def test_the_axis_never_goes_back_and_fills_its_width():
    axis = Axis([Stretch(at * 100, at * 100 + 3) for at in range(30)], 5_000, 900)
    places = [axis.x(at) for at in range(0, 5_001, 7)]
    assert places == sorted(places)
    assert axis.x(5_000) == pytest.approx(900)


def test_ticks_are_round_apart_and_outside_of_folds():
    axis = Axis([Stretch(0, 100), Stretch(10_000, 10_100)], 10_100, 900)
    ticks = axis.ticks()
    assert all(at % 5 == 0 and not 100 < at < 10_000 for at in ticks)
    assert all(axis.x(after) - axis.x(before) >= 70 for before, after in pairwise(ticks))


def test_a_run_that_took_no_time_is_still_drawn():
    assert titles(span(0, 0)) == ["a call · 0 ms"]


def test_nothing_done_is_nothing_drawn():
    assert draw([], BEGAN) == ""


def test_calls_that_can_be_told_apart_have_a_bar_each():
    assert len(bars(span(0, 10), span(10, 20), span(30, 31))) == 3


def test_bars_that_would_hide_each_other_become_one_that_names_them():
    found = titles(span(0, 600), span(1, 2, what="second"), *(span(2, 3) for _ in range(4)))
    assert len(found) == 1
    assert "second" in found[0]
    assert found[0].endswith("and 2 more")


def test_a_failure_among_merged_bars_is_seen():
    merged = bars(span(0, 600), span(1, 2, failed=True))
    assert [bar.get("class") for bar in merged] == ["model failed"]


def test_kinds_are_told_apart_by_their_shape_too():
    kinds = ("model", "tool", "person")
    heights = {bar.get("class"): bar.get("height") for bar in bars(*(span(0, 9, kind) for kind in kinds))}
    assert len(set(heights.values())) == len(kinds)


def test_what_has_not_ended_says_so():
    assert titles(span(0, 0, ended=False)) == ["a call · not ended"]


def test_a_single_agent_has_lanes_by_agent_and_people():
    found = lanes(dossier(span(0, 1, item=""), span(1, 9, "person", item="").model_copy(update={"agent": ""})))
    assert [lane.title for lane in found] == ["critic", "people"]


def test_of_many_lanes_those_in_which_the_most_time_went_by_are_drawn_in_order():
    every = lanes(dossier(*(span(number, number + 1 + number, item=f"item {number}") for number in range(100))))
    drawn = shown(every)
    assert len(drawn) == MOST_LANES
    assert [lane.title for lane in drawn] == [f"item {number}" for number in range(60, 100)]


def test_a_large_run_has_a_page_of_bounded_size():
    items = tuple(
        Item(shot=shoot.shot(f"item-{number}"), state=shoot.refined(f"item-{number}")) for number in range(2_000)
    )
    work = [
        span(number, number + 9, kind, item=f"item-{number}") for number in range(2_000) for kind in ("model", "tool")
    ]
    rulings = tuple(
        Event(at=BEGAN, item="", agent="critic", turn=1, kind="nudge", text="x" * 999) for _ in range(2_000)
    )
    page = render(dossier(*work, items=items, rulings=rulings), BEGAN)
    assert len(page) < 400_000
    assert "1960 more are not drawn" in page
    assert "and 1900 more" in page


def test_a_score_outside_of_the_scale_stays_in_the_picture():
    picture = ET.fromstring(scores("x", [shoot.attempt(1, shoot.FIRST, 250), shoot.attempt(2, shoot.FIRST, -5)], 80))
    _, top, _, height = (float(each) for each in picture.get("viewBox").split())
    assert all(top <= float(point.get("cy")) <= height for point in picture.iter("circle"))


def test_parts_of_nothing_are_no_picture():
    assert stack([("input", 0)], "Tokens") == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.34, "340 ms"),
        (0.9996, "1.0 s"),
        (4.24, "4.2 s"),
        (42, "42 s"),
        (60, "1 min"),
        (190, "3 min 10 s"),
        (7_500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (-1, "0 ms"),
    ],
)
def test_a_duration_is_written_with_what_matters(seconds, text):
    assert lasting(seconds) == text


def test_an_age_is_short():
    assert [age(seconds) for seconds in (-1, 45, 60, 7_300, 200_000)] == ["0s", "45s", "1m", "2h", "2d"]
