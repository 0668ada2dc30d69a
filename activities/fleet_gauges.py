"""Gauges of the fleet, read from the records when somebody collects: the same in every worker."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from activities import meter_names as names
from activities.database import now
from activities.fleet_reading import Reading
from activities.label_names import Names
from activities.meter_names import METRICS
from activities.meters import METER

AGE = 10.0
"""Seconds for which a reading is used again."""
LONGEST = 60.0
"""Seconds after which a reading is too old to be shown, when there is no newer one."""
PATIENCE = 2.0
"""Seconds that one collection waits for a reading; a slow database must not fail a scrape."""

Read = Callable[[], Reading]
Values = Iterable[tuple[tuple[str, ...], float]]


class FleetGauges:
    """Shows how the fleet stands. What cannot be read is not shown: a gap is honest, a stale figure is not."""

    def __init__(
        self,
        provider: MeterProvider,
        labels: Names,
        read: Read,
        clock: Callable[[], datetime] = now,
        patience: float = PATIENCE,
    ) -> None:
        """Show through `provider` what `read` finds; `labels` bound the names."""
        self._latest = Latest(read, patience)
        self._bound = labels
        self._clock = clock
        meter = provider.get_meter(METER)
        for metric in METRICS:
            if (find := self._finds().get(metric.name)) is not None:
                callback = self._callback(metric.labels, find)
                meter.create_observable_gauge(metric.name, [callback], description=metric.says)

    def close(self) -> None:
        """Read no more."""
        self._latest.close()

    def _finds(self) -> Mapping[str, Callable[[Reading], Values]]:
        return {
            names.WORKFLOWS_RUNNING: lambda read: self._agents(read.running),
            names.WORKFLOWS_STUCK: lambda read: self._agents(read.stuck),
            names.ESCALATION_RATE: lambda read: self._agents(read.escalated),
            names.QUESTIONS_WAITING: lambda read: (((kind,), count) for kind, count in read.waiting.items()),
            names.QUESTION_OLDEST: self._oldest,
            names.BUDGET_RATIO: lambda read: (((scope,), ratio) for scope, ratio in read.used.items()),
            names.BUDGET_USD: lambda read: read.dollars.items(),
        }

    def _agents(self, values: Mapping[str, float]) -> Values:
        """Show values by name; of those that share the label `other`, the highest."""
        highest: dict[tuple[str, ...], float] = {}
        for name, value in values.items():
            label = (self._bound.agent(name),)
            highest[label] = max(value, highest.get(label, value))
        return highest.items()

    def _oldest(self, read: Reading) -> Values:
        at = self._clock()
        for kind in read.waiting:
            asked = read.oldest.get(kind)
            yield (kind,), max(0.0, (at - asked).total_seconds()) if asked else 0.0

    def _callback(
        self, keys: tuple[str, ...], find: Callable[[Reading], Values]
    ) -> Callable[[CallbackOptions], list[Observation]]:
        def observe(_options: CallbackOptions) -> list[Observation]:
            reading = self._latest.get()
            values = find(reading) if reading is not None else ()
            return [Observation(value, dict(zip(keys, labels, strict=True))) for labels, value in values]

        return observe


class Latest:
    """The latest reading: read on a thread of its own, at most once in `AGE` seconds, and waited for only so long."""

    def __init__(self, read: Read, patience: float) -> None:
        """Read with `read`."""
        self._read = read
        self._patience = patience
        self._reader = ThreadPoolExecutor(1, "fleet")
        self._lock = threading.Lock()
        self._under_way: Future[Reading] | None = None
        self._kept: Reading | None = None
        self._kept_at = self._tried_at = float("-inf")
        self._failed = False
        self._log = logging.getLogger("callsheet.meters")

    def get(self) -> Reading | None:
        """Give the latest reading; None when there is none that is young enough. Never raises."""
        with self._lock:
            if time.monotonic() - self._tried_at >= AGE:
                self._tried_at = time.monotonic()
                self._try()
            elif self._under_way is not None and self._under_way.done():
                self._take(self._under_way, 0)
            return self._kept if time.monotonic() - self._kept_at < LONGEST else None

    def close(self) -> None:
        """Read no more; nobody waits for a reading that is under way."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _try(self) -> None:
        if self._under_way is None:
            try:
                self._under_way = self._reader.submit(self._read)
            except RuntimeError:  # it is closed
                return
        self._take(self._under_way, self._patience)

    def _take(self, reading: Future[Reading], patience: float) -> None:
        try:
            self._kept, self._kept_at = reading.result(patience), time.monotonic()
        except TimeoutError as error:
            self._fails(error)
            if not reading.done():  # it goes on, and is taken when it is there
                return
        except Exception as error:  # noqa: BLE001 - whatever a database may raise, the other figures are still good
            self._fails(error)
        else:
            self._failed = False
        self._under_way = None

    def _fails(self, error: Exception) -> None:
        if not self._failed:  # said once, not with every collection
            self._log.warning("how the fleet stands cannot be read: %s", type(error).__name__)
        self._failed = True
