"""The image that deploy/test-image.sh has built and mounted."""

import json
import os
from pathlib import Path

import pytest

from console.processes import free_port
from screentest.servers import serve
from tests.image.pod import Pod


@pytest.fixture(scope="session")
def root():
    """Where the image is mounted."""
    assert "IMAGE_ROOT" in os.environ, "there is no image: run `make test-image`"
    return Path(os.environ["IMAGE_ROOT"])


@pytest.fixture(scope="session")
def config():
    """What the image says of itself, in Docker's words."""
    return json.loads(Path(os.environ["IMAGE_JSON"]).read_text())["Docker"]["config"]


@pytest.fixture(scope="session")
def environ(config):
    """The environment of a process in the image."""
    return dict(each.split("=", 1) for each in config["Env"])


@pytest.fixture(scope="session")
def pod(root, environ, tmp_path_factory):
    """One home for all tests: what one process keeps there, the next one finds."""
    home = tmp_path_factory.mktemp("pod")
    for parent in (home, *home.parents[:3]):
        parent.chmod(0o755)  # the user of the image has to pass through
    return Pod(root, home / "home", environ)


@pytest.fixture(scope="session")
def temporal(tmp_path_factory):
    """The address of a Temporal server of this machine; the image has none."""
    port = free_port()
    with serve(port, tmp_path_factory.mktemp("temporal") / "temporal.db"):
        yield f"127.0.0.1:{port}"
