"""What pods may do, whom they may talk to, and where their secrets come from."""

import re

import pytest

from tests.deploy.cluster import Fleet, environment, main, selects

SECRET = re.compile(r"DATABASE$|SECRET|PASSWORD|TOKEN|_API_KEY|SLACK_URL|SMTP_URL")


def test_no_secret_is_written_down(fleet):
    for name, container in fleet.containers:
        for variable, value in environment(container).items():
            if SECRET.search(variable):
                assert value.keys() == {"secretKeyRef"}, f"{name}: {variable}"
    assert not fleet.all("Secret")


def test_workers_get_the_database_by_reference(fleet):
    for name, worker in fleet.workers.items():
        told = environment(main(worker))
        assert told["CALLSHEET_DATABASE"]["secretKeyRef"] == {"name": "callsheet-database", "key": "url"}, name


def test_the_model_s_key_is_with_those_who_call_it_and_with_nobody_else(fleet):
    holders = {name for name, container in fleet.containers if "ANTHROPIC_API_KEY" in environment(container)}
    callers = {
        name
        for name, container in fleet.containers
        if "model" in str(environment(container).get("CALLSHEET_QUEUES", "")).split(",")
    }
    assert holders == callers
    assert len(holders) == 1


def test_no_pod_runs_as_root_or_may_become_it(fleet):
    for name, pod in fleet.pods:
        told = pod["spec"]["securityContext"]
        assert told["runAsNonRoot"], name
        assert (told["runAsUser"], told["runAsGroup"]) == (10001, 10001), name
        assert told["seccompProfile"] == {"type": "RuntimeDefault"}, name
    for name, container in fleet.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_every_pod_has_places_to_write_that_are_bounded(fleet):
    for name, pod in fleet.pods:
        volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
        container = pod["spec"]["containers"][0]
        places = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        assert {"/tmp", "/var/lib/callsheet"} <= places.keys(), name
        assert all("sizeLimit" in volumes[places[path]]["emptyDir"] for path in ("/tmp", "/var/lib/callsheet")), name


def test_what_is_mounted_is_there(fleet):
    for name, pod in fleet.pods:
        volumes = {each["name"] for each in pod["spec"]["volumes"]}
        for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            assert {each["name"] for each in container["volumeMounts"]} <= volumes, name


def test_nobody_may_talk_to_the_cluster(fleet):
    (account,) = fleet.all("ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert all(pod["spec"]["automountServiceAccountToken"] is False for _, pod in fleet.pods)
    assert not [each for each in fleet.objects if "Role" in each["kind"]]


def test_secret_files_are_for_their_group_alone(fleet):
    for name, pod in fleet.pods:
        for volume in pod["spec"]["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440, name


def _policies(fleet, labels):
    return [
        each["spec"]
        for each in fleet.all("NetworkPolicy")
        if selects(each["spec"]["podSelector"]["matchLabels"], labels)
    ]


def _ports(rules):
    return {port["port"] for rule in rules for port in rule["ports"]}


@pytest.mark.parametrize("values", ["small", "large"])
def test_all_pods_are_cut_off_but_for_what_they_need(values):
    fleet = Fleet.of(values)
    for name, pod in fleet.pods:
        found = _policies(fleet, pod["metadata"]["labels"])
        nothing = [each for each in found if not each.keys() & {"ingress", "egress"}]
        assert [each["policyTypes"] for each in nothing] == [["Ingress", "Egress"]], name
        out = _ports(rule for each in found for rule in each.get("egress", ()))
        assert {53, 7233, 5432} <= out, name
        into = _ports(rule for each in found for rule in each.get("ingress", ()))
        assert into == (
            {9464} if "callsheet/pool" in pod["metadata"]["labels"] else {8400} if "desk" in name else set()
        )


def test_the_internet_is_for_those_who_need_it_and_has_no_private_address_in_it(large):
    def reach(pool):
        labels = large.workers[pool]["spec"]["template"]["metadata"]["labels"]
        rules = [rule for each in _policies(large, labels) for rule in each.get("egress", ())]
        return [
            peer["ipBlock"] for rule in rules for peer in rule.get("to", ()) if peer.get("ipBlock", {}).get("except")
        ]

    assert (len(reach("model")), len(reach("studio")), len(reach("gpu"))) == (1, 0, 0)
    assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(reach("model")[0]["except"])


def test_a_desk_signs_with_a_key_that_nobody_else_can_read(small):
    pod = small.one("Deployment", "desk")["spec"]["template"]["spec"]
    (key,) = pod["initContainers"]
    assert key["command"][:3] == ["install", "-m", "0600"]
    told = environment(pod["containers"][0])
    assert told["CALLSHEET_SIGNING_KEY"] == key["command"][-1]
    assert not [each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "key"]


def test_workers_trust_keys_by_name_where_there_is_a_desk(small):
    trusted = {environment(main(worker))["CALLSHEET_DECISION_KEYS"] for worker in small.workers.values()}
    assert trusted == {environment(main(small.one("Deployment", "desk")))["CALLSHEET_DECISION_KEYS"]}
