"""Makes a namespace of the server ready for Callsheet; run again it has nothing to do."""

from datetime import timedelta
from typing import Annotated

import typer

from activities.namespace import add_search_attributes, make_namespace
from activities.settings import Settings
from console.screen import Screen
from console.session import AsJson, finish, open_client

Days = Annotated[
    int,
    typer.Option(
        "--retention-days", min=1, help="Days that the histories of a *new* namespace are kept after their end."
    ),
]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(bootstrap)


def bootstrap(retention_days: Days = 7, as_json: AsJson = False) -> None:
    """Make the namespace that TEMPORAL_NAMESPACE names, with its search attributes, unless they are there."""
    screen = Screen(as_json=as_json)
    screen.show(*finish(_make_ready(Settings(), retention_days)))


async def _make_ready(settings: Settings, days: int) -> tuple[dict[str, object], str]:
    client = await open_client(settings)
    made = await make_namespace(client, timedelta(days=days))
    added = await add_search_attributes(client)
    did = [f"made it, with a retention of {days} days"] * made + [f"added {', '.join(added)}"] * bool(added)
    said = f"Namespace {client.namespace}: {'; '.join(did) or 'nothing to do'}."
    return {"namespace": client.namespace, "made": made, "added": list(added)}, said
