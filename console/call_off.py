"""Cancelling: one run, or a part of the fleet after a look at what that would end."""

from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape

from activities.fleet_acts import Act, FleetActs, Part
from activities.settings import Settings
from activities.signing import Signer
from console import views
from console.errors import Exit, Stopped
from console.fleet_query import Fleet, good_part
from console.pause import All, Pipeline, Reason, Tenant, good_reason
from console.screen import Screen
from console.session import AsJson, Name, finish, me, open_client, runs_of
from console.stores import Stores

RunOrNone = Annotated[str, typer.Argument(metavar="[ID]", help="A run, an agent, or an item as RUN:ITEM.")]
Batch = Annotated[str, typer.Option("--batch", metavar="NAME", help="The batch of this name, and its runs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without this it is only shown what would end.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(cancel)


def cancel(  # noqa: PLR0913, PLR0917 - one for each way to name what is to end
    run: RunOrNone = "",
    pipeline: Pipeline = "",
    tenant: Tenant = "",
    batch: Batch = "",
    every: All = False,
    yes: Yes = False,
    reason: Reason = "",
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """Cancel a run, an item or an agent; or, with --yes, all of a pipeline, a tenant or a batch. Each cleans up."""
    screen = Screen(as_json=as_json)
    if run and (pipeline or tenant or batch or every):
        raise Stopped(Exit.USAGE, "name a run, or a part of the fleet, but not both")
    if run:
        return finish(_one(run, screen))
    if batch and (pipeline or tenant):
        raise Stopped(Exit.USAGE, "--batch names its runs by itself; leave --pipeline and --tenant out")
    act = Act("cancel", good_part(pipeline, tenant, batch, every=every), name or me(), good_reason(reason))
    return finish(_many(act, screen) if yes else _preview(act.part, screen))


async def _one(run: str, screen: Screen) -> None:
    settings = Settings()
    await runs_of(await open_client(settings), settings).cancel(run)
    screen.show({"id": run, "cancelled": True}, f"{run} is asked to end.")


async def _preview(part: Part, screen: Screen) -> None:
    found = await Fleet(await open_client(Settings())).count(part)
    lines = [{"what": what, "running": str(number)} for what, number in sorted(found.items())]
    would: RenderableType = f"Nothing of {escape(str(part))} runs."
    if lines:
        end = f"{sum(found.values())} would end, with all their items. To do it, say --yes."
        would = Group(views.rows(lines, right=("running",)), end)
    screen.show({"part": part._asdict(), "running": dict(found), "cancelled": 0}, would)


async def _many(act: Act, screen: Screen) -> None:
    settings = Settings()
    with Stores(settings) as stores:
        asked = await Fleet(await open_client(settings)).cancel(act.part)
        if not asked:
            raise Stopped(Exit.CONFLICT, f"nothing of {act.part} runs")
        kept = FleetActs(stores.database, Signer.of(settings, f"starter:{me()}"))
        await kept.keep(act._replace(found=asked))
    words = f"{asked} of [bold]{escape(str(act.part))}[/] {'is' if asked == 1 else 'are'} asked to end."
    screen.show({"part": act.part._asdict(), "cancelled": asked, "by": act.by, "reason": act.reason}, words)
