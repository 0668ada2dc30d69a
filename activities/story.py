"""The story of the house, told live: what a transaction has kept is in the log, in the words that the trace has too."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from activities.conversation_tables import JournalRow
from activities.database import Written
from activities.ledger_tables import AttemptRow
from activities.record_entries import RECORDS, LogEntry, entries_of
from activities.redaction import plain
from activities.spots import Spots

LOGGER = "callsheet.story"

_ALARMING = frozenset({"anomaly", "prefix_changed", "refused"})
"""Kinds of rulings and answers that somebody should look at."""


class Story:
    """Watches a database and tells the log what happened, once: nothing that is rolled back, found again, or replayed.

    It never raises, because nothing that is kept may fail for a log.
    """

    def __init__(self, *, content: bool = False) -> None:
        """Tell that things happened; with `content` also what models, tools and people said."""
        self._content = content
        self._spots = Spots()
        self._log = logging.getLogger(LOGGER)

    def hear(self, written: Sequence[Written], session: Session) -> None:
        """Tell what was written; `session` finds whose conversation it is."""
        try:
            told = [entry for each in written if _is_news(each) for entry in self._entries(each, session)]
            for entry, level in sorted(told, key=lambda each: each[0]["timestamp"]):
                self.tell(entry, level)
        except Exception:  # noqa: BLE001 - see above
            with contextlib.suppress(Exception):
                self._log.exception("what was kept could not be told")

    def tell(self, entry: LogEntry, level: int = logging.INFO) -> None:
        """Write one entry to the log."""
        if self._content:
            self._write(entry, entry["data"], level)
        elif entry["action"] != "thinking":
            self._write(entry, _without_content(entry), level)

    def _write(self, entry: LogEntry, data: dict[str, Any], level: int) -> None:
        self._log.log(level, "%s of %s", entry["action"], entry["workflow_id"], extra={**entry, "data": data})

    def _entries(self, written: Written, session: Session) -> Iterator[tuple[LogEntry, int]]:
        row = written.row
        if isinstance(row, RECORDS):
            for entry in entries_of(row, self._spots.of_row(session, row)):
                yield entry, _level(row, entry)


def _is_news(written: Written) -> bool:
    """Records are written once, but an attempt has its say when it ends."""
    return written.new or (isinstance(written.row, AttemptRow) and "state" in written.changed)


def _level(row: object, entry: LogEntry) -> int:
    if entry["action"] == "error":  # a failed attempt is made again, an error of the journal is not
        return logging.ERROR if isinstance(row, JournalRow) else logging.WARNING
    return logging.WARNING if entry["data"].get("kind") in _ALARMING else logging.INFO


def _without_content(entry: LogEntry) -> dict[str, Any]:
    data = plain(entry["data"])
    if entry["action"] == "tool_result" and "error" in data:  # it tells the model what was wrong, and quotes it
        data["error"] = data.get("refusal") or "declined"
    return data
