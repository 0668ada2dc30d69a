"""Asking the person at the terminal."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from rich.markup import escape
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from activities.deciding import NotTaken
from console.amounts import amount, precise
from console.decide import deliver
from console.errors import Exit, Stopped, explain
from console.follow import Pause
from console.looks import Look
from console.runs import Runs
from console.screen import Screen, dollars
from console.views import asked
from workflows.models import Choice, Decision, Question
from workflows.models.hiring import STAND_IN

LETTERS: dict[str, Choice] = {"a": "approve", "r": "reject", "v": "revise", "e": "edit", "t": "top_up"}
LOOKED_AWAY = "approved by --yes, without a look"
NO_MONEY = "--yes approves, but raises no cap"
NOBODY = "nobody"
WAITS = "this waits for a person, and nobody can be asked here; answer with: callsheet approve, reject or revise"
UNASKED = "nobody could be asked at this terminal"

GLANCE = 1.0
"""Seconds between two looks at whether a question that is asked here is still open."""

ReadLine = Callable[[], Awaitable[str]]
ShowImage = Callable[[str, str], Awaitable[Path]]
"""Writes the image of an item by its digest, and says where."""


class Elsewhere(Exception):  # noqa: N818 - it says where it was decided
    """Somebody decided the question elsewhere while it was asked here."""


class Terminal:
    """Answers the questions of a run: by asking here, or by approving all when `yes` is given."""

    def __init__(
        self, runs: Runs, screen: Screen, image: ShowImage, *, by: str, yes: bool, read_line: ReadLine | None = None
    ) -> None:
        """Decide in the name of `by`."""
        self._runs, self._screen, self._image = runs, screen, image
        self._by, self._yes = by, yes
        self._read_line = read_line or line
        self._done: set[str] = set()
        self._open = ("", "")
        self._reading: asyncio.Future[str] | None = None

    async def answer(self, seen: Look, pause: Pause) -> None:
        """Deal with every item that waits, and with the run itself, one after the other."""
        for key, workflow in _waiting(seen):
            question = await self._asked(workflow)
            if question and question.id not in self._done:
                pause()
                await self._show(key, question)
                self._open = (workflow, question.id)
                try:
                    decision = await self._decision(question)
                except Elsewhere:
                    self._done.add(question.id)
                    self._screen.say("\n  [dim]decided elsewhere, not here")
                else:
                    await self._settle(workflow, question, decision)

    async def _asked(self, workflow: str) -> Question | None:
        try:
            return await self._runs.question(workflow)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return None  # an item that has only just begun, or has just ended

    async def _show(self, key: str, question: Question) -> None:
        say = self._screen.say
        say(f"\n[magenta bold]?[/] [bold]{escape(question.title)}[/] [dim]{escape(key)}")
        say(f"  {escape(asked(question))}")
        for fact in question.facts.missed if question.facts else ():
            measured = escape(f"{fact.measured} {fact.unit}".strip())
            say(f"  [red]✗[/] {escape(fact.rule)}: measured {measured}, wanted {escape(fact.wanted)}")
        score = f"score {question.verdict.score}, " if question.verdict else ""
        say(f"  [dim]{score}cost so far {dollars(question.micro_usd)}")
        if question.digest:
            say(f"  [dim]see: {await self._where(key, question.digest)}")

    async def _where(self, key: str, digest: str) -> str:
        try:
            return escape(str(await self._image(key, digest)))
        except OSError as error:  # a lost image must not lose the run; the person may still reject
            return f"cannot be read ({escape(str(error))})"

    async def _decision(self, question: Question) -> Decision:
        decision = Decision(choice="reject", by=self._by, question=question.id, digest=question.digest)
        if self._yes:
            if question.fallback == "hold" and "approve" not in question.options and question.kind != "budget":
                raise Stopped(Exit.CONFLICT, f"{question.title}: {WAITS}")  # a stand-in turns nobody down
            return decision.model_copy(update=_unseen(question))
        try:
            choice = await self._choice(question)
            more = await self._amount() if choice == "top_up" else 0
            edited = await self._edit(question) if choice == "edit" else ""
            note = await self._note(choice, question)
            return decision.model_copy(update={"choice": choice, "note": note, "micro_usd": more, "edited": edited})
        except EOFError:
            if question.fallback == "hold":  # then silence means nothing, and least of all no
                raise Stopped(Exit.CONFLICT, f"{question.title}: {WAITS}") from None
            # What silence means, at once: there is nobody here, and waiting a day for nobody helps no one.
            return decision.model_copy(update={"by": NOBODY, "note": UNASKED})

    async def _choice(self, question: Question) -> Choice:
        offered = {letter: choice for letter, choice in LETTERS.items() if choice in question.options}
        words = ", ".join(f"[{letter}] {choice.replace('_', ' ')}" for letter, choice in offered.items())
        while True:
            given = (await self._ask(f"  {words}: ")).lower().replace(" ", "_")
            for letter, choice in offered.items():
                if given in {letter, choice}:
                    return choice

    async def _edit(self, question: Question) -> str:
        self._screen.say(f"  [dim]now: {escape(question.instruction)}")
        return await self._ask("  what is to be done instead, in full: ")

    async def _note(self, choice: Choice, question: Question) -> str:
        asks = "what is to change" if choice == "revise" else "why" if question.needs_note else "note (may be empty)"
        while True:
            note = await self._ask(f"  {asks}: ")
            if note or not question.needs_note:
                return note

    async def _amount(self) -> int:
        while True:
            try:
                return amount(await self._ask("  by how many dollars (0: the cap was raised already): "))
            except Stopped as error:
                self._screen.say(f"  [yellow]{escape(error.message)}")

    async def _ask(self, prompt: str) -> str:
        """Ask for a line; should the question be decided at the desk meanwhile, the line waits for the next one."""
        self._screen.console.print(escape(prompt), end="")
        self._reading = self._reading or asyncio.ensure_future(self._read_line())
        while not self._reading.done():
            await asyncio.wait({self._reading}, timeout=GLANCE)
            if not self._reading.done() and await self._is_over():
                raise Elsewhere
        reading, self._reading = self._reading, None
        return (await reading).strip()

    async def _is_over(self) -> bool:
        workflow, asked = self._open
        try:
            question = await self._runs.question(workflow)
        except (Stopped, RPCError, RPCTimeoutOrCancelledError):
            return False  # a server that is away for a moment decides nothing
        return question is None or question.id != asked

    async def _settle(self, workflow: str, question: Question, decision: Decision) -> None:
        self._done.add(question.id)
        try:
            receipt = await deliver(self._runs, workflow, decision)
        except (Stopped, NotTaken, RPCTimeoutOrCancelledError) as error:
            self._done.discard(question.id)
            self._screen.say(f"  [yellow]not taken:[/] {escape(str(explain(error) or error))}")
            await asyncio.sleep(1)
            return
        how = f", recorded as an override of: {escape('; '.join(receipt.overrides))}" if receipt.overrides else ""
        how += f", {precise(decision.micro_usd)} more" if decision.micro_usd else ""
        words = receipt.choice.replace("_", " ")
        self._screen.say(f"  [bold]{words}[/] by {escape(receipt.by)}{how}. [dim]{escape(decision.note)}")


def _waiting(seen: Look) -> Iterator[tuple[str, str]]:
    """Name what waits for a person: its key, and its workflow."""
    if seen.run is None:
        return
    for row in seen.run.items:
        if row.status == "awaiting_review":
            yield row.key, f"{seen.id}:{row.key}"
    if seen.run.status == "awaiting_review":
        yield seen.id, seen.id


def _unseen(question: Question) -> dict[str, str]:
    """Answer without a look: what can be approved is; nobody's money is spent on top."""
    if question.kind == "budget":
        return {"choice": "reject", "note": NO_MONEY}
    choice = "approve" if "approve" in question.options else "reject"
    if question.needs_note:
        return {"choice": choice, "note": f"Nobody looked: {LOOKED_AWAY}, for show.", "by": STAND_IN}
    return {"choice": choice, "note": LOOKED_AWAY}


async def line() -> str:
    """Read a line without holding up the loop; `EOFError` when there is none.

    On a thread of its own that nobody waits for: a read cannot be interrupted, and Ctrl-C must end the command.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def give(text: str) -> None:
        if answer.done():
            return
        if text:
            answer.set_result(text)
        else:
            answer.set_exception(EOFError())

    threading.Thread(target=lambda: loop.call_soon_threadsafe(give, sys.stdin.readline()), daemon=True).start()
    return await answer
