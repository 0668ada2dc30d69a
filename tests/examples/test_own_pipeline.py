"""`docs/own-pipeline.md` works as it is written, in an empty folder, for somebody who does what it says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.processes import kill
from tests.examples.own import mypy
from tests.examples.pages import DOCS, files_of, write_out

PAGE = "own-pipeline.md"
STARTER = DOCS.parent / "starter.py"


@pytest.fixture
def florist(tmp_path):
    """The folder of somebody who has followed the page, and their environment: no key, no path of ours."""
    write_out(PAGE, tmp_path)
    gone = ("TEMPORAL_", "CALLSHEET_", "ANTHROPIC_", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
    return tmp_path, {**env, "CALLSHEET_HOME": str(tmp_path / "home"), "TEMPORAL_CONFIG_FILE": os.devnull}


def run(florist, *words, seconds=200):
    folder, env = florist
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )


def callsheet(florist, *words):
    return run(florist, str(STARTER), *words, "--json")


def test_the_pipeline_of_the_page_runs_asks_and_sells(florist):
    folder, env = florist
    command = [sys.executable, str(STARTER), "dev", "--worker", "worker.py", "--json"]
    dev = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert dev.stdout.readline(), dev.stderr.read()
        address = json.loads((folder / "home" / "stack.json").read_text())["address"]
        theirs = (folder, {**env, "TEMPORAL_ADDRESS": address})
        ordering = subprocess.Popen(
            [sys.executable, "order.py", "spring-1", "wedding"],
            cwd=folder,
            env=theirs[1],
            stdout=subprocess.PIPE,
            text=True,
        )
        asked = _until_asked(florist)
        approved = callsheet(florist, "approve", "spring-1", "--as", "Vera")
        printed, _ = ordering.communicate(timeout=200)
        trace = callsheet(florist, "trace", "spring-1")
        status = json.loads(callsheet(florist, "status", "spring-1").stdout)
        evaluated = callsheet(florist, "eval", "bouquets.yaml")
    finally:
        stopped = callsheet(florist, "dev", "--stop")
        kill(dev)
    assert (asked["id"], asked["question"]["reason"]) == ("spring-1", "Shall we sell these? not rehearsed")
    assert approved.returncode == 0, approved.stdout
    assert printed == "not rehearsed: 0 stems\n"
    assert status["execution"] == "completed"
    assert any(entry["agent_name"] == "clerk" for entry in json.loads(trace.stdout))
    assert evaluated.returncode == 0, evaluated.stdout
    assert json.loads(evaluated.stdout)["figures"]["pass-rate"]["value"] == 1.0
    assert {"rehearsal", "temporal", "worker"} <= set(json.loads(stopped.stdout)["ended"])


def _until_asked(florist):
    for _ in range(60):
        found = json.loads(callsheet(florist, "pending").stdout)
        if isinstance(found, list) and found:
            return found[0]
    raise AssertionError(f"nobody was asked: {found}")


def test_the_tests_of_the_page_pass_in_its_folder(florist):
    tested = run(florist, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider", seconds=400)
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout


def test_the_code_of_the_page_satisfies_the_type_checker(florist):
    folder, _ = florist
    found = mypy(folder, "florist", "worker.py", "order.py", "inventory.py", "worker_with_inventory.py")
    assert found == []


def test_the_worker_of_the_page_that_uses_an_mcp_server_has_its_tool_and_locks_it(florist):
    code = (
        "import asyncio, os\n"
        "from activities.leave import leave\n"
        "from worker_with_inventory import world\n"
        "async def main():\n"
        "    opened = await world()\n"
        "    print([tool['name'] for tool in opened.conversations._tooling.definitions(('inventory_vases',))])\n"
        "os.environ['ANTHROPIC_API_KEY'] = 'none'\n"
        "asyncio.run(main())\n"
        "leave(0)\n"
    )
    found = run(florist, "-c", code)
    assert found.returncode == 0, found.stderr
    assert found.stdout == "['inventory_vases']\n"
    assert json.loads((florist[0] / "inventory.lock.json").read_text())["server"] == "inventory"


def test_the_readme_quotes_only_code_that_a_test_runs():
    readme = (DOCS.parent / "README.md").read_text()
    section = readme.partition("## Bring your own\n")[2].partition("\n## ")[0]
    tested = "\n".join([*files_of(PAGE).values(), *_examples()])
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert blocks
    for block in blocks:
        for part in block.strip().split("\n\n\n"):
            assert part.strip() in tested, part


def _examples():
    return [path.read_text() for path in Path(DOCS.parent / "examples").rglob("*.py")]
