"""Tracebacks for the log: where it broke always, what the error says only where that can be no content."""

import traceback
from collections.abc import Iterator

from sqlalchemy.exc import OperationalError
from temporalio.exceptions import ApplicationError, FailureError, TemporalError

from activities.assets import AssetsUnreachable

_LONGEST_CHAIN = 8
_SAID_CAUSE = "The above exception was the direct cause of the following exception:"
_SAID_CONTEXT = "During handling of the above exception, another exception occurred:"


def written(error: BaseException, *, content: bool) -> str:
    """Write an error with what led to it, the oldest first.

    Without `content` the words of an error are left out, because they may quote a conversation; those of our own
    `ApplicationError` never do, nor those of a database or a server that cannot be reached.
    """
    if content:
        return "".join(traceback.format_exception(error))
    return "\n".join(_chain(error))


def _chain(error: BaseException, length: int = 1) -> Iterator[str]:
    """Write what led to an error, then the error itself."""
    before, said = error.__cause__, _SAID_CAUSE
    if before is None and not error.__suppress_context__:
        before, said = error.__context__, _SAID_CONTEXT
    if before is not None and length < _LONGEST_CHAIN:
        yield from _chain(before, length + 1)
        yield f"\n{said}\n"
    frames = "".join(traceback.format_tb(error.__traceback__))
    yield f"Traceback (most recent call last):\n{frames}{_name(error)}"
    if isinstance(error, BaseExceptionGroup) and length < _LONGEST_CHAIN:
        for number, each in enumerate(error.exceptions[:_LONGEST_CHAIN], 1):
            yield f"\nPart {number} of the group:\n"
            yield from _chain(each, length + 1)


def _name(error: BaseException) -> str:
    name = type(error).__qualname__
    if isinstance(error, ApplicationError) and error.type:
        name = f"{name} [{error.type}]"
    return f"{name}: {error}" if _is_harmless(error) else f"{name}: (what it says is content)"


def _is_harmless(error: BaseException) -> bool:
    """Tell whether its words are ours. A failure that came over the wire may have been any exception before."""
    if isinstance(error, FailureError):
        return error.failure is None
    return isinstance(error, TemporalError | OperationalError | AssetsUnreachable)
