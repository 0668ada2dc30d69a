"""The command line as a whole: its commands, and the one place where errors become a line and an exit code."""

import json
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from activities.settings import Settings
from console import (
    audit,
    batch,
    bootstrap,
    budget,
    call_off,
    decide,
    demo,
    desk,
    dev,
    doctor,
    erase,
    evaluate,
    evaluation,
    migrate,
    pause,
    production,
    records,
    replay,
    report,
    schedule,
    show,
    top,
)
from console.errors import MEANINGS, Exit, Stopped, explain, one_line
from console.screen import Screen
from console.session import AsJson

EPILOG = "Exit codes: " + " · ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + "."


def build() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        name="callsheet",
        help="Run LLM agent pipelines that survive production: start, watch, decide, inspect.",
        epilog=EPILOG,
        no_args_is_help=False,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    parts = (
        *(
            demo,
            production,
            batch,
            schedule,
            show,
            top,
            decide,
            call_off,
            pause,
            budget,
            records,
            audit,
            report,
            evaluate,
            evaluation,
            erase,
        ),
        *(desk, dev, doctor, bootstrap, migrate, replay),
    )
    for part in parts:
        part.add(app)
    app.command("version")(show_version)
    return app


def show_version(as_json: AsJson = False) -> None:
    """Print the version."""
    try:
        number = version("callsheet")
    except PackageNotFoundError:
        number = "unknown (not installed)"
    Screen(as_json=as_json).show({"version": number}, f"callsheet {number}")


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. No traceback reaches a person."""
    as_json = "--json" in arguments
    try:
        result = typer.main.get_command(build()).main(list(arguments), prog_name="callsheet", standalone_mode=False)
    except BrokenPipeError:  # e.g. `callsheet trace ID | head`: whoever listened has heard enough
        return int(Exit.OK)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(Exit.USAGE)
    except KeyboardInterrupt:
        return _report(Stopped(Exit.INTERRUPTED, "interrupted"), as_json)
    except Exception as error:  # noqa: BLE001 - this is the last stop: everything becomes a line and a code
        return _report(_of_usage(error) or explain(error) or _unexpected(error), as_json)
    return int(result) if isinstance(result, int) else int(Exit.OK)


def _of_usage(error: Exception) -> Stopped | None:
    # The parser's errors have no public base class; these two attributes are its public contract.
    say, code = getattr(error, "format_message", None), getattr(error, "exit_code", None)
    if not callable(say) or not isinstance(code, int):
        return None
    return Stopped(Exit.USAGE, f"{one_line(say()) or 'a command is missing'} Try: callsheet --help")


def _unexpected(error: Exception) -> Stopped:
    try:
        folder = Settings().logs
    except ValidationError:
        folder = Path(".callsheet") / "logs"
    path = folder / f"error-{datetime.now(UTC):%Y%m%d-%H%M%S}.log"
    where = f"; the log is {path}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)))
    except OSError:
        where = "; no log could be written"
    return Stopped(Exit.UNEXPECTED, f"{type(error).__name__}: {one_line(error, 160)}{where}")


def _report(stopped: Stopped, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(stopped.as_json(), ensure_ascii=False, indent=2) + "\n")
    else:
        console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
        first, *rest = stopped.lines()
        console.print(f"[bold red]callsheet:[/] {escape(first)}")
        for line in rest:
            console.print(escape(line))
    return int(stopped.code)
