"""What can go wrong at the command line, and the exit code of each."""

import re
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.assets import AssetsUnreachable, NoSuchStore
from activities.connection import ServerUnreachable
from activities.deciding import NotTaken
from activities.keys import BadKey
from activities.namespace import Refused, WrongType
from activities.schema import SchemaUnfit
from activities.telemetry import UnknownExporter


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    USAGE = 2
    BAD_FILE = 3
    UNKNOWN_ID = 4
    ID_EXISTS = 5
    UNREACHABLE = 6
    CONFLICT = 7
    RUN_FAILED = 8
    MISSING = 9
    UNEXPECTED = 70
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "done",
    Exit.USAGE: "wrong usage",
    Exit.BAD_FILE: "the file has mistakes; each is listed with its path and line",
    Exit.UNKNOWN_ID: "unknown id",
    Exit.ID_EXISTS: "the id exists already",
    Exit.UNREACHABLE: "the server or a worker does not answer",
    Exit.CONFLICT: "already decided, or nothing to decide",
    Exit.RUN_FAILED: "the run failed or ended without a result",
    Exit.MISSING: "a part or a setting is missing or wrong",
    Exit.UNEXPECTED: "unexpected; the log file named has the details",
    Exit.INTERRUPTED: "interrupted",
}

LONG = 1_000
"""Characters of a line that holds a command to be copied."""
MOST_LINES = 100
"""Mistakes that are shown to a person."""

NO_ANSWER = "no answer in time: is the server up and a worker running?"


class Stopped(Exception):  # noqa: N818 - also used for ends that are no error of the program
    """Ends a command with one clear line and an exit code. `problems` are the mistakes of a file, one each."""

    def __init__(self, code: Exit, message: str, problems: Iterable[dict[str, Any]] = ()) -> None:
        """Keep what is to be said."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.problems = tuple(problems)

    def as_json(self) -> dict[str, Any]:
        """Say it for a program."""
        error: dict[str, Any] = {"code": int(self.code), "kind": self.code.name.lower(), "message": self.message}
        return {"error": error | ({"problems": list(self.problems)} if self.problems else {})}

    def lines(self) -> list[str]:
        """Say it for a person."""
        lines = [self.message, *(f"  {_place(problem)}{problem['message']}" for problem in self.problems[:MOST_LINES])]
        more = len(self.problems) - MOST_LINES
        return [*lines, f"  and {more} more; --json lists them all"] if more > 0 else lines


def explain(error: Exception) -> Stopped | None:
    """Turn an error of the libraries into a sentence; None when it is not one that people can cause."""
    for kind, say in _SENTENCES:
        if isinstance(error, kind):
            return say(error)
    return None


def _place(problem: dict[str, Any]) -> str:
    line = f"line {problem['line']}: " if problem.get("line") else ""
    if problem.get("file"):
        line = f"{problem['file']}:{problem['line']}: " if problem.get("line") else f"{problem['file']}: "
    return line + (f"{problem['path']}: " if problem.get("path") else "")


def _of_rpc(error: RPCError) -> Stopped | None:
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            return Stopped(Exit.UNKNOWN_ID, "there is no run with this id, or it has ended and was removed")
        case RPCStatusCode.UNAVAILABLE | RPCStatusCode.DEADLINE_EXCEEDED | RPCStatusCode.CANCELLED:
            return Stopped(Exit.UNREACHABLE, NO_ANSWER)
        case RPCStatusCode.UNAUTHENTICATED | RPCStatusCode.PERMISSION_DENIED:
            return Stopped(Exit.UNREACHABLE, f"the server refuses: {one_line(error.message)}")
        case RPCStatusCode.INVALID_ARGUMENT:
            return Stopped(Exit.USAGE, one_line(error.message))
        case _:
            return None


def _of_decision(error: NotTaken) -> Stopped:
    # The workflow's words are written for people; its types (NoQuestion, StaleQuestion, AlreadyDecided, NotAnOption)
    # all mean the same to a script: what was sent does not fit what is open, or is not proved.
    return Stopped(Exit.CONFLICT, one_line(error.text) or "the decision was not taken")


def _of_settings(error: ValidationError) -> Stopped | None:
    prefix = {"Settings": "CALLSHEET_", "DeskSettings": "CALLSHEET_DESK_"}.get(error.title)
    if prefix is None:
        return None
    first = error.errors()[0]
    name = prefix + "_".join(str(part) for part in first["loc"]).upper() + ": " if first["loc"] else ""
    return Stopped(Exit.MISSING, f"{name}{first['msg']}")


def one_line(text: object, limit: int = 300) -> str:
    """Fold any text to one bounded line."""
    flat = re.sub(r"\s+", " ", str(text)).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


_SENTENCES: tuple[tuple[type[Exception], Callable[[Any], Stopped | None]], ...] = (
    (Stopped, lambda error: error),
    (
        ServerUnreachable,
        lambda error: Stopped(Exit.UNREACHABLE, f"{one_line(error)}. To start one here: callsheet dev"),
    ),
    (WorkflowAlreadyStartedError, lambda error: Stopped(Exit.ID_EXISTS, f"{error.workflow_id} exists already")),
    (NotTaken, _of_decision),
    (BadKey, lambda error: Stopped(Exit.MISSING, one_line(error))),
    (SchemaUnfit, lambda error: Stopped(Exit.MISSING, one_line(error))),
    (Refused, lambda error: Stopped(Exit.MISSING, one_line(error, LONG))),
    (WrongType, lambda error: Stopped(Exit.MISSING, one_line(error))),
    (NoSuchStore, lambda error: Stopped(Exit.MISSING, one_line(error))),
    (AssetsUnreachable, lambda error: Stopped(Exit.UNREACHABLE, one_line(error))),
    (RPCError, _of_rpc),
    (RPCTimeoutOrCancelledError, lambda _: Stopped(Exit.UNREACHABLE, NO_ANSWER)),
    (ValidationError, _of_settings),
    (UnknownExporter, lambda error: Stopped(Exit.MISSING, one_line(error))),
    (SQLAlchemyError, lambda error: Stopped(Exit.MISSING, f"the database does not serve: {one_line(error, 160)}")),
)
