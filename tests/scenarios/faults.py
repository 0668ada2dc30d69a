"""What can go wrong with a model, each as a case with its transcript; `docs/faults.md` is made from them.

python -m tests.scenarios.faults            # write docs/faults.md anew
"""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from activities.records import LogEntry
from console.processes import free_port
from rehearsal.scripts import (
    call,
    calls,
    cut,
    fail,
    forever,
    hang_up,
    overflow,
    pause,
    refuse,
    say,
    stop,
    truncate,
)
from screentest.servers import serve
from tests.scenarios.agents import DONE, assistant, decide, ended, spends
from tests.scenarios.stage import Stage, staged
from workflows.models import AgentOutcome, Limits

PAGE = Path("docs/faults.md")
MASKS = (
    (re.compile(r"agent-[0-9a-f]{8}(#\w+/\d+\.\w+)?"), "agent-1"),
    (re.compile(r"toolu_\w+"), "toolu_1"),
    (re.compile(r"\$[\d.]+"), "$…"),
    (re.compile(r"\b\d+ tokens|\d+ of \d+ tokens"), "… tokens"),
    (re.compile(r"sha256:[0-9a-f]+"), "sha256:…"),
)

Act = Callable[[Stage, WorkflowHandle], Awaitable[None]]


async def nothing(stage: Stage, handle: WorkflowHandle) -> None:
    """Do nothing: the machine helps itself."""


def person(choice: str, note: str = "", **more: Any) -> Act:
    """Answer the question that the fault ends in."""

    async def act(stage: Stage, handle: WorkflowHandle) -> None:
        question = await stage.until_asked(handle)
        await decide(handle, choice, note, question=question["id"], **more)

    return act


async def until_it_waits(stage: Stage, handle: WorkflowHandle) -> None:
    """Let the endpoint be down until the run says that it waits for it, then bring it back."""
    await stage.rehearsal.down()
    while not (await _state(handle)).get("waiting"):  # noqa: ASYNC110 - the server's state, not ours
        await asyncio.sleep(0.1)
    await stage.rehearsal.up()


async def _state(handle: WorkflowHandle) -> Mapping[str, Any]:
    with contextlib.suppress(Exception):
        return await handle.query("state")
    return {}


@dataclass(frozen=True)
class Case:
    """One fault: what the model's endpoint does, who acts, and what must have become of the agent."""

    name: str
    means: str
    script: tuple[Any, ...]
    order: dict[str, Any] = field(default_factory=dict)
    act: Act = nothing
    ends: str = "complete"


LOOK = call("look", place="the left")
PAGES = tuple(call("read_page", place=f"page {number}") for number in range(12))
SOON = Limits(patience=timedelta(seconds=60))

