"""What helm renders, to be asked about: objects by kind, their pods, and what runs in them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
CHART = KUBERNETES / "callsheet"
CHARTS = Path(sys.prefix) / "charts"
CRDS = Path(__file__).parent / "crds"
SETS = ("dev", "small", "large")
WORKLOADS = ("Deployment", "WorkerDeployment", "Job")

Object = Mapping[str, Any]


def tool(name: str) -> str:
    """Where a program is that `make charts` brings; nothing is skipped without it."""
    own, found = CHARTS / name, shutil.which(name)
    if own.exists() and sys.platform == "linux":
        return str(own)
    assert found, f"{name} is missing: run `make charts`, or on another machine than Linux on x86-64 install {name}"
    return found


def helm(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run helm."""
    return subprocess.run([tool("helm"), *arguments], capture_output=True, text=True, check=False, cwd=KUBERNETES)


def render(values: str, *more: str, release: str = "fleet") -> "subprocess.CompletedProcess[str]":
    """Render the chart with one of the value sets."""
    arguments = ("template", release, str(CHART), "--namespace", "apart", "--kube-version", "1.35.0")
    return helm(*arguments, "-f", str(KUBERNETES / f"values-{values}.yaml"), *more)


@dataclass(frozen=True)
class Fleet:
    """The objects of one rendering."""

    name: str
    objects: tuple[Object, ...]

    @classmethod
    @cache
    def of(cls, values: str, *more: str, release: str = "fleet") -> "Fleet":
        """Render once for all tests."""
        done = render(values, *more, release=release)
        assert done.returncode == 0, done.stderr
        return cls(values, tuple(each for each in YAML(typ="safe").load_all(done.stdout) if each))

    def all(self, kind: str) -> list[Object]:
        """The objects of a kind, also those that the Worker Controller makes from a template."""
        found = [each for each in self.objects if each["kind"] == kind]
        return found + [each["spec"]["template"] for each in self.templates if each["spec"]["template"]["kind"] == kind]

    @property
    def templates(self) -> list[Object]:
        """What the Worker Controller makes something of, for each version."""
        return [each for each in self.objects if each["kind"] == "WorkerResourceTemplate"]

    def one(self, kind: str, name: str) -> Object:
        """The only object of this kind whose name ends like this."""
        (found,) = (
            each for each in self.objects if each["kind"] == kind and each["metadata"]["name"] == f"fleet-{name}"
        )
        return found

    @property
    def workers(self) -> dict[str, Object]:
        """What keeps worker pods, by pool."""
        kept = ("Deployment", "WorkerDeployment")
        labelled = [each for each in self.objects if each["kind"] in kept]
        return {
            each["metadata"]["labels"]["callsheet/pool"]: each
            for each in labelled
            if "callsheet/pool" in each["metadata"]["labels"]
        }

    @property
    def pods(self) -> Iterator[tuple[str, Object]]:
        """The name of each workload, and its pods."""
        for each in self.objects:
            if each["kind"] in WORKLOADS:
                yield f"{each['kind']} {each['metadata']['name']}", each["spec"]["template"]

    @property
    def containers(self) -> Iterator[tuple[str, Object]]:
        """Every container, those that run first too."""
        for name, pod in self.pods:
            for each in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
                yield f"{name}, {each['name']}", each


def environment(container: Object) -> dict[str, Any]:
    """The variables of a container; a reference is what it refers to."""
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container.get("env", ())}


def main(workload: Object) -> Object:
    """The container of a workload that does its work."""
    return workload["spec"]["template"]["spec"]["containers"][0]


def queues(workload: Object) -> list[str]:
    """The task queues that the workers of a pool poll."""
    told = environment(main(workload))
    base = told["CALLSHEET_TASK_QUEUE"]
    return [base if part == "workflows" else f"{base}-{part}" for part in told["CALLSHEET_QUEUES"].split(",")]


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether these labels are selected."""
    return selector.items() <= labels.items()


@cache
def _validator(api: str, kind: str) -> Draft202012Validator:
    custom = CRDS / f"{kind.lower()}.json"
    if custom.exists():
        return Draft202012Validator(json.loads(custom.read_text()))
    assert (CHARTS / "kubernetes").exists(), "the schemas of Kubernetes are missing: run `make charts`"
    group, _, version = api.rpartition("/")
    file = f"{kind.lower()}-{group.split('.')[0]}-{version}.json" if group else f"{kind.lower()}-{version}.json"
    schema = json.loads((CHARTS / "kubernetes" / file).read_text())
    return Draft202012Validator(schema, registry=_definitions())


@cache
def _definitions() -> Registry[Any]:
    shared = json.loads((CHARTS / "kubernetes/_definitions.json").read_text())
    return Resource.from_contents(shared) @ Registry()


def mistakes(thing: Object) -> list[str]:
    """What the API server would refuse in an object, strictly: unknown fields are mistakes."""
    found = [
        f"{thing['kind']} at {error.json_path}: {error.message[:200]}"
        for error in _validator(thing["apiVersion"], thing["kind"]).iter_errors(thing)
    ]
    if thing["kind"] == "WorkerDeployment":
        found += mistakes(_as_deployment(thing))
    if thing["kind"] == "WorkerResourceTemplate":
        found += mistakes({"metadata": {"name": "made"}, **_filled_in(thing["spec"]["template"])})
    return found


def _as_deployment(worker: Object) -> Object:
    template = worker["spec"]["template"]
    spec = {"selector": {"matchLabels": template["metadata"]["labels"]}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "made"}, "spec": spec}


def _filled_in(template: Object) -> Object:
    """Put in what the Worker Controller puts into the places that are left empty for it."""
    assert template["spec"]["scaleTargetRef"] == {}
    return {**template, "spec": {**template["spec"], "scaleTargetRef": {"name": "made"}}}
