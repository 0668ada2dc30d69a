"""deploy/compose.yaml: valid by the specification's schema, and whole: what it names is there."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import typer
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from activities.settings import Settings
from activities.world import DRAIN
from console.app import build
from desk.settings import DeskSettings
from tests.deploy.cluster import CHARTS, ROOT

DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.yaml"
PARTS = ("workflows", "model", "tools", "studio")
# Images of one program and nothing else: no shell, nothing to ask with.
BARE = {"collector", "traces", "temporal-ui"}
ONCE = {"migrate", "bootstrap", "temporal-schema", "cli"}


@pytest.fixture(scope="module")
def compose():
    """The file, its anchors resolved."""
    return YAML(typ="safe").load(FILE.read_text())


@pytest.fixture(scope="module")
def services(compose):
    """Its services by name."""
    return compose["services"]


@pytest.fixture(scope="module")
def ours(services):
    """Those that run our image."""
    return {name: each for name, each in services.items() if "callsheet" in each["image"]}


def test_it_is_a_compose_file(compose):
    schema = json.loads((CHARTS / "compose-spec.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(compose)] == []
    broken = {**compose, "services": {"desk": {"imagge": "x"}}}
    assert list(Draft202012Validator(schema).iter_errors(broken))


def test_every_file_that_is_mounted_is_there(services):
    places = [volume.split(":")[0] for each in services.values() for volume in each.get("volumes", ())]
    files = [place for place in places if place.startswith(".")]
    assert len(files) >= 8
    assert [place for place in files if not (DEPLOY / place).exists()] == []


def test_volumes_networks_and_services_that_are_named_are_defined(compose, services):
    mounted = {v.split(":")[0] for each in services.values() for v in each.get("volumes", ()) if not v.startswith(".")}
    assert mounted == compose["volumes"].keys()
    assert {name for each in services.values() for name in each["networks"]} == compose["networks"].keys()
    waited = {
        (name, what["condition"]) for each in services.values() for name, what in each.get("depends_on", {}).items()
    }
    assert {name for name, _ in waited} <= services.keys()
    for name, condition in waited:
        if condition == "service_healthy":
            assert "test" in services[name]["healthcheck"], name
        assert (condition == "service_completed_successfully") == (name in ONCE), name


def test_who_talks_to_whom_shares_a_network(services):
    for name, each in services.items():
        told = json.dumps(each.get("environment", {}))
        for other in services.keys() - {name}:
            if re.search(rf"[/@\"]{other}:\d", told):
                assert set(each["networks"]) & set(services[other]["networks"]), f"{name} -> {other}"


def test_everything_that_is_published_is_on_the_loopback_and_on_a_port_of_its_own(services):
    published = [port for each in services.values() for port in each.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert max(Counter(port.split(":")[1] for port in published).values()) == 1


def test_images_are_pinned(services):
    for name, each in services.items():
        tag = each["image"].rstrip("}").rpartition(":")[2]
        assert re.search(r"\d+\.\d+", tag), name


def test_whoever_serves_says_whether_it_is_well(services):
    silent = {name for name, each in services.items() if "test" not in each.get("healthcheck", {})}
    assert silent == BARE | ONCE


def test_every_queue_is_served_by_one_worker(ours):
    served = Counter(
        each["environment"]["CALLSHEET_QUEUES"] for name, each in ours.items() if name.startswith("worker")
    )
    assert served == Counter(PARTS)


def test_workers_get_longer_to_end_than_they_take_to_drain(ours):
    for name, each in ours.items():
        if name.startswith("worker"):
            assert int(each["stop_grace_period"].rstrip("s")) > DRAIN.total_seconds(), name


def test_our_containers_may_do_no_more_than_they_need(ours):
    for name, each in ours.items():
        assert each["read_only"], name
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["tmpfs"][0].startswith("/tmp"), name


def test_only_settings_that_there_are_get_set(ours):
    known = {f"CALLSHEET_{name}".upper() for name in Settings.model_fields}
    known |= {f"CALLSHEET_DESK_{name}".upper() for name in DeskSettings.model_fields}
    for name, each in ours.items():
        told = {variable for variable in each.get("environment", {}) if variable.startswith("CALLSHEET_")}
        assert told <= known, name


def test_every_command_is_one_of_ours(ours):
    commands = typer.main.get_command(build()).commands
    for name, each in ours.items():
        match each.get("command", []):
            case ["callsheet", command]:
                assert command in commands, name
            case ["python3", "-m", module, *_]:
                assert (ROOT / module / "__main__.py").exists(), name
            case []:
                assert name.startswith("worker"), name
            case other:
                assert (name, other) == ("cli", ["--help"])


def test_the_example_says_every_variable_that_is_needed_and_no_other():
    needed = set(re.findall(r"\$\{([A-Z_]+)", FILE.read_text())) - {"CALLSHEET_IMAGE"}
    example = (DEPLOY / ".env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) - {"COMPOSE_PROFILES"} == needed


def test_no_password_is_written_into_the_file(services):
    for name, each in services.items():
        for variable, value in each.get("environment", {}).items():
            if re.search(r"PASSWORD|_PWD|API_KEY|DATABASE$", variable):
                assert "${" in str(value), f"{name}: {variable}"


def test_prometheus_scrapes_every_worker_under_the_name_that_the_rules_know(ours):
    scrapes = YAML(typ="safe").load((DEPLOY / "compose/prometheus.yml").read_text())["scrape_configs"]
    (job,) = (each for each in scrapes if each["job_name"] == "callsheet")
    (targets,) = (each["targets"] for each in job["static_configs"])
    assert set(targets) == {f"{name}:9464" for name in ours if name.startswith("worker")}


def test_it_alerts_and_scrapes_like_the_configuration_for_one_machine(services):
    own, other = (
        YAML(typ="safe").load(path.read_text())
        for path in (DEPLOY / "compose/prometheus.yml", DEPLOY / "observability/prometheus/prometheus.yml")
    )
    assert own["global"] == other["global"]
    assert [each["job_name"] for each in own["scrape_configs"]] == [
        each["job_name"] for each in other["scrape_configs"]
    ]
    mounted = {Path(volume.split(":")[1]).name for volume in services["prometheus"]["volumes"]}
    assert set(other["rule_files"]) <= mounted


def test_grafana_finds_the_dashboards_where_they_are_mounted(services):
    mounted = dict(volume.split(":")[:2] for volume in services["grafana"]["volumes"])
    (provider,) = YAML(typ="safe").load(
        (DEPLOY / "observability/grafana/provisioning/dashboards/callsheet.yaml").read_text()
    )["providers"]
    (folder,) = (own for own, there in mounted.items() if there == provider["options"]["path"])
    assert list((DEPLOY / folder).glob("*.json"))


def test_the_images_of_databases_keep_their_data_in_the_volume(services):
    for name, each in services.items():
        if each["image"].startswith("postgres:"):
            major = int(each["image"].split(":")[1].split(".")[0])
            place = "/var/lib/postgresql" if major >= 18 else "/var/lib/postgresql/data"
            assert [volume.split(":")[1] for volume in each["volumes"]] == [place], name
