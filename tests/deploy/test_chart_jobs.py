"""Jobs, the desk, and what watches: around the workers."""

import json

from tests.deploy.cluster import ROOT, Fleet, environment, main, selects

COMMANDS = {"migrate": 0, "bootstrap": 1}


def test_the_schema_and_the_namespace_are_made_ready_before_any_pod_is_new(fleet):
    for command, weight in COMMANDS.items():
        job = fleet.one("Job", command)
        told = job["metadata"]["annotations"]
        assert told["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert int(told["helm.sh/hook-weight"]) == weight
        assert "hook-failed" not in told["helm.sh/hook-delete-policy"]
        assert main(job)["command"] == ["callsheet", command]
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_a_job_needs_nothing_that_the_release_only_makes_after_it(fleet):
    for command in COMMANDS:
        pod = fleet.one("Job", command)["spec"]["template"]["spec"]
        assert "serviceAccountName" not in pod
        assert not [each for each in pod["volumes"] if "configMap" in each]


def test_workers_leave_the_schema_to_the_job_that_there_is(small):
    def told(fleet):
        return {environment(main(worker))["CALLSHEET_MIGRATE"] for worker in fleet.workers.values()}

    assert told(small) == {"false"}
    alone = Fleet.of("small", "--set", "jobs.migrate.enabled=false")
    assert told(alone) == {"true"}
    assert [each["metadata"]["name"] for each in alone.all("Job")] == ["fleet-bootstrap"]


def test_all_processes_reach_the_same_temporal_and_know_the_same_queues(small):
    told = [environment(container) for name, container in small.containers if not name.endswith("key")]
    assert {(each["TEMPORAL_ADDRESS"], each["TEMPORAL_NAMESPACE"]) for each in told} == {
        ("temporal-frontend.temporal.svc.cluster.local:7233", "callsheet")
    }
    assert len({each["CALLSHEET_TASK_QUEUE"] for each in told if "CALLSHEET_TASK_QUEUE" in each}) == 1


def test_the_controller_s_pods_are_told_by_the_controller_where_temporal_is(large):
    (connection,) = large.all("Connection")
    assert connection["spec"]["mutualTLSSecretRef"] == {"name": "temporal-client"}
    for name, worker in large.workers.items():
        assert not [variable for variable in environment(main(worker)) if variable.startswith("TEMPORAL_")], name
        assert worker["spec"]["workerOptions"]["connectionRef"]["name"] == connection["metadata"]["name"]
    job = environment(main(large.one("Job", "migrate")))
    assert job["TEMPORAL_TLS_CLIENT_CERT_PATH"] == "/etc/callsheet/temporal/tls.crt"


def test_new_versions_take_over_step_by_step(large):
    for name, worker in large.workers.items():
        steps = [each["rampPercentage"] for each in worker["spec"]["rollout"]["steps"]]
        assert steps == sorted(steps), name


def test_the_desk_is_reached_by_its_address(small):
    ingress, service = small.one("Ingress", "desk"), small.one("Service", "desk")
    (rule,) = ingress["spec"]["rules"]
    assert f"https://{rule['host']}" == environment(main(small.one("Deployment", "desk")))["CALLSHEET_DESK_URL"]
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == service["metadata"]["name"]
    labels = small.one("Deployment", "desk")["spec"]["template"]["metadata"]["labels"]
    assert selects(service["spec"]["selector"], labels)
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] in {each["name"] for each in main(small.one("Deployment", "desk"))["ports"]}


def test_probes_of_the_desk_ask_by_a_name_that_it_answers_to(small):
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = main(small.one("Deployment", "desk"))[probe]["httpGet"]
        assert asked["httpHeaders"] == [{"name": "Host", "value": "localhost"}]


def test_every_worker_is_scraped_under_the_name_that_the_rules_know(small, large):
    for fleet in (small, large):
        (monitor,) = fleet.all("ServiceMonitor")
        service = fleet.one("Service", "workers")
        assert selects(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {each["name"] for each in service["spec"]["ports"]}
        assert {"action": "replace", "targetLabel": "job", "replacement": "callsheet"} in endpoint["relabelings"]
        for name, worker in fleet.workers.items():
            assert selects(service["spec"]["selector"], worker["spec"]["template"]["metadata"]["labels"]), name
            told = environment(main(worker))
            ports = {each["name"]: each["containerPort"] for each in main(worker)["ports"]}
            assert told["OTEL_EXPORTER_PROMETHEUS_PORT"] == str(ports["metrics"]), name
            assert told["OTEL_METRICS_EXPORTER"] == "prometheus", name


def test_the_desk_is_not_scraped_as_a_worker(small):
    labels = small.one("Deployment", "desk")["spec"]["template"]["metadata"]["labels"]
    assert not selects(small.one("Service", "workers")["spec"]["selector"], labels)


def test_rules_and_dashboards_are_those_of_the_project(small):
    alerts = [
        rule["alert"] for group in small.one("PrometheusRule", "alerts")["spec"]["groups"] for rule in group["rules"]
    ]
    assert "BudgetBurnsFast" in alerts
    assert len(alerts) == (ROOT / "deploy/observability/prometheus/alerts.rules.yml").read_text().count("- alert:")
    shown = {name: text for each in small.all("ConfigMap") for name, text in each["data"].items()}
    assert {name: json.loads(text) for name, text in shown.items()} == {
        path.name: json.loads(path.read_text())
        for path in (ROOT / "deploy/observability/grafana/dashboards").glob("*.json")
    }


def test_grafana_s_sidecar_finds_the_dashboards(small):
    assert {each["metadata"]["labels"]["grafana_dashboard"] for each in small.all("ConfigMap")} == {"1"}
