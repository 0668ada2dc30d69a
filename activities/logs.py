"""Logs: one JSON object a line, on standard error, so that standard output stays the program's own."""

import logging
import sys

import structlog
from temporalio import activity, workflow


def log_as_json(level: int = logging.INFO) -> None:
    """Send every log, ours and the libraries', as JSON lines to standard error."""
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(sort_keys=True, default=str),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    workflow.logger.workflow_info_on_message = activity.logger.activity_info_on_message = False
    for name in ("anthropic", "httpx2", "httpcore2"):  # at DEBUG they would log whole prompts
        logging.getLogger(name).setLevel(logging.WARNING)
