"""Every panel of every dashboard, asked of a real Prometheus that watched a real worker."""

import json
import math
import time
import urllib.parse

from tests.observability.exhibition import SETTINGS, player, take_place
from tests.observability.test_dashboards import BOARDS, panels
from tests.observability.watch import DIRECTLY

STANDS_FOR = {
    "$__rate_interval": "7s",
    "$__interval": "7s",
    "$__range": "7s",
    "$window": "7s",
    "$agent": ".*",
    "$pipeline": ".*",
}
FAULTS = {
    "Errors of the model, by kind",
    "How replies ended",
    "Rulings of the guards",
    "Failed runs, items and agents",
    "Guards that ruled",
    "Refusals of the model",
    "Questions asked",
    "Overrides",
    "Mean score by attempt",
    "Median score by attempt",
    "Cost of a workflow",
    "Turns of a workflow",
    "Refinements",
    "Made-up ids and tools caught",
    "Wrong arguments caught",
    "Refusals, by kind",
    "Made-up ids, by tool",
    "Wrong arguments, by tool",
    "Agents stopped for money",
    "Budget burn, in four windows",
    "Anomalies",
    "Anomalies, by kind",
}
"""Panels of which zero would be no proof: what they count was made to happen."""


def series(watch, expr, since):
    """The values of a query over the time that was watched, as a graph asks for them."""
    for word, stands in STANDS_FOR.items():
        expr = expr.replace(word, stands)
    words = urllib.parse.urlencode({"query": expr, "start": since, "end": time.time(), "step": 1})
    with DIRECTLY.open(f"{watch.url}/api/v1/query_range?{words}", timeout=60) as answer:
        return json.load(answer)["data"]["result"]


def figures(found):
    return [float(value) for each in found for _, value in each["values"] if math.isfinite(float(value))]


async def test_every_query_of_every_panel_returns_figures_and_what_was_made_to_happen_is_seen(watched):
    since = time.time()
    async with watched(player(), **SETTINGS) as (stage, watch):
        await watch.until(lambda: watch.ask('up{job="callsheet"} offset 7s'), "somebody who watches")
        await take_place(stage)
        await watch.until(
            lambda: watch.ask('agent_escalation_rate{agent_name="single_agent"} offset 5s > 0'), "the records"
        )
        empty, unseen = [], []
        for name, board in BOARDS.items():
            for panel in panels(board):
                found = [figures(series(watch, target["expr"], since)) for target in panel["targets"]]
                empty += [(name, panel["title"], number) for number, each in enumerate(found) if not each]
                if panel["title"] in FAULTS and not any(value > 0 for each in found for value in each):
                    unseen.append((name, panel["title"]))
    assert empty == []
    assert unseen == []


def test_the_panels_that_need_a_fault_are_panels_that_there_are():
    assert {panel["title"] for board in BOARDS.values() for panel in panels(board)} >= FAULTS
