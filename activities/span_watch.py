"""Spans, told live: what a transaction has kept is exported, once, with ids that say what it is of."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from opentelemetry.sdk.trace import ReadableSpan
from sqlalchemy.orm import Session

from activities.database import Written
from activities.redaction import Redactor
from activities.settings import Settings
from activities.span_content import Content
from activities.span_dialects import DIALECTS
from activities.span_times import complete, so_far
from activities.spans import Told, readable
from activities.spots import Spots
from activities.telemetry import Telemetry
from workflows.tracing import At

AT_ONCE = 256
"""Spans that are sent together when they are sent again."""


class NotTaken(Exception):  # noqa: N818 - says what became of the spans
    """A backend did not take spans, or does not answer."""


class Spans:
    """Watches a database, and hands over every span that is complete. Replays, retries and restarts tell none twice.

    It never raises, because nothing that is kept may fail for a span; and it never waits, because exporters queue.
    """

    def __init__(self, telemetry: Telemetry, settings: Settings) -> None:
        """Export through `telemetry`; `settings` say in which dialect, and whether with what was said."""
        self._telemetry = telemetry
        self._content = Content(Redactor(settings.log_redact) if settings.trace_content else None)
        self._dialect = DIALECTS[settings.trace_dialect]
        self._spots = Spots()
        self._log = logging.getLogger("callsheet.telemetry")

    def hear(self, written: Sequence[Written], session: Session) -> None:
        """Tell the spans that are complete by what was written; `session` finds what else belongs to them."""
        if not self._telemetry.traces:
            return
        try:
            told = (span for each in written for span in complete(each, session, self._spots))
            self._telemetry.tell(list(self._readable(told, session)))
        except Exception:  # noqa: BLE001 - see above
            with contextlib.suppress(Exception):
                self._log.exception("what was kept could not be told as spans")

    def again(self, session: Session, of: str) -> Iterator[int]:
        """Send again all that was told of a run, a workflow or a conversation; yields how many spans each time.

        Raises:
            NotTaken: the backend does not take them.
        """
        spans = self._readable(so_far(session, of), session)
        while some := list(islice(spans, AT_ONCE)):
            if not self._telemetry.send(some):
                raise NotTaken
            yield len(some)

    def _readable(self, told: Iterable[Told], session: Session) -> Iterator[ReadableSpan]:
        for each in told:
            if self._telemetry.sampled(each.spot):
                said = self._content.of(each, session)
                error = {At.ERROR_TYPE: each.error} if each.error else {}
                more = {**said, **self._dialect({**each.attributes, **said, **error})}
                yield readable(each, self._telemetry.resource, self._content.of_event, more)
