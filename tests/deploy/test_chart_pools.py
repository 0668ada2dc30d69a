"""Worker pools: who serves which queue, how pods end, how many there are, and what scales them."""

import json
from collections import Counter

import pytest

from activities.settings import Settings
from activities.world import DRAIN
from desk.settings import DeskSettings
from tests.deploy.cluster import Fleet, environment, main, queues, selects
from workflows.tracing import queue

PARTS = ("workflows", "model", "tools", "studio")


def test_every_queue_is_served_by_exactly_one_pool(fleet):
    served = Counter(name for worker in fleet.workers.values() for name in queues(worker))
    base = Settings().task_queue
    wanted = {base if part == "workflows" else queue(base, part) for part in PARTS}
    assert wanted <= served.keys()
    assert set(served.values()) == {1}


def test_a_large_fleet_has_a_pool_for_a_tool_of_its_own(large):
    assert queues(large.workers["gpu"]) == ["callsheet-gpu"]
    limits = main(large.workers["gpu"])["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "1"
    assert large.workers["gpu"]["spec"]["template"]["spec"]["nodeSelector"]
    assert environment(main(large.workers["gpu"]))["CALLSHEET_PLACES"] == "gpu=1"
    assert main(large.workers["gpu"])["image"] != main(large.workers["model"])["image"]


def test_pods_get_longer_to_end_than_workers_take_to_drain(fleet):
    for name, worker in fleet.workers.items():
        grace = worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert grace >= DRAIN.total_seconds() + 15, name


def test_sigterm_reaches_the_worker_itself(fleet):
    for name, container in fleet.containers:
        assert container["command"][0] not in {"sh", "bash", "/bin/sh"}, name
        assert "args" not in container, name


def test_every_container_has_bounds(fleet):
    for name, container in fleet.containers:
        resources = container["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys(), name
        assert "memory" in resources["limits"], name


def test_pods_say_whether_they_live_and_whether_they_are_ready(fleet):
    for name, worker in fleet.workers.items():
        container = main(worker)
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        assert environment(container)["CALLSHEET_HEALTH"] == f"0.0.0.0:{ports['health']}", name
        asked = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert [each["path"] for each in asked.values()] == ["/healthz", "/healthz", "/readyz"], name
        assert {each["port"] for each in asked.values()} == {"health"}, name


def test_selectors_match_their_own_pods_and_no_others(fleet):
    pods = {name: pod["metadata"]["labels"] for name, pod in fleet.pods}
    for each in fleet.all("Deployment"):
        own = f"Deployment {each['metadata']['name']}"
        selector = each["spec"]["selector"]["matchLabels"]
        assert [name for name, labels in pods.items() if selects(selector, labels)] == [own]


def test_selectors_have_no_version_or_upgrades_would_be_refused(small):
    newer = Fleet.of("small", "--set", "image.tag=0.2.0")
    for name, worker in small.workers.items():
        assert worker["spec"]["selector"] == newer.workers[name]["spec"]["selector"]
        assert main(worker)["image"] != main(newer.workers[name])["image"]


def test_a_disruption_never_takes_all_pods_of_a_pool(fleet):
    budgets = {each["metadata"]["name"]: each["spec"] for each in fleet.all("PodDisruptionBudget")}
    for name, worker in fleet.workers.items():
        least = _least(fleet, name, worker)
        budget = budgets.get(f"fleet-{name}")
        assert (budget is not None) == (least > 1), name
        if budget:
            assert selects(budget["selector"]["matchLabels"], worker["spec"]["template"]["metadata"]["labels"])
            assert 0 < _taken(budget["maxUnavailable"], least) < least, name


def _least(fleet, name, worker):
    if "replicas" in worker["spec"]:
        return worker["spec"]["replicas"]
    return _scaled(fleet)[name]["spec"]["minReplicaCount"]


def _taken(share, least):
    # Kubernetes rounds a share of what may be unavailable up.
    return share if isinstance(share, int) else -(-least * int(share.rstrip("%")) // 100)


def _scaled(fleet):
    plain = {
        each["metadata"]["name"].removeprefix("fleet-"): each
        for each in fleet.objects
        if each["kind"] == "ScaledObject"
    }
    made = {each["metadata"]["name"].removeprefix("fleet-"): each["spec"]["template"] for each in fleet.templates}
    return plain | made


def test_a_pool_is_scaled_by_the_backlog_of_the_queues_that_it_polls(small, large):
    for fleet in (small, large):
        scaled = _scaled(fleet)
        assert scaled.keys() == fleet.workers.keys()
        for name, worker in fleet.workers.items():
            triggers = [each["metadata"] for each in scaled[name]["spec"]["triggers"] if each["type"] == "temporal"]
            assert [each["taskQueue"] for each in triggers] == queues(worker), name
            assert {each["endpoint"] for each in triggers} == {_address(fleet)}, name
            wanted = "workflow,activity" if name == "workflows" else "activity"
            assert {each["queueTypes"] for each in triggers} == {wanted}, name


def _address(fleet):
    return environment(main(fleet.one("Job", "migrate")))["TEMPORAL_ADDRESS"]


def test_who_is_scaled_says_nothing_of_replicas_itself(small, large):
    for fleet in (small, large):
        assert [name for name, worker in fleet.workers.items() if "replicas" in worker["spec"]] == []


def test_a_plain_pool_is_scaled_by_name_and_in_its_namespace(small):
    for name, each in _scaled(small).items():
        assert each["spec"]["scaleTargetRef"] == {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": f"fleet-{name}",
        }
        assert each["spec"]["triggers"][0]["metadata"]["namespace"] == "callsheet"


def test_each_version_is_scaled_for_itself(large):
    for template in large.templates:
        assert template["spec"]["workerDeploymentRef"]["name"] in {
            each["metadata"]["name"] for each in large.workers.values()
        }
        spec = template["spec"]["template"]["spec"]
        assert spec["scaleTargetRef"] == {}
        trigger = spec["triggers"][0]["metadata"]
        filled_in = ("namespace", "workerDeploymentName", "workerDeploymentBuildId")
        assert [trigger[name] for name in filled_in] == ["", "", ""]


def test_a_version_is_never_without_pods_and_loses_them_slowly(fleet):
    for name, each in _scaled(fleet).items():
        assert 1 <= each["spec"]["minReplicaCount"] <= each["spec"]["maxReplicaCount"], name
        assert "idleReplicaCount" not in each["spec"], name
        down = each["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert down["stabilizationWindowSeconds"] >= 300, name
        assert [each["type"] for each in down["policies"]] == ["Pods"], name


def test_busy_places_keep_pods_where_prometheus_is_known(large):
    for name, each in _scaled(large).items():
        (busy,) = (trigger["metadata"] for trigger in each["spec"]["triggers"] if trigger["type"] == "prometheus")
        assert f'task_queue="{queues(large.workers[name])[0]}"' in busy["query"]
        assert 'temporal_io_build_id="{{temporal_worker_build_id}}"' in busy["query"]


def test_one_pool_may_serve_all_queues():
    dev = Fleet.of("dev")
    assert list(dev.workers) == ["everything"]
    assert len(queues(dev.workers["everything"])) == len(PARTS)


def test_pods_are_spread_over_zones_and_nodes(fleet):
    for name, worker in fleet.workers.items():
        pod = worker["spec"]["template"]
        spread = pod["spec"]["topologySpreadConstraints"]
        assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        for each in spread:
            assert selects(each["labelSelector"]["matchLabels"], pod["metadata"]["labels"]), name


def test_only_settings_that_there_are_get_set(fleet):
    known = {f"CALLSHEET_{name}".upper() for name in Settings.model_fields}
    known |= {f"CALLSHEET_DESK_{name}".upper() for name in DeskSettings.model_fields}
    for name, container in fleet.containers:
        told = {variable for variable in environment(container) if variable.startswith("CALLSHEET_")}
        assert told <= known, name


def test_what_workers_are_told_is_what_settings_take(fleet, monkeypatch):
    for name, worker in fleet.workers.items():
        with monkeypatch.context() as patch:
            for variable, value in environment(main(worker)).items():
                if isinstance(value, str):
                    patch.setenv(variable, value)
            told, settings = environment(main(worker)), Settings()
            assert ",".join(settings.queues) == told["CALLSHEET_QUEUES"], name
            assert [f"{pool}={number}" for pool, number in settings.places.items()] == [
                each for each in told.get("CALLSHEET_PLACES", "").split(",") if each
            ], name
            assert settings.migrate == (told["CALLSHEET_MIGRATE"] == "true"), name


def test_a_change_of_a_setting_starts_new_pods(small):
    changed = Fleet.of("small", "--set", "settings.CALLSHEET_LOG_LEVEL=debug")
    before, after = (json.dumps(each.workers["model"]["spec"]["template"]) for each in (small, changed))
    assert before != after


@pytest.mark.parametrize("secret", ["apiKey", "mtls"])
def test_who_scales_proves_itself_like_the_workers(secret):
    fleet = Fleet.of("small", "--set", f"temporal.auth={secret},temporal.{secret}.secret=temporal-client")
    (auth,) = fleet.all("TriggerAuthentication")
    assert {each["name"] for each in auth["spec"]["secretTargetRef"]} == {"temporal-client"}
    for each in _scaled(fleet).values():
        assert each["spec"]["triggers"][0]["authenticationRef"] == {"name": auth["metadata"]["name"]}
