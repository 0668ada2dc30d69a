"""Two people who answer whatever is asked, both at once: only one of them can be first."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from temporalio.client import Client
from temporalio.service import RPCError

from activities.deciding import Deciding, NotTaken, Waiting
from activities.signing import Signer
from workflows.models import Decision, Identity

PEOPLE = ("Ines", "Vera")
BEAT = 1.0


@contextlib.asynccontextmanager
async def deciding(client: Client, signer: Signer, queue: str) -> AsyncIterator[None]:
    """Have both look at the queue until the end of the block."""
    people = asyncio.create_task(_decide(Deciding(client, signer), queue))
    try:
        yield
    finally:
        people.cancel()
        await asyncio.gather(people, return_exceptions=True)


async def _decide(desk: Deciding, queue: str) -> None:
    while True:
        with contextlib.suppress(RPCError):  # a server is away, or a worker is being killed
            waiting = [each async for each in desk.waiting(f"TaskQueue = '{queue}'")]
            await asyncio.gather(*(_answer(desk, each, by) for each in waiting for by in PEOPLE))
        await asyncio.sleep(BEAT)


async def _answer(desk: Deciding, waiting: Waiting, by: str) -> None:
    """Approve what is shown; give nobody more money."""
    asked = waiting.card
    choice = "approve" if asked.kind == "review" else "reject"
    decision = Decision(choice=choice, by=by, question=asked.id, digest=asked.digest, note="seen")
    with contextlib.suppress(NotTaken, RPCError):
        await desk.send(waiting.workflow, decision, Identity(name=by, role="operator"))
