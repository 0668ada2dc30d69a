"""Everything of a world that becomes a metric: what is kept, how the fleet stands, what waits, and Temporal's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from temporalio.client import Client

from activities.backlogs import Backlogs
from activities.database import Database, Watch, now
from activities.fleet_gauges import FleetGauges
from activities.fleet_reading import read_fleet
from activities.label_names import Names
from activities.ledger_accounts import Caps
from activities.meters import Meters
from activities.telemetry import Telemetry


class Metering:
    """Measures one world, if its telemetry exports metrics at all; if not, it does nothing and costs nothing."""

    def __init__(self, telemetry: Telemetry, names: Names) -> None:
        """Measure with the instruments of `telemetry`; `names` bound the labels."""
        self._telemetry = telemetry
        self._names = names
        self._fleet: FleetGauges | None = None
        self.watches: Sequence[Watch] = (Meters(telemetry.meters, names).hear,) if telemetry.metrics else ()

    def read_from(self, database: Database, caps: Caps) -> None:
        """Show how the fleet stands, by the records in `database` and the standard `caps`."""
        if self._telemetry.metrics:
            self._fleet = FleetGauges(
                self._telemetry.meters,
                self._names,
                lambda: database.look(lambda session: read_fleet(session, caps, now())),
            )

    @contextlib.asynccontextmanager
    async def watching(self, client: Client, queues: Mapping[str, str]) -> AsyncIterator[None]:
        """Serve the metrics where they are scraped, and watch the queues and Temporal's core meanwhile.

        The endpoint stays open until the telemetry is closed, so that it tells also of the drain.

        Raises:
            OSError: the port of the endpoint is taken.
        """
        if self._telemetry.endpoint is not None:
            self._telemetry.endpoint.open()
        engine = self._telemetry.engine
        if engine is None:
            yield
            return
        watches = (engine.watch(), Backlogs(self._telemetry.meters, client, queues).watch())
        tasks = [asyncio.create_task(each) for each in watches]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Read no more."""
        if self._fleet is not None:
            self._fleet.close()
