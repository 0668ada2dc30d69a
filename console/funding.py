"""Telling those that wait for money that there is some: they go on where they stood."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ConfigDict
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError

from activities.connection import ServerUnreachable
from activities.deciding import NotTaken
from console.accounts import Account
from console.errors import Exit, Stopped, explain, one_line
from console.runs import Runs
from workflows.models import Decision, Question

AT_ONCE = 20
"""Workflows that are told side by side; thousands may wait for the money of a fleet."""
LAG = 1.0
"""Seconds by which the server's list of workflows is taken to lag behind."""


class Waiter(BaseModel):
    """A workflow that waited for money. `problem` says why it could not be told."""

    model_config = ConfigDict(frozen=True)

    id: str
    needs: int = 0
    problem: str = ""


class Funding(BaseModel):
    """What came of telling all that waited. `problem` says why nobody could be found."""

    model_config = ConfigDict(frozen=True)

    waiters: tuple[Waiter, ...] = ()
    problem: str = ""

    @property
    def told(self) -> tuple[Waiter, ...]:
        """Those that go on."""
        return tuple(each for each in self.waiters if not each.problem)

    @property
    def missed(self) -> tuple[Waiter, ...]:
        """Those that still wait, as far as is known."""
        return tuple(each for each in self.waiters if each.problem)


async def tell(reach: Callable[[], Awaitable[Runs]], account: Account, by: str, note: str) -> Funding:
    """Answer every open question about this account: it was topped up already.

    Nothing is raised that a server or a worker can cause: the cap is raised, and telling can be repeated.
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def one(runs: Runs, workflow: str) -> Waiter | None:
        async with places:
            return await _answer(runs, workflow, account, by, note)

    try:
        runs = await reach()
        asking = await _asking(runs, account)
    except (ServerUnreachable, RPCError) as error:
        return Funding(problem=_words(error))
    answered = await asyncio.gather(*(one(runs, workflow) for workflow in asking))
    return Funding(waiters=tuple(each for each in answered if each))


async def _asking(runs: Runs, account: Account) -> list[str]:
    """Find who may wait for this money.

    The server's list lags a moment behind. A run knows better which of its items ask; without a run, look twice.
    """
    found = dict.fromkeys(await runs.awaiting(account.run))
    if account.run:
        found |= dict.fromkeys(await _asking_in(runs, account.run))
    else:
        await asyncio.sleep(LAG)
        found |= dict.fromkeys(await runs.awaiting())
    return list(found)


async def _asking_in(runs: Runs, run: str) -> list[str]:
    try:
        seen = await runs.look(run)
    except (Stopped, RPCError):  # whether it asks is tried below, and what is wrong with it is said there
        return [run]
    rows = seen.run.items if seen.run else ()
    items = [f"{run}:{row.key}" for row in rows if row.status == "awaiting_review"]
    return [run, *items] if seen.running else []


async def _answer(runs: Runs, workflow: str, account: Account, by: str, note: str) -> Waiter | None:
    """Tell one workflow; None when it did not wait for this, or does no longer."""
    question: Question | None = None
    try:
        question = await runs.question(workflow)
        if question is None or question.kind != "budget" or not account.covers(question.account):
            return None
        decision = Decision(choice="top_up", by=by, note=note, question=question.id, digest=question.digest)
        await runs.decide(workflow, decision)
    except NotTaken:  # somebody else has answered meanwhile
        return None
    except (Stopped, RPCError, RPCTimeoutOrCancelledError) as error:
        if (stopped := explain(error)) and stopped.code == Exit.UNKNOWN_ID:  # it has ended meanwhile
            return None
        return Waiter(id=workflow, problem=_words(error))
    return Waiter(id=workflow, needs=question.needs_micro_usd)


def _words(error: Exception) -> str:
    stopped = explain(error)
    return stopped.message if stopped else one_line(error)
