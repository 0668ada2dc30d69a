"""The migration job: brings the schema up to date before the code that needs it, or says whether it fits."""

from typing import Annotated

import typer
from rich.text import Text

from activities.database import Database
from activities.schema import HEAD, Schema, SchemaUnfit, Standing
from activities.settings import Settings
from console.errors import Exit, Stopped
from console.screen import Screen
from console.session import AsJson

Check = Annotated[bool, typer.Option("--check", help="Change nothing; the exit code is 0 when the schema fits.")]
To = Annotated[str, typer.Option("--to", metavar="REVISION", help="Go no further than this migration.")]
Sql = Annotated[bool, typer.Option("--sql", "--dry-run", help="Change nothing; print what would be executed.")]


def add(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(migrate)


def migrate(check: Check = False, to: To = HEAD, sql: Sql = False, as_json: AsJson = False) -> int:
    """Bring the schema of the database up to date. Any number of these may run at once."""
    screen = Screen(as_json=as_json)
    if check and sql:
        raise Stopped(Exit.USAGE, "--check and --sql are two different questions; ask one")
    database = Database(Settings().database_url)
    try:
        if sql:
            return _print(database.schema, to, screen)
        return _check(database.schema, screen) if check else _migrate(database.schema, to, screen)
    finally:
        database.close()


def _check(schema: Schema, screen: Screen) -> int:
    standing = schema.standing()
    if standing.fits:
        more = "" if standing.current else f"; this code brings {standing.wanted}, what came later only adds to it"
        screen.show(_facts(standing), f"The schema fits: it is at {standing.found}{more}.")
        return int(Exit.OK)
    try:
        schema.require()
    except SchemaUnfit as error:
        raise Stopped(Exit.MISSING, str(error)) from None
    return int(Exit.OK)  # somebody migrated it meanwhile


def _migrate(schema: Schema, to: str, screen: Screen) -> int:
    ran, standing = schema.migrate(to), schema.standing()
    said = f"Ran {', '.join(ran)}." if ran else f"Nothing to do: the schema is at {standing.found}."
    screen.show(_facts(standing) | {"ran": list(ran)}, said)
    return int(Exit.OK)


def _print(schema: Schema, to: str, screen: Screen) -> int:
    text = schema.sql(to)
    screen.show({"sql": text}, Text(text.rstrip() or "-- nothing to do"))
    return int(Exit.OK)


def _facts(standing: Standing) -> dict[str, object]:
    return {"found": standing.found, "wanted": standing.wanted, "fits": standing.fits}
