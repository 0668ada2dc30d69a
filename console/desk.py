"""The review desk alone: serve it here, or say who may sign in."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer
from rich.markup import escape

from activities.settings import Settings
from console.errors import Exit, Stopped
from console.screen import Screen
from console.session import AsJson, finish, me, open_client
from console.stack import Running, Stack
from desk.reviewers import BadReviewers, Reviewers
from desk.serving import PortTaken, serve
from desk.settings import DeskSettings
from workflows.models import Identity
from workflows.models.docket import RESERVED
from workflows.models.roles import ROLES

FILE = "reviewers.json"
ONE_VISIT = timedelta(hours=1)

Port = Annotated[int | None, typer.Option("--port", min=0, max=65_535, help="Port to listen at; default: 8400.")]
Invite = Annotated[str, typer.Option("--invite", metavar="NAME", help="Enter a person; prints a link that works once.")]
Remove = Annotated[str, typer.Option("--remove", metavar="NAME", help="Take a person out.")]
AsRole = Annotated[str, typer.Option("--role", help=f"Of the person invited: {', '.join(ROLES)}.")]
Tenants = Annotated[
    list[str] | None, typer.Option("--tenant", help="Whose questions they see; again for more; * is all.")
]
Groups = Annotated[list[str] | None, typer.Option("--group", help="Which questions wait for them; again for more.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(desk)


def desk(
    port: Port = None,
    invite: Invite = "",
    remove: Remove = "",
    role: AsRole = "reviewer",
    tenant: Tenants = None,
    group: Groups = None,
    as_json: AsJson = False,
) -> None:
    """Serve the review desk until Ctrl-C, for the server that runs here or that the environment names."""
    settings, screen = Settings(), Screen(as_json=as_json)
    found = DeskSettings() if port is None else DeskSettings(port=port)
    reviewers = Reviewers(settings.home / FILE)
    try:
        if remove:
            gone = reviewers.remove(remove)
            if not gone:
                raise Stopped(Exit.UNKNOWN_ID, f"there is no {remove} in {reviewers.path}")
            screen.show({"removed": remove}, f"{escape(remove)} is taken out.")
        elif invite:
            person = _person(invite, role, tuple(tenant or ("*",)), tuple(group or ("reviewers",)))
            secret = reviewers.invite(person)
            url = link(where(settings, found), secret)
            screen.show(
                {"name": invite, "role": role, "link": url}, f"For {escape(invite)}, once, within 24 hours:\n{url}"
            )
        else:
            finish(_serve(settings, found, reviewers, screen))
    except (BadReviewers, PortTaken) as error:
        raise Stopped(Exit.MISSING, str(error)) from None


async def _serve(settings: Settings, found: DeskSettings, reviewers: Reviewers, screen: Screen) -> None:
    client = await open_client(settings)
    empty = not found.oidc_issuer and not await asyncio.to_thread(lambda: reviewers.read().reviewers)

    def ready(url: str) -> None:
        first = link(url, reviewers.invite(operator(me()))) if empty else ""
        lines = f"[bold]Review desk[/]  {url}"
        lines += f"\n[bold]First visit[/]  {first}\n[dim]Works once: choose a password there." if first else ""
        screen.show({"url": url, "first_visit": first}, f"{lines}\n[dim]Ctrl-C ends it.")

    await serve(client, settings, found, ready)


def one_visit(settings: Settings, running: Running, name: str) -> str:
    """Make a link to the desk of a stack that lets somebody in once; empty when people sign in elsewhere."""
    if not running.desk or DeskSettings().oidc_issuer:
        return ""
    secret = Reviewers(settings.home / FILE).invite(operator(name), choose=False, lasts=ONE_VISIT)
    return link(running.desk, secret)


def where(settings: Settings, found: DeskSettings) -> str:
    """Say where the desk is: that of the stack that runs here, else the one of the settings."""
    running = Stack(settings).find()
    return (running.desk if running else "") or found.url or f"http://{found.host}:{found.port}"


def link(url: str, secret: str) -> str:
    """Write the address of a link."""
    return f"{url}/in/{secret}"


def operator(name: str) -> Identity:
    """Describe the person at this terminal, who can do everything here anyway."""
    return Identity(name=name, role="operator", tenants=("*",), groups=("reviewers",))


def _person(name: str, role: str, tenants: tuple[str, ...], groups: tuple[str, ...]) -> Identity:
    if role not in ROLES:
        raise Stopped(Exit.USAGE, f"--role: {role!r} is none; there are {', '.join(ROLES)}")
    if not 0 < len(name.strip()) <= 100 or not name.isprintable():  # noqa: PLR2004 - a name is a line
        raise Stopped(Exit.USAGE, "--invite: a name has 1 to 100 characters that can be read")
    if name.strip().casefold() in RESERVED:
        raise Stopped(Exit.USAGE, f"--invite: {name.strip()} stands for decisions that no person takes; take another")
    return Identity(name=name.strip(), role=role, tenants=tenants, groups=groups)
