"""The dashboards: what is committed is what the sources write, fits Grafana's types, and asks for what there is."""

import json
import re
import types
import typing
from collections import Counter
from enum import Enum

import grafana_foundation_sdk.models.dashboard as model
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins

from activities.meter_names import METRICS
from deploy.observability import boards, rules
from deploy.observability.files import HERE, generated
from deploy.observability.rules.values import Alert, Record

register_default_plugins()
BOARDS = {path.stem: json.loads(path.read_text()) for path in (HERE / "grafana" / "dashboards").glob("*.json")}
RULES = [rule for group in (*rules.recording(), *rules.alerts()) for rule in group.rules]
RECORDED = {rule.name for rule in RULES if isinstance(rule, Record)}
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
KNOWN = {f"{each.name}{part}": {*each.labels} for each in METRICS for part in PARTS[each.kind]}
SELECTOR = re.compile(r"\b(agent_[a-z_]+)(\{[^}]*\})?(?=[\[\s)]|$| offset)")
LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
NAMED = re.compile(r"\b(?:agent_\w+|callsheet:[\w:]+)\b")
LISTED = re.compile(r'"[^"]*"|\b(?:by|on) \([^)]*\)|\{[^}]*\}')
"""Texts, and where labels stand."""


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries():
    for name, board in BOARDS.items():
        for panel in panels(board):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", target["expr"]


EVERY = [*queries(), *((rule.name, rule.expr) for rule in RULES)]


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_what_is_committed_is_what_the_sources_write(path):
    assert path.read_text() == generated()[path], "run `make dashboards`"


def test_nothing_else_lies_where_dashboards_are():
    assert {each["uid"] for each in boards.every()} == set(BOARDS)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_dashboard_is_read_by_grafanas_own_types_without_loss(board):
    read = model.Dashboard.from_json(board)
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == board
    assert list(misfits(read, model.Dashboard, "dashboard")) == []


def test_a_value_of_a_wrong_type_would_be_found():
    board = json.loads(json.dumps(BOARDS["callsheet-tools"]))
    board["panels"][1]["gridPos"]["h"] = "four"
    board["panels"][2]["title"] = 7
    found = list(misfits(model.Dashboard.from_json(board), model.Dashboard, "dashboard"))
    assert [where for where, _ in found] == ["dashboard.panels[1].grid_pos.h", "dashboard.panels[2].title"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_panels_have_ids_and_names_of_their_own_and_say_what_they_are_for(board):
    ids, titles = [panel["id"] for panel in board["panels"]], [panel["title"] for panel in panels(board)]
    assert (len(set(ids)), len(set(titles))) == (len(ids), len(titles))
    for panel in panels(board):
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)
        assert len(panel["description"]) > 20
        assert panel["type"] == "heatmap" or panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_no_panel_lies_on_another(board):
    places = Counter(
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    )
    assert max(places.values()) == 1
    assert max(x for x, _ in places) <= 23


@pytest.mark.parametrize(("where", "expr"), EVERY, ids=[f"{number}" for number in range(len(EVERY))])
def test_a_query_names_only_metrics_and_labels_that_there_are(where, expr):
    names = set(NAMED.findall(LISTED.sub("", expr)))
    assert names <= KNOWN.keys() | RECORDED, where
    for metric, braces in SELECTOR.findall(expr):
        if metric in KNOWN:
            assert set(LABEL.findall(braces)) <= KNOWN[metric] | {"le"}, where


def test_every_metric_of_the_house_is_on_a_dashboard_or_in_a_rule():
    said = " ".join(expr for _, expr in EVERY)
    assert [each.name for each in METRICS if each.name not in said] == []


def test_every_recording_rule_is_read_by_somebody():
    read = " ".join(expr for _, expr in queries()) + " ".join(rule.expr for rule in RULES)
    assert [name for name in RECORDED if name not in read] == []


def test_a_panel_that_names_a_runbook_names_an_alert_that_there_is():
    alerts = {rule.name for rule in RULES if isinstance(rule, Alert)}
    said = [panel["description"] for board in BOARDS.values() for panel in panels(board)]
    named = [name for text in said for names in re.findall(r"Runbook: ([\w, ]+)\.", text) for name in names.split(", ")]
    assert set(named) <= alerts
    assert len(set(named)) > 10


def misfits(value, wanted, where):
    """Find what does not have the type that Grafana's schema, from which these classes are made, asks for."""
    kind, options = typing.get_origin(wanted), typing.get_args(wanted)
    if kind in {typing.Union, types.UnionType}:
        found = [list(misfits(value, each, where)) for each in options]
        yield from min(found, key=lambda each: (bool(each), -max((len(path) for path, _ in each), default=0)))
    elif kind is list and isinstance(value, list):
        for number, each in enumerate(value):
            yield from misfits(each, options[0], f"{where}[{number}]")
    elif kind is typing.Literal:
        if value not in options:
            yield where, f"{value!r} is none of {options}"
    elif kind is not None or (isinstance(wanted, type) and wanted is not object):
        yield from _fits(value, kind or wanted, where)


def _fits(value, wanted, where):
    if isinstance(value, dict) and hasattr(wanted, "from_json"):  # some parts are left as they were read
        value = wanted.from_json(value)
    if issubclass(wanted, Enum):
        good = value in [each.value for each in wanted]
    else:
        good = isinstance(value, (int, float) if wanted is float else wanted)
        good &= not isinstance(value, bool) or wanted is bool
    if not good:
        yield where, f"{value!r} is no {wanted.__name__}"
    elif wanted.__module__.startswith("grafana") and not issubclass(wanted, Enum):
        for name, each in typing.get_type_hints(wanted).items():
            if hasattr(value, name):
                yield from misfits(getattr(value, name), each, f"{where}.{name}")
