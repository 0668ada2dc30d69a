"""The alerts, one by one: each fires when it should, says what it should, and rests when it should."""

import pytest
from ruamel.yaml import YAML

from deploy.observability import rules
from deploy.observability.clock import Clock
from deploy.observability.files import as_yaml
from deploy.observability.rules.values import Alert, Group, Record
from tests.observability.more_rule_cases import CASES
from tests.observability.parts import said

ALERTS = {rule.name: rule for group in rules.alerts() for rule in group.rules if isinstance(rule, Alert)}
WATCHED = {'up{job="prometheus", instance="p:1"}': "1x1500"}
RECORDS = [rule for group in rules.recording() for rule in group.rules if isinstance(rule, Record)]


def needed(alert):
    """The rules that an alert is made of, and no others: a day of all of them takes minutes to work out."""
    names, found = alert.expr, []
    for record in reversed(RECORDS):  # what a record reads stands before it
        if record.name in names:
            found.insert(0, record)
            names += record.expr
    return [Group("needed", "1m", [*found, alert])]


def trial(number, name, case):
    """One test in promtool's form."""
    alert = ALERTS[name]
    told = {"summary": case.summary, "description": alert.look, "runbook": alert.data()["annotations"]["runbook"]}
    expected = [{"exp_labels": case.labels | {"severity": alert.severity}, "exp_annotations": told}]
    watched = {} if any(series.startswith("up{") for series in case.series) else WATCHED
    return {
        "name": f"{name}, case {number}",
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in (case.series | watched).items()],
        "alert_rule_test": [
            {"eval_time": case.at, "alertname": name, "exp_alerts": expected if case.summary else []},
        ],
    }


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_when_it_should_and_rests_when_it_should_not(name, tmp_path):
    cases = CASES[name]
    kinds = {bool(case.summary) for case in cases}
    assert kinds == ({True} if name == "Watchdog" else {True, False})
    page = tmp_path / "test.yml"
    (tmp_path / "rules.yml").write_text(as_yaml(needed(ALERTS[name])))
    tests = [trial(number, name, case) for number, case in enumerate(cases, 1)]
    with page.open("w") as file:
        YAML().dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}, file)
    assert "SUCCESS" in said("promtool", "test", "rules", page)


def test_every_case_is_of_an_alert_that_there_is():
    assert set(CASES) == set(ALERTS)


@pytest.mark.parametrize("clock", [Clock(), Clock(1 / 240, 4)])
def test_the_rules_are_rules_in_real_time_and_in_that_of_drills(clock, tmp_path):
    for name, groups in (("recording", rules.recording(clock)), ("alerts", rules.alerts(clock))):
        (tmp_path / name).write_text(as_yaml(groups))
        assert "SUCCESS" in said("promtool", "check", "rules", "--lint-fatal", tmp_path / name)


def test_a_duration_that_is_none_is_refused_in_plain_words():
    with pytest.raises(ValueError, match="'5 minutes' is no duration; write a whole number and one of s, m, h, d"):
        Clock(1 / 2).span("5 minutes")
