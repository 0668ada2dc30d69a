"""Deciding: approve, reject, revise, edit and answer; claim, release and reassign."""

from pathlib import Path
from typing import Annotated

import typer

from activities.settings import Settings
from console.errors import Exit, Stopped
from console.orders import read_file
from console.runs import Runs
from console.screen import Screen
from console.session import AsJson, Name, RunId, finish, me, open_runs
from workflows.models import MOVES, Choice, Decision, Question, Receipt

Item = Annotated[str, typer.Option("--item", metavar="KEY", help="Which item of the run, when several wait.")]
Note = Annotated[str, typer.Option("--note", help="Why; is kept with the decision.")]
Change = Annotated[str, typer.Option("--note", help="What to change; the refiner reads it.")]
Reply = Annotated[str, typer.Option("--note", help="The answer; the agent reads it.")]
To = Annotated[str, typer.Option("--to", metavar="NAME", help="Who is to decide instead.")]
Digest = Annotated[
    str, typer.Option("--digest", metavar="SHA256", help="What you saw; refused if something else is asked by now.")
]
Call = Annotated[str, typer.Option("--call", metavar="ID", help="Which of several tool calls; default: all open ones.")]
Text = Annotated[
    str, typer.Option("--text", metavar="TEXT|@FILE", help="What runs instead; the arguments of a call are JSON.")
]

SHORTEST = 8
"""Digits of a digest that name one."""
LONGEST_EDIT = 16_000


def add(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (approve, reject, revise, edit, answer, claim, release, reassign):
        app.command()(command)


def approve(
    run: RunId,
    item: Item = "",
    note: Note = "",
    digest: Digest = "",
    call: Call = "",
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """Approve what is being asked. Against missed rules this is recorded as an override in your name."""
    _send(run, item, Decision(choice="approve", by=name or me(), note=note, digest=digest, call=call), as_json)


def reject(
    run: RunId,
    item: Item = "",
    note: Note = "",
    digest: Digest = "",
    call: Call = "",
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """Reject what is being asked."""
    _send(run, item, Decision(choice="reject", by=name or me(), note=note, digest=digest, call=call), as_json)


def revise(
    run: RunId, note: Change, item: Item = "", digest: Digest = "", name: Name = "", as_json: AsJson = False
) -> None:
    """Send it back with a note on what to change."""
    _send(run, item, Decision(choice="revise", by=name or me(), note=note, digest=digest), as_json)


def edit(
    run: RunId,
    text: Text,
    item: Item = "",
    digest: Digest = "",
    call: Call = "",
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """Write yourself what is to run: the instruction, or the arguments of a tool call."""
    edited = read_file(Path(text[1:])).decode("utf-8", "replace") if text.startswith("@") else text
    if not edited.strip() or len(edited) > LONGEST_EDIT:
        raise Stopped(Exit.USAGE, f"--text: say what is to run instead, in {LONGEST_EDIT} characters at most")
    decision = Decision(choice="edit", by=name or me(), digest=digest, call=call, edited=edited)
    _send(run, item, decision, as_json)


def answer(
    run: RunId, note: Reply, item: Item = "", digest: Digest = "", name: Name = "", as_json: AsJson = False
) -> None:
    """Answer an agent's free question; it goes on with what you say."""
    _send(run, item, Decision(choice="answer", by=name or me(), note=note, digest=digest), as_json)


def claim(run: RunId, item: Item = "", name: Name = "", as_json: AsJson = False) -> None:
    """Take a question on: until you release it only you and leads decide it."""
    _send(run, item, Decision(choice="claim", by=name or me()), as_json)


def release(run: RunId, item: Item = "", name: Name = "", as_json: AsJson = False) -> None:
    """Give a claimed question back."""
    _send(run, item, Decision(choice="release", by=name or me()), as_json)


def reassign(run: RunId, to: To, item: Item = "", note: Note = "", name: Name = "", as_json: AsJson = False) -> None:
    """Hand the question to somebody else."""
    _send(run, item, Decision(choice="reassign", by=name or me(), note=note, to=to), as_json)


async def meant(runs: Runs, run: str, item: str) -> str:
    """Find which workflow is meant: the item, the agent, or the only item of the run that waits."""
    if item:
        return f"{run}:{item}"
    seen = await runs.look(run)
    if not seen.run:
        return run
    waiting = [row.key for row in seen.run.items if row.status == "awaiting_review"]
    if len(waiting) > 1:
        raise Stopped(Exit.CONFLICT, f"several items wait; name one with --item: {', '.join(waiting[:10])}")
    return f"{run}:{waiting[0]}" if waiting else run


async def deliver(runs: Runs, workflow: str, decision: Decision) -> Receipt:
    """Send a decision, bound to the question that is open now; with a digest, to what its sender saw."""
    seen = await runs.look(workflow)
    if not seen.running:
        by = f", {seen.item.decision} by {seen.item.decided_by}" if seen.item and seen.item.decided_by else ""
        raise Stopped(Exit.CONFLICT, f"nothing to decide: {workflow} has ended: {seen.status}{by}")
    if (question := await runs.question(workflow)) is None:
        raise Stopped(Exit.CONFLICT, _nothing(workflow, await runs.last_answer(workflow)))
    return await runs.decide(workflow, bound(decision, question))


def bound(decision: Decision, question: Question) -> Decision:
    """Bind a decision to a question, and to what was seen: a digest may be given by its first digits."""
    shown = {call.call_id: call.digest for call in question.calls}.get(decision.call, question.digest)
    said = decision.digest.removeprefix("sha256:")
    same = not said or (len(said) >= SHORTEST and shown.removeprefix("sha256:").startswith(said))
    digest = shown if same else decision.digest
    return decision.model_copy(update={"question": question.id, "digest": "" if decision.choice in MOVES else digest})


def _nothing(workflow: str, last: Receipt | None) -> str:
    if last is None:
        return f"nothing to decide: {workflow} asks nothing now"
    return f"already decided: {last.by} chose {last.choice} at {last.at:%Y-%m-%d %H:%M:%S} UTC"


def _send(run: str, item: str, decision: Decision, as_json: bool) -> None:
    screen = Screen(as_json=as_json)

    async def work() -> None:
        runs = await open_runs(Settings())
        workflow = await meant(runs, run, item)
        receipt = await deliver(runs, workflow, decision)
        data = {"id": workflow, **receipt.model_dump(mode="json")}
        overrides = f" This overrides: {'; '.join(receipt.overrides)}." if receipt.overrides else ""
        screen.show(data, f"{_PAST[receipt.choice]}: {workflow}, by {receipt.by}.{overrides}")

    finish(work())


_PAST: dict[Choice, str] = {
    "approve": "Approved",
    "reject": "Rejected",
    "revise": "Sent back",
    "edit": "Edited",
    "answer": "Answered",
    "claim": "Claimed",
    "release": "Released",
    "reassign": "Handed over",
    "top_up": "Topped up",
}
