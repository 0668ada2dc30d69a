"""Deciding: approve, reject, revise, reassign, and cancel."""

from typing import Annotated

import typer

from activities.settings import Settings
from console.errors import Exit, Stopped
from console.runs import OF_ITEMS, Runs
from console.screen import Screen
from console.session import AsJson, Name, RunId, finish, me, open_runs
from workflows.models import Choice, Decision, Receipt

Item = Annotated[str, typer.Option("--item", metavar="KEY", help="Which item of the run, when several wait.")]
Note = Annotated[str, typer.Option("--note", help="Why; is kept with the decision.")]
Change = Annotated[str, typer.Option("--note", help="What to change; the refiner reads it.")]
To = Annotated[str, typer.Option("--to", metavar="NAME", help="Who is to decide instead.")]


def add(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (approve, reject, revise, reassign, cancel):
        app.command()(command)


def approve(run: RunId, item: Item = "", note: Note = "", name: Name = "", as_json: AsJson = False) -> None:
    """Approve what is being asked. Against missed rules this is recorded as an override in your name."""
    _send(run, item, Decision(choice="approve", by=name or me(), note=note), as_json)


def reject(run: RunId, item: Item = "", note: Note = "", name: Name = "", as_json: AsJson = False) -> None:
    """Reject what is being asked."""
    _send(run, item, Decision(choice="reject", by=name or me(), note=note), as_json)


def revise(run: RunId, note: Change, item: Item = "", name: Name = "", as_json: AsJson = False) -> None:
    """Send it back with a note on what to change."""
    _send(run, item, Decision(choice="revise", by=name or me(), note=note), as_json)


def reassign(run: RunId, to: To, item: Item = "", note: Note = "", name: Name = "", as_json: AsJson = False) -> None:
    """Hand the question to somebody else."""
    _send(run, item, Decision(choice="reassign", by=name or me(), note=note, to=to), as_json)


def cancel(run: RunId, as_json: AsJson = False) -> None:
    """Cancel a run, an item or an agent; it cleans up and ends."""
    screen = Screen(as_json=as_json)

    async def work() -> None:
        await (await open_runs(Settings())).cancel(run)
        screen.show({"id": run, "cancelled": True}, f"{run} is asked to end.")

    finish(work())


async def meant(runs: Runs, run: str, item: str) -> str:
    """Find which workflow is meant: the item, the agent, or the only item of the run that waits."""
    if item:
        return f"{run}:{item}"
    seen = await runs.look(run)
    if seen.type not in OF_ITEMS or not seen.run:
        return run
    waiting = [row.key for row in seen.run.items if row.status == "awaiting_review"]
    if len(waiting) > 1:
        raise Stopped(Exit.CONFLICT, f"several items wait; name one with --item: {', '.join(waiting[:10])}")
    return f"{run}:{waiting[0]}" if waiting else run


async def deliver(runs: Runs, workflow: str, decision: Decision) -> Receipt:
    """Send a decision, bound to the question that is open now.

    Without an open question it is sent all the same: the validator knows who decided before.
    """
    seen = await runs.look(workflow)
    if not seen.running:
        by = f", {seen.item.decision} by {seen.item.decided_by}" if seen.item and seen.item.decided_by else ""
        raise Stopped(Exit.CONFLICT, f"nothing to decide: {workflow} has ended: {seen.status}{by}")
    if question := await runs.question(workflow):
        decision = decision.model_copy(update={"question": question.id, "digest": question.digest})
    return await runs.decide(workflow, decision)


def _send(run: str, item: str, decision: Decision, as_json: bool) -> None:
    screen = Screen(as_json=as_json)

    async def work() -> None:
        runs = await open_runs(Settings())
        workflow = await meant(runs, run, item)
        receipt = await deliver(runs, workflow, decision)
        data = {"id": workflow, **receipt.model_dump(mode="json")}
        screen.show(data, f"{_PAST[receipt.choice]}: {workflow}, by {receipt.by}.")

    finish(work())


_PAST: dict[Choice, str] = {
    "approve": "Approved",
    "reject": "Rejected",
    "revise": "Sent back",
    "reassign": "Handed over",
    "top_up": "Topped up",
}
