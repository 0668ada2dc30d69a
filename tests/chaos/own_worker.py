"""Somebody's own worker: `worker.py` with a tool that posts letters, and dies once while it is at it."""

import asyncio
import contextlib
import os
import sys
from datetime import timedelta
from pathlib import Path

from activities.connection import connect
from activities.tools.definition import Arguments, Context, NotDone, tool
from activities.world import World

DIES_BEFORE, DIES_AFTER = "dies before", "dies after"


class PostOffice:
    """Keeps letters in a file, as the world outside does: nothing that dies here takes one back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def letters(self) -> list[str]:
        file = self._folder / "letters.txt"
        return file.read_text().splitlines() if file.exists() else []

    def deaths(self) -> set[str]:
        return {mark.stem for mark in self._folder.glob("*.mark")}

    def take(self, key: str, text: str) -> None:
        with (self._folder / "letters.txt").open("a") as file:
            file.write(f"{key} {text}\n")

    async def die_once(self, text: str, moment: str) -> None:
        mark = self._folder / f"{moment}.mark"
        if text == moment and not mark.exists():
            mark.touch()
            await asyncio.sleep(1)  # so that all who are to die here die at once
            os._exit(137)


class Letter(Arguments):
    text: str


async def find_letter(letter: Letter, office: PostOffice, context: Context):
    return {"posted": letter.text} if f"{context.key} {letter.text}" in office.letters() else NotDone()


@tool(effect="once", timeout=timedelta(seconds=5), reconcile=find_letter)
async def post_letter(letter: Letter, office: PostOffice, context: Context) -> dict[str, str]:
    """Post a letter."""
    await office.die_once(letter.text, DIES_BEFORE)
    office.take(context.key, letter.text)
    await office.die_once(letter.text, DIES_AFTER)
    return {"posted": letter.text}


async def main() -> None:
    office = PostOffice(Path(os.environ["CALLSHEET_HOME"]))
    world = await World.open(tools=(post_letter,), dependencies=(office,))
    async with contextlib.AsyncExitStack() as stack:
        for each in world.workers(await connect()):
            await stack.enter_async_context(each)
        sys.stdout.write("ready\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
