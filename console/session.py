"""What every command needs: settings, a screen, the server, and a loop that stops cleanly."""

import asyncio
import getpass
import re
import secrets
import signal
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer
from temporalio.client import Client

from activities.connection import DEFAULT_ADDRESS, connect
from activities.settings import Settings
from activities.signing import Signer
from console.errors import Exit, Stopped
from console.runs import Runs
from console.stack import Stack

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
RunId = Annotated[str, typer.Argument(metavar="ID", help="A run, an agent, or an item as RUN:ITEM.")]
Name = Annotated[str, typer.Option("--as", metavar="NAME", help="Who decides; default: your user name.")]


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end; Ctrl-C and SIGTERM interrupt it in the same orderly way."""

    async def guarded() -> T:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(guarded())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Stopped(Exit.INTERRUPTED, "interrupted") from None


async def open_runs(settings: Settings) -> Runs:
    """Reach the server that the environment names; else the stack that runs in this home; else the default address."""
    return runs_of(await open_client(settings), settings)


def runs_of(client: Client, settings: Settings) -> Runs:
    """Look at runs through a client, and sign for the person at this terminal.

    Raises:
        BadKey: the key that decisions are signed with cannot be read.
    """
    return Runs(client, settings.task_queue, Signer.of(settings, f"starter:{me()}"))


async def open_client(settings: Settings) -> Client:
    """Reach the same server, for those who ask it otherwise."""
    running = Stack(settings).find()
    return await connect(running.address if running else DEFAULT_ADDRESS)


def new_id(title: str) -> str:
    """Make an id for a run that a person can read and say: the title and four random characters."""
    return f"{slug(title)}-{secrets.token_hex(2)}"


def slug(title: str) -> str:
    """Fold a title to what an id may hold: lower-case letters, digits and dashes, 40 at most."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "run"


def good_id(text: str) -> str:
    """Check an id that a person chose: it names folders, and `:` separates items."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", text):
        raise Stopped(
            Exit.USAGE, "an id has letters, digits, '.', '_' and '-', starts with a letter or digit, 80 at most"
        )
    return text


def me() -> str:
    """Name the person at this terminal."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "operator"
