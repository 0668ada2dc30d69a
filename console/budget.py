"""Money: what is spent and what is left, and the caps that people set and raise."""

import secrets
from typing import Annotated

import typer
from rich.console import Group

from activities.database import now
from activities.settings import Settings
from console import statements
from console.accounts import Account, account
from console.amounts import amount, cap
from console.books import Line
from console.errors import Exit, Stopped
from console.funding import tell
from console.screen import Screen
from console.session import AsJson, finish, me, open_runs
from console.stores import Stores
from workflows.models import TopUp
from workflows.models.docket import RESERVED

LONGEST_NAME, LONGEST_NOTE = 200, 4_000
"""Characters, as a decision holds them."""

About = Annotated[
    str, typer.Argument(metavar="[NAME]", help="A run, RUN:ITEM, tenant:NAME, fleet, or an account; nothing: today.")
]
Named = Annotated[str, typer.Argument(metavar="NAME", help="A run, RUN:ITEM, tenant:NAME/day, fleet/day, fleet/month.")]
To = Annotated[str, typer.Argument(metavar="AMOUNT", help="Dollars like 5 or 0.25, or none.")]
More = Annotated[str, typer.Argument(metavar="AMOUNT", help="Dollars like 5 or 0.25; 0 only tells those that wait.")]
By = Annotated[str, typer.Option("--by", "--as", metavar="NAME", help="Who decides; default: your user name.")]
Note = Annotated[str, typer.Option("--note", help="Why; is kept with the change.")]


def add(app: typer.Typer) -> None:
    """Add these commands."""
    budget = typer.Typer(
        help="See what is spent, set caps, and let those go on that wait for money.", no_args_is_help=True
    )
    budget.command("show")(show)
    amounts = {"ignore_unknown_options": True}  # so that -5 is a wrong amount, not an unknown option
    budget.command("set", context_settings=amounts)(set_cap)
    budget.command("top-up", context_settings=amounts)(top_up)
    app.add_typer(budget, name="budget")


def show(name: About = "", as_json: AsJson = False) -> None:
    """Show caps, what is spent, and what is held for calls under way; without a name, what there is today."""
    screen, settings = Screen(as_json=as_json), Settings()

    async def work() -> None:
        with Stores(settings) as stores:
            if name:
                lines = await _lines(stores, name)
                screen.show({"accounts": statements.data(lines)}, statements.table(lines))
            else:
                await _show_today(stores, screen)

    finish(work())


def set_cap(name: Named, to: To, by: By = "", note: Note = "", as_json: AsJson = False) -> None:
    """Set a cap, or take it away. Where more is spent already, nothing more will be."""
    screen, settings = Screen(as_json=as_json), Settings()
    wanted, micro_usd, signed = account(name), cap(to), _signed(by, note)

    async def work() -> None:
        with Stores(settings) as stores:
            await _must_be_known(stores, wanted)
            before = await stores.books.standing(wanted.name)
            after = await stores.ledger.set_cap(wanted.name, micro_usd, signed, note)
            charged = await stores.books.standing(wanted.at(now()).name)
            change = before, after, charged
            screen.show(statements.change_data(*change), Group(*statements.changed(*change)))

    finish(work())


def top_up(name: Named, more: More, by: By = "", note: Note = "", as_json: AsJson = False) -> int:
    """Raise a cap, and let everything that waits for that money go on where it stood.

    What is named without a day or a month is raised for the one that is now.
    """
    screen, settings = Screen(as_json=as_json), Settings()
    wanted, micro_usd, signed = account(name), amount(more), _signed(by, note)

    async def work() -> int:
        with Stores(settings) as stores:
            await _must_be_known(stores, wanted)
            charged = wanted.at(now()).name
            before = after = await stores.books.standing(charged)
            if micro_usd:
                if before.cap is None:
                    raise Stopped(Exit.CONFLICT, f"{charged} has no cap that could be raised")
                order = TopUp(account=charged, micro_usd=micro_usd, by=signed, key=secrets.token_hex(16), note=note)
                after = await stores.ledger.top_up(order)
        funding = await tell(lambda: open_runs(settings), wanted, signed, note)
        found = statements.change_data(before, after, after) | statements.funding_data(funding)
        lines = [*statements.changed(before, after, after), *statements.funded(funding, after, name)]
        screen.show(found, Group(*lines))
        return int(Exit.UNREACHABLE if funding.problem or funding.missed else Exit.OK)

    return finish(work())


async def _show_today(stores: Stores, screen: Screen) -> None:
    at = now()
    periods, runs = await stores.books.periods(at), await stores.books.spenders(at)
    found = {"at": at, "accounts": statements.data(periods), "runs": statements.data(runs)}
    view = Group(
        statements.table(periods), "", "[bold]Runs that spent today, the dearest first", statements.table(runs)
    )
    screen.show(found, view)


async def _lines(stores: Stores, name: str) -> list[Line]:
    if name == "fleet":
        return [line for line in await stores.books.periods(now()) if line.standing.account.startswith("fleet/")]
    wanted = account(name).at(now())
    await _must_be_known(stores, wanted)
    if wanted.run:
        return await stores.books.below(wanted.name, wanted.run)
    return [Line(standing=await stores.books.standing(wanted.name))]


async def _must_be_known(stores: Stores, wanted: Account) -> None:
    # An account of a run is made by the run; one that people could make would keep a typing mistake for ever.
    if wanted.run and not await stores.books.known(wanted.name):
        raise Stopped(Exit.UNKNOWN_ID, f"there is no account {wanted.name}: nothing was charged to it yet")


def _signed(by: str, note: str) -> str:
    name = by.strip() or me()
    if name in RESERVED:
        raise Stopped(Exit.USAGE, f"{name} stands for decisions that no person took; sign with a name")
    if len(name) > LONGEST_NAME or len(note) > LONGEST_NOTE:
        raise Stopped(Exit.USAGE, f"a name has {LONGEST_NAME} characters at most, a note {LONGEST_NOTE}")
    return name
