"""The meters of the house: what a transaction has kept is counted, once, in whichever process it was kept.

Replays, retries, a run that goes on as a new one, a second worker: none of them keeps a row again, nor counts it again.
"""

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from opentelemetry.metrics import Counter as Instrument
from opentelemetry.metrics import Histogram, MeterProvider
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow
from activities.database import Base, Written
from activities.label_names import Names
from activities.measures import Measure, Worth
from activities.meter_names import METRICS
from activities.row_owners import RowOwners

METER = "callsheet"

Series = tuple[str, tuple[str, ...]]


class Meters:
    """Watches a database and counts what was kept.

    It never raises, because nothing that is kept may fail for a number.
    """

    def __init__(self, provider: MeterProvider, names: Names) -> None:
        """Count with the instruments of `provider`; `names` bound the labels."""
        meter = provider.get_meter(METER)
        self._labels = {metric.name: metric.labels for metric in METRICS}
        self._counters: dict[str, Instrument] = {
            each.name: meter.create_counter(each.name, description=each.says)
            for each in METRICS
            if each.kind == "counter"
        }
        self._histograms: dict[str, Histogram] = {
            each.name: meter.create_histogram(
                each.name, description=each.says, explicit_bucket_boundaries_advisory=each.buckets
            )
            for each in METRICS
            if each.kind == "histogram"
        }
        self._worth = Worth(names)
        self._owners = RowOwners()
        self._owed: dict[Series, float] = {}
        self._told: set[Series] = set()
        self._turn = threading.Lock()
        self._log = logging.getLogger("callsheet.meters")
        self._add(self._worth.standing())

    def hear(self, written: Sequence[Written], session: Session) -> None:
        """Count what was written; `session` finds whose it is."""
        with self._turn:
            self._owners.look_in(session)
            for each in written:
                try:
                    self._count(each.row, before(each))
                except Exception:  # noqa: BLE001 - see above
                    with contextlib.suppress(Exception):
                        self._log.exception("a record was kept and could not be counted")

    def _count(self, row: Base, was: Base | None) -> None:
        worth = _summed(self._worth.counted(row, self._owners))
        for series, value in _summed(self._worth.counted(was, self._owners) if was is not None else ()).items():
            worth[series] = worth.get(series, 0) - value
        self._add(Measure(*series, value) for series, value in worth.items())
        seen = Counter(self._worth.observed(was) if was is not None else ())
        for measure in (Counter(self._worth.observed(row)) - seen).elements():
            self._histograms[measure.name].record(measure.value, self._attributes(measure))

    def _add(self, measures: Iterable[Measure]) -> None:
        """Add up. No counter can go back: what turns out to be too much is set off against what comes next."""
        for measure in measures:
            series = (measure.name, measure.labels)
            if not measure.value and series in self._told:
                continue
            self._told.add(series)
            value = measure.value + self._owed.pop(series, 0)
            if value < 0:
                self._owed[series] = value
            self._counters[measure.name].add(max(value, 0), self._attributes(measure))

    def _attributes(self, measure: Measure) -> dict[str, str]:
        return dict(zip(self._labels[measure.name], measure.labels, strict=True))


def before(written: Written) -> Base | None:
    """Restore what a row was before it was written; None if it was not there.

    The end of a conversation is an event: one that ends again, in the same way, has ended twice.
    """
    if written.new:
        return None
    row = written.row
    kept = {
        each.key: written.changed.get(each.key, getattr(row, each.key)) for each in inspect(row).mapper.column_attrs
    }
    if isinstance(row, ConversationRow) and "ended_at" in written.changed:
        kept["ended"] = ""
    return type(row)(**kept)


def _summed(measures: Iterable[Measure]) -> dict[Series, float]:
    sums: dict[Series, float] = {}
    for each in measures:
        sums[each.name, each.labels] = sums.get((each.name, each.labels), 0) + each.value
    return sums
