"""Logs: one JSON object a line, on standard error, so that standard output stays the program's own.

Lines with an `action` are the story of the house (see `Story`); all others have an `event`. They share their fields.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor
from temporalio import activity, workflow

from activities.redaction import MOST, Redactor, plain
from activities.settings import Settings
from activities.tracebacks import written

LINE = 16 * 1024
"""Bytes of one line."""

FIELDS = (
    *("timestamp", "level", "logger", "event", "trace_id", "span_id"),
    *("workflow_id", "run_id", "attempt", "agent_name", "turn", "action", "data"),
)
"""What a line has, in this order, where it is known; everything else is in `data`."""

_OURS = {"workflow_run_id": "run_id"}
_CONTEXT = ("workflow_id", "workflow_run_id", "run_id", "attempt", "activity_type")
"""What Temporal says of a workflow or an activity; a run has two names there."""

_QUOTES_CONTENT = ("anthropic", "httpx2", "httpcore2", "sqlalchemy")
"""Loggers that would log whole prompts below WARNING."""

Raised = tuple[type[BaseException], BaseException, TracebackType | None]


def log_as_json(settings: Settings | None = None, also: Sequence[Processor] = ()) -> None:
    """Send every log, ours and the libraries', as JSON lines to standard error; `also` as `JsonLines` takes it."""
    settings = settings or Settings()
    level = getattr(logging, settings.log_level.upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(settings, also))
    # At DEBUG the libraries would log what they send.
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    logging.getLogger("callsheet").setLevel(level)
    for name in _QUOTES_CONTENT:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.raiseExceptions = False  # a handler that fails would print the record as it is
    sys.excepthook = _uncaught
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    workflow.logger.workflow_info_on_message = activity.logger.activity_info_on_message = False


class JsonLines(structlog.stdlib.ProcessorFormatter):
    """Formats any record, ours or a library's, as one JSON line. Redaction comes last, so nothing gets around it."""

    def __init__(self, settings: Settings, also: Sequence[Processor] = ()) -> None:
        """Format as `settings` say; `also` adds fields to each record, such as `trace_id` and `span_id`."""
        self._content = settings.log_content
        self._redact = Redactor(settings.log_redact)
        super().__init__(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, structlog.stdlib.ExtraAdder()],
            processors=[*also, _head, structlog.processors.ExceptionRenderer(self._error), self._line],
        )

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; one that cannot be formatted is told of all the same, without what it says."""
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 - logging would print the record as it is
            event = f"a record could not be formatted: {type(error).__name__}"
            line = {"timestamp": _moment(record), "level": record.levelname.lower(), "logger": record.name}
            return json.dumps({**line, "event": event}, default=str)

    def _error(self, exc_info: Raised) -> str:
        return written(exc_info[1], content=self._content)

    def _line(self, _logger: object, _method: str, event: EventDict) -> str:
        """Shape and redact; what is still too long is cut shorter and shorter, and at last left out."""
        shaped = self._shaped(event)
        for most in (MOST, MOST // 4, MOST // 20):
            line = json.dumps(self._redact(shaped, most))
            if len(line) <= LINE:
                return line
        return json.dumps(self._redact({**shaped, "data": "…"}, MOST // 20))

    def _shaped(self, event: EventDict) -> dict[str, Any]:
        given, error = event.pop("data", {}), event.pop("exception", None)
        data = dict(given) if isinstance(given, Mapping) else {"data": given}
        data |= {name: value for name, value in event.items() if name not in FIELDS and not name.startswith("_")}
        data = data if self._content else plain(data)
        if error:
            data["traceback"] = error
        shaped = {name: event[name] for name in FIELDS if name in event}
        if "action" in shaped:
            del shaped["event"]
        return shaped | ({"data": data} if data or "action" in shaped else {})


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log what ends the process, instead of printing it as it is."""
    logging.getLogger("callsheet").critical("the process ends", exc_info=(kind, error, trace))


def _head(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add when, how grave and from where; and whose activity or workflow it was, where the record does not say."""
    record: logging.LogRecord = event["_record"]
    event.setdefault("timestamp", _moment(record))
    event["level"], event["logger"] = record.levelname.lower(), record.name
    event.pop("__temporal_error_identifier", None)
    if (core := event.pop("temporal_log", None)) is not None:  # Temporal's own core says the rest in fields
        event["data"] = dict(core.fields)
    found = [event.pop(key, None) for key in ("temporal_workflow", "temporal_activity")]
    if "action" in event:
        return event
    if not any(found) and activity.in_activity():
        found = [vars(activity.info())]
    for each in found:
        for name in _CONTEXT:
            if isinstance(each, Mapping) and each.get(name) is not None:
                event.setdefault(_OURS.get(name, name), each[name])
    return event


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)
