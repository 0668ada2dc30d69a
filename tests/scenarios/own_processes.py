"""Processes of a user's own, in a module of their own as the sandbox wants it."""

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.agent import Agent
from workflows.each import each, results
from workflows.models import WorkOrder
from workflows.process import Process


class Note(BaseModel):
    """What the clerk hands in."""

    text: str


class Notes(WorkOrder):
    """What is to be noted."""

    goal: str = "Note everything down."
    about: tuple[str, ...] = ("one",)
    at_once: int = 2


CLERK = Agent("clerk", "You are the clerk of an office. Hand in JSON.", Note, tools=("stamp", "escalate_to_human"))


@workflow.defn
class NoteEach(Process):
    """Has a clerk note each thing down; what begins with "never" fails for good."""

    def __init__(self) -> None:
        super().__init__()
        self._at_once = self._most = 0

    @workflow.run
    async def run(self, order: Notes) -> list[str]:
        async with self.working(order):
            fates = await each(self.note, order.about, order.at_once)
            self.stage("partial" if any(fate.failure for fate in fates) else "complete")
            return [fate.error or str(fate.result) for fate in fates]

    async def note(self, about: str) -> str:
        if about.startswith("never"):
            raise ApplicationError(f"{about} is not to be noted", non_retryable=True)
        ended = await self.consult(CLERK, f"Note {about} down.")
        return ended.output.text if ended.output else f"nothing: {ended.reason}"


@workflow.defn
class CountSideBySide(Process):
    """Tells how many worked at once, at most, and in which order they are given back."""

    @workflow.run
    async def run(self, order: Notes) -> list[int]:
        at_once = most = 0

        async def wait(number: int) -> int:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep((5 - number) / 10)
            at_once -= 1
            return number

        async with self.working(order):
            given = results(await each(wait, range(5), order.at_once))
            return [most, *given]


@workflow.defn
class StampCleared(Process):
    """Clears one thing for stamping, as a person would."""

    @workflow.run
    async def run(self, order: Notes) -> str:
        async with self.working(order):
            ended = await self.consult(CLERK, "Stamp it.", self.cleared(*order.about, by="Ines"))
            return ended.output.text if ended.output else ""


@workflow.defn
class WithoutAnOrder(Process):
    """Forgets to work under its order."""

    @workflow.run
    async def run(self, order: Notes) -> str:
        ended = await self.consult(CLERK, order.goal)
        return str(ended.output)


@workflow.defn
class AllOrNothing(NoteEach):
    """Gives nothing less than all results."""

    @workflow.run
    async def run(self, order: Notes) -> list[str]:
        async with self.working(order):
            return await self._all(order.about)

    async def _all(self, about: Sequence[str]) -> list[str]:
        return results(await each(self.note, about))


PROCESSES = (NoteEach, CountSideBySide, StampCleared, WithoutAnOrder, AllOrNothing)
