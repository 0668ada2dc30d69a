"""The chart as a whole: helm takes it, and the API server would take what it renders."""

import pytest

from tests.deploy.cluster import CHART, SETS, Fleet, helm, main, mistakes


@pytest.mark.parametrize("values", SETS)
def test_helm_finds_nothing_to_complain_of(values):
    done = helm("lint", "--strict", str(CHART), "-f", f"values-{values}.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_packs_with_its_rules_and_dashboards(tmp_path):
    assert helm("package", str(CHART), "--destination", str(tmp_path)).returncode == 0
    (packed,) = tmp_path.glob("callsheet-*.tgz")
    unpacked = helm("template", "x", str(packed), "-f", "values-large.yaml").stdout
    assert unpacked.count("kind: PrometheusRule") == 2
    assert unpacked.count("alert: BudgetBurnsFast") == 1


def test_every_object_is_what_kubernetes_and_the_operators_take(fleet):
    assert len(fleet.objects) >= 5
    assert [mistake for each in fleet.objects for mistake in mistakes(each)] == []


def test_a_wrong_object_would_be_found(small, large):
    worker = small.one("Deployment", "model")
    assert mistakes({**worker, "spec": {**worker["spec"], "replicas": "two"}})
    assert mistakes({**worker, "spec": {**worker["spec"], "replica": 2}})
    scaled = small.one("ScaledObject", "model")
    assert mistakes({**scaled, "spec": {**scaled["spec"], "maxReplicas": 3}})
    version = large.one("WorkerDeployment", "model")
    assert mistakes({**version, "spec": {**version["spec"], "rollout": {"strategy": "Progressive"}}})
    pod = {**version["spec"]["template"], "spec": {"containers": [{"nam": "worker"}]}}
    assert mistakes({**version, "spec": {**version["spec"], "template": pod}})


def test_everything_is_in_the_release_s_namespace_and_says_whose_it_is(fleet):
    for each in fleet.objects:
        assert each["metadata"]["namespace"] == "apart", each["metadata"]["name"]
        assert each["metadata"]["labels"]["app.kubernetes.io/instance"] == "fleet", each["metadata"]["name"]


def test_names_are_given_once(fleet):
    names = [(each["kind"], each["metadata"]["name"]) for each in fleet.objects]
    assert len(names) == len(set(names))


def test_a_long_release_name_still_fits():
    fleet = Fleet.of("large", release="a" * 53)
    assert all(len(each["metadata"]["name"]) <= 63 for each in fleet.objects)
    assert [mistake for each in fleet.workers.values() for mistake in mistakes(each)] == []


def test_an_image_is_named_by_version_or_digest(fleet):
    for name, container in fleet.containers:
        image = container["image"]
        assert ":" in image.rpartition("/")[2], name
        assert not image.endswith(":latest"), name
    if fleet.name == "large":
        assert "@sha256:" in main(fleet.workers["model"])["image"]
