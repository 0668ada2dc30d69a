"""What is deployed around the workers: Prometheus, the Alertmanager, the collector, Grafana, and the runbook."""

import re

import pytest
from ruamel.yaml import YAML

from activities.redaction import Redactor
from deploy.observability import rules
from deploy.observability.files import HERE
from deploy.observability.rules.values import Alert
from tests.observability.parts import said

ROOT = HERE.parent.parent
ALERTS = {rule.name: rule for group in rules.alerts() for rule in group.rules if isinstance(rule, Alert)}
COLLECTOR = YAML().load(HERE / "collector" / "collector.yaml")
MANAGER = YAML().load(HERE / "alertmanager" / "alertmanager.yml")
SECRET = ("sk-ant-api03-abcdef", "Bearer abc.def", "ines@example.com")


def test_prometheus_takes_its_configuration_and_the_rules():
    assert "FAILED" not in said("promtool", "check", "config", HERE / "prometheus" / "prometheus.yml")


def test_the_alertmanager_takes_its_configuration():
    assert "SUCCESS" in said("amtool", "check-config", HERE / "alertmanager" / "alertmanager.yml")


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_reaches_those_whom_its_severity_is_for(name):
    severity = ALERTS[name].severity
    words = ("config", "routes", "test", f"--config.file={HERE / 'alertmanager' / 'alertmanager.yml'}")
    to = said("amtool", *words, f"alertname={name}", f"severity={severity}").strip()
    assert to == ("watchdog" if severity == "none" else severity)


def test_what_silences_and_what_is_silenced_are_alerts_that_there_are():
    matchers = [
        matcher for rule in MANAGER["inhibit_rules"] for matcher in (*rule["source_matchers"], *rule["target_matchers"])
    ]
    named = {name for each in matchers for name in re.sub(r"alertname =~? |\"", "", each).split("|")}
    assert named <= ALERTS.keys()


@pytest.mark.parametrize("name", ALERTS)
def test_the_runbook_has_a_section_for_an_alert(name):
    file, _, anchor = ALERTS[name].data()["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_collectors_pipelines_are_made_of_parts_that_it_has():
    # The collector itself cannot be had on this machine: it never ran with this file.
    service = COLLECTOR["service"]
    assert set(service["extensions"]) == set(COLLECTOR["extensions"])
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in service["pipelines"].values() for name in pipeline[kind]}
        assert used == set(COLLECTOR[kind])


def test_the_collector_limits_first_redacts_before_it_gathers_and_gathers_last():
    traces, metrics = (COLLECTOR["service"]["pipelines"][name]["processors"] for name in ("traces", "metrics"))
    assert traces == ["memory_limiter", "redaction", "attributes/secrets", "batch"]
    assert (metrics[0], metrics[-1]) == ("memory_limiter", "batch")


@pytest.mark.parametrize("secret", SECRET)
def test_the_collector_takes_out_what_the_log_takes_out(secret):
    patterns = COLLECTOR["processors"]["redaction"]["blocked_values"]
    assert any(re.search(pattern, secret) for pattern in patterns)
    assert secret not in Redactor()(f"it is {secret}, indeed")


def test_the_collector_listens_on_loopback_unless_told_otherwise_and_keeps_names():
    listening = re.findall(r"endpoint: (\S+):\d+$", (HERE / "collector" / "collector.yaml").read_text(), re.MULTILINE)
    assert {each for each in listening if "TRACES" not in each} == {"${env:COLLECTOR_HOST:-127.0.0.1}"}
    assert COLLECTOR["exporters"]["prometheus"]["add_metric_suffixes"] is False


def test_grafana_is_told_where_prometheus_and_the_dashboards_are():
    folder = HERE / "grafana" / "provisioning"
    [source] = YAML().load(folder / "datasources" / "prometheus.yaml")["datasources"]
    [provider] = YAML().load(folder / "dashboards" / "callsheet.yaml")["providers"]
    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