CASES = (
    Case(
        "Overloaded, with Retry-After in seconds",
        "Temporal is the only one that retries. What the endpoint asks for is the least that is waited.",
        (LOOK, fail(529, "overloaded_error", retry_after=0.3, times=2), DONE),
    ),
    Case(
        "Rate limit, with Retry-After as a date",
        "A date is heeded like seconds. A rejected request is free.",
        (
            LOOK,
            lambda _: fail(429, "rate_limit_error", retry_after=datetime.now(UTC) + timedelta(seconds=2)).turn,
            DONE,
        ),
    ),
    Case(
        "Retry-After, for longer than there is patience",
        "The run's patience caps the delay: a last attempt is made when it is over, then a person is asked.",
        (forever(fail(529, "overloaded_error", retry_after=3_000).turn),),
        {"limits": Limits(patience=timedelta(seconds=3))},
        person("reject"),
        "failed",
    ),
    Case(
        "A long Retry-After, and there is a fallback",
        "More than a minute is not waited for where another model may answer.",
        (LOOK, fail(429, "rate_limit_error", retry_after=3_000), DONE),
        {"fallbacks": ("claude-opus-5-5",)},
    ),
    Case(
        "The stream ends in the middle",
        "Nobody knows whether it was billed: the attempt counts at what was reserved for it. Then it is asked again.",
        (LOOK, truncate(after=4), DONE),
    ),
    Case(
        "The connection is lost in the middle",
        "The same: counted at its reservation, and asked again.",
        (LOOK, hang_up(after=4), DONE),
    ),
    Case(
        "The endpoint is down for long",
        "After four attempts the run says what it waits for, and waits: its clock stands still, no money is spent.",
        (forever(DONE),),
        {"limits": SOON},
        until_it_waits,
    ),
    Case(
        "The endpoint is down, and there is a fallback",
        "The next model of the chain answers, and the conversation stays with it. Its price was checked first, and the "
        "thinking of the first model is not shown to it.",
        (LOOK, fail(503, "api_error", times=4), DONE),
        {"fallbacks": ("claude-opus-5-5",)},
    ),
    Case(
        "A refusal, and there is a fallback",
        "The refusal is kept with its reason and is not sent again; the next model answers the same question.",
        (LOOK, refuse("general_harms", "I will not."), DONE),
        {"fallbacks": ("claude-opus-5-5",)},
    ),
    Case(
        "A refusal, and no fallback",
        "A person is asked at once: to ask again would be a blind retry.",
        (LOOK, refuse("cyber", "No."), DONE),
        act=person("revise", "It is our own building."),
    ),
    Case(
        "A call that was cut off",
        "It is never run. The agent is told, and may write twice as much, once.",
        (
            cut(calls(call("write_line", line="whole"), call("write_line", line="half a line " * 30))),
            call("write_line", line="s"),
            DONE,
        ),
    ),
    Case(
        "Cut off twice",
        "The second time in a row a person is asked.",
        (cut(say("On and on. " * 40)), cut(say("And on. " * 40)), DONE),
        act=person("revise", "Be brief."),
    ),
    Case(
        "A paused turn",
        "The content goes back unchanged, and the model goes on.",
        (pause("Searching.", query="dresses"), DONE),
    ),
    Case(
        "The window is full",
        "The conversation is shortened, and goes on.",
        (*PAGES[:6], overflow(), DONE),
    ),
    Case(
        "What has to stay does not fit the window",
        "No call is made; a person is asked.",
        (DONE,),
        {"limits": Limits(window=300)},
        person("reject"),
        "failed",
    ),
    Case(
        "An unknown stop reason",
        "Nothing of the reply is executed; a person is asked.",
        (LOOK, stop("tired", call("write_line", line="never")), DONE),
        act=person("revise", "Go on."),
    ),
    Case(
        "The request is refused for good",
        "A person is asked, with what the endpoint said.",
        (LOOK, fail(400, "invalid_request_error", "messages: too many images"), DONE),
        act=person("revise", "Go on without images."),
    ),
    Case(
        "The money is used up",
        "Near the cap the output shrinks, then comes a last turn without tools; after that a person is asked. With new "
        "money the agent goes on where it stood.",
        (*(spends(1_500, call("write_line", line=f"step {number}")) for number in range(5)), DONE),
        {"limits": Limits(micro_usd=75_000, turns=30)},
        person("top_up", "Finish it.", micro_usd=500_000),
    ),
)


async def perform(server: str, home: Path, case: Case) -> tuple[AgentOutcome, list[str]]:
    """Play a case to its end; returns the outcome and its story."""
    async with staged(server, home, assistant(*case.script)) as stage:
        handle = await stage.start_agent(**case.order)
        await case.act(stage, handle)
        outcome = await ended(handle)
        return outcome, story(await stage.records.entries(handle.id))


def story(entries: Iterable[LogEntry]) -> list[str]:
    """Tell entries as lines that are the same in every performance: no times, no ids, no amounts."""
    return [masked(f"{entry['turn'] or '':>3}  {entry['action']:<13}{_words(entry)}".rstrip()) for entry in entries]


def masked(line: str) -> str:
    """Replace what differs from one performance to the next."""
    for pattern, mask in MASKS:
        line = pattern.sub(mask, line)
    return line


def _words(entry: LogEntry) -> str:
    data = entry["data"]
    names = ("kind", "choice", "by", "note", "stop", "model", "tool_name", "tool_input", "error", "text")
    said = [str(data[name]) for name in names if data.get(name)]
    return " · ".join(" ".join(each.split())[:120] for each in said)


def page(told: Iterable[tuple[Case, AgentOutcome, list[str]]]) -> str:
    """Write the page."""
    parts = [HEAD]
    for case, outcome, lines in told:
        parts.append(f"## {case.name}\n\n{case.means} Ends: {outcome.status}.\n\n```\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(parts)


HEAD = """# What can go wrong with a model, and what happens then

Each section is the transcript of a scenario that the tests play (`tests/scenarios/test_faults.py`): turn, action, and
what was said, from the durable records. `python -m tests.scenarios.faults` writes the page; a test keeps it true.
"""


async def tell() -> str:
    """Play all cases and write them down."""
    port, told = free_port(), []
    with tempfile.TemporaryDirectory() as folder, serve(port, Path(folder) / "temporal.db"):
        for number, case in enumerate(CASES):
            told.append((case, *await perform(f"127.0.0.1:{port}", Path(folder) / str(number), case)))
    return page(told)


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(tell()))
