"""The programs that these tests run: Debian's Prometheus and Alertmanager, and their tools."""

import shutil
import subprocess

import pytest


def program(name: str) -> str:
    """Find a program; without it there is nothing to test with, and the test fails saying so."""
    if (found := shutil.which(name)) is None:
        pytest.fail(
            f"{name} is not installed. Debian, Ubuntu: apt-get install prometheus prometheus-alertmanager; "
            "macOS: brew install prometheus alertmanager",
            pytrace=False,
        )
    return found


def said(name: str, *words: object) -> str:
    """Run a tool to its end; what it says is the message where it fails."""
    done = subprocess.run([program(name), *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"
    return done.stdout
