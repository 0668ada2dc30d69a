"""The stores as the command line reads them: assets, catalog, records."""

from typing import Self

from activities.assets import Assets
from activities.candidate_papers import CandidatePapers
from activities.catalog import CatalogStore
from activities.database import Database
from activities.hiring import HiringDesk
from activities.hiring_records import HiringRecords
from activities.ledger import LedgerStore
from activities.ledger_rows import Caps
from activities.pauses import Pauses
from activities.records import Records
from activities.settings import Settings
from activities.studio.profiles import Profiles
from console.books import Books
from console.bundle import Produced
from workflows.models import ItemState, RunState


class Stores:
    """Opens the stores that the settings name."""

    def __init__(self, settings: Settings) -> None:
        """Connect lazily; the schema is made when it is missing."""
        self.database, self._migrate = Database(settings.database_url), settings.migrate
        self.profiles = Profiles.load()
        self.assets = Assets.at(settings.assets_url)
        self.records = Records(self.database)
        self.pauses = Pauses(self.database)
        self.ledger = LedgerStore(self.database, caps := Caps(settings.caps))
        self.books = Books(self.database, caps)
        self.hiring = HiringRecords(self.database)
        self.hiring_desk = HiringDesk(self.database, self.assets, CandidatePapers(self.database, self.assets))
        self.catalog = CatalogStore(self.database, self.assets, self.profiles)

    def __enter__(self) -> Self:
        """Bring the schema up to date, so that an empty house reads as empty; or see that it fits."""
        self.database.prepare(migrate=self._migrate)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the database."""
        self.database.close()

    async def produced(self, state: RunState) -> tuple[Produced, ...]:
        """Read all items of a run; those without a kept outcome are as the run last saw them."""
        seen = {row.key: row for row in state.items}
        found = []
        for shot, kept in await self.catalog.items(state.id):
            row = seen.get(shot.key)
            status, error = (row.status, row.error) if row else ("cancelled", "")
            item = kept or ItemState(key=shot.key, title=shot.title, status=status, error=error)
            found.append(Produced(shot=shot, state=item))
        return tuple(found)
