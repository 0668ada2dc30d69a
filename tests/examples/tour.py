"""The tour of the command line, played on a stage; `docs/tour.md` is made of what it prints.

python -m tests.examples.tour            # write docs/tour.md anew
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from console.processes import free_port
from rehearsal.roles import Roles
from screentest import staged
from screentest.servers import serve
from tests.chaos.processes import environment

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "tour.md"
TEE = "tour:amazon-main-front-cotton-tee-optic-white"
HEAD = """# A tour of the command line

What you see is real output, written by `python -m tests.examples.tour` and held true by a test, but for moments, times
and amounts, which are as they were that day. The model is the rehearsal that ships: rules, no language model. To follow
it, keep `callsheet dev` running in another terminal.
"""
TAIL = """There is more: `watch` follows a run live, `top` shows the whole fleet, `report` writes one page of a run,
`transcript` shows every word, `budget` caps and tops up, `eval` runs suites, `doctor` says what is missing.
`callsheet --help` lists all commands; each has `--json`.
"""
MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "(a moment)"),
    (re.compile(r"\$\d[\d.]*"), "(an amount)"),
    (re.compile(r"\b\d+\.\d+\b|\b\d{3,}\b"), "(a figure)"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "(a digest)"),
    (re.compile(r" +"), " "),
)
"""What differs from run to run, or with the day's prices; and how wide a column is depends on what is in it."""


@dataclass(frozen=True)
class Scene:
    """Something that is said, and the command that shows it; first a workflow may have to ask a person, or to end."""

    says: str
    words: tuple[str, ...]
    asks: str = ""
    ends: str = ""


SCENES = (
    Scene(
        "Start a shoot of two images. The second cannot be right: an optic white tee on a pure white ground.",
        ("start", "production", "briefs/two-shots.yaml", "--id", "tour"),
    ),
    Scene(
        "Where does it stand? The dress passed the gate and is published. The tee was refined three times and still "
        "does not pass; so a person is asked, and it is not published meanwhile.",
        ("status", "tour"),
        asks=TEE,
    ),
    Scene("What waits for people, oldest first, with what each may decide.", ("pending",)),
    Scene(
        "Look at the item: every take with its score and the rules that its bytes break.",
        ("status", TEE),
    ),
    Scene(
        "Decide. The first answer counts, is bound to the digest of what was shown, and is kept under a name as an "
        "override.",
        ("approve", "tour", "--as", "Vera", "--note", "The white is the product."),
    ),
    Scene(
        "Nothing is asked twice: whoever comes later is told who was first.",
        ("reject", TEE, "--as", "Noor"),
        ends="tour",
    ),
    Scene("The run is over.", ("status", "tour")),
    Scene("Which tools were used, how often they refused, and how long they took.", ("trace", "tour", "--summary")),
    Scene("Where the money went, from the ledger: every attempt, also those that failed.", ("cost", "tour")),
)


async def play(server: str, home: Path) -> list[str]:
    """Play the tour and return what each scene printed, as a person sees it."""
    async with staged(
        server, home, Roles(), settings={"decision_keys": ()}
    ) as stage:  # the commands sign for themselves
        env = {**environment(stage, server), "COLUMNS": "150", "NO_COLOR": "1"}
        printed: list[str] = []
        for scene in SCENES:
            if scene.asks:
                await stage.asked(stage.client.get_workflow_handle(scene.asks))
                await _ended(stage, "tour:amazon-main-front-linen-dress-ink-navy")
            if scene.ends:
                await stage.outcome(stage.client.get_workflow_handle(scene.ends))
            printed.append(await asyncio.to_thread(_run, scene.words, env))
        return printed


async def _ended(stage, workflow: str) -> None:
    await stage.outcome(stage.client.get_workflow_handle(workflow))


def _run(words: tuple[str, ...], env: dict[str, str]) -> str:
    command = [sys.executable, str(ROOT / "starter.py"), *words]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    text = "\n".join(line.rstrip() for line in (done.stdout + done.stderr).strip("\n").splitlines())
    return text + (f"\n(exit code {done.returncode})" if done.returncode else "")


def masked(text: str) -> list[str]:
    """Give the lines of a page without what differs from run to run, sorted: items that go side by side overtake."""
    for mask, word in MASKS:
        text = mask.sub(word, text)
    return sorted(line.strip() for line in text.splitlines())


def page(printed: list[str]) -> str:
    """Write the tour."""
    parts = [HEAD]
    for scene, text in zip(SCENES, printed, strict=True):
        shown = " ".join(f'"{word}"' if " " in word else word for word in scene.words)
        parts.append(f"{scene.says}\n\n```\n$ callsheet {shown}\n{text}\n```\n")
    parts.append(TAIL)
    return "\n".join(parts)


def main() -> None:
    """Play the tour and write the page."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, serve(port, Path(folder) / "temporal.db"):
        PAGE.write_text(page(asyncio.run(play(f"127.0.0.1:{port}", Path(folder) / "home"))), encoding="utf-8")


if __name__ == "__main__":
    main()
    from activities.leave import leave

    leave(0)
