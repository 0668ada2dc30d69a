"""The desk's house: every part built once, by constructor, from the settings."""

from dataclasses import dataclass
from typing import Self

from temporalio.client import Client

from activities.assets import Assets
from activities.candidate_papers import CandidatePapers
from activities.catalog import CatalogStore
from activities.database import Database
from activities.deciding import Deciding
from activities.hiring_records import HiringRecords
from activities.ledger_accounts import Caps
from activities.people import Told
from activities.settings import Settings
from activities.signing import Signer
from activities.studio.profiles import Profiles
from desk.cases import Cases
from desk.costs import Costs
from desk.darkroom import Darkroom
from desk.dossiers import Dossiers
from desk.limits import Rates
from desk.queue import Queue
from desk.reviewers import Reviewers
from desk.runs import Runs
from desk.sessions import Sessions
from desk.settings import DeskSettings
from desk.tenancy import Tenancy

REVIEWERS = "reviewers.json"


@dataclass(frozen=True)
class House:
    """Everything that the pages need."""

    settings: DeskSettings
    client: Client
    database: Database
    deciding: Deciding
    queue: Queue
    cases: Cases
    runs: Runs
    costs: Costs
    told: Told
    darkroom: Darkroom
    tenancy: Tenancy
    sessions: Sessions
    reviewers: Reviewers
    rates: Rates

    @classmethod
    def open(cls, client: Client, settings: Settings, desk: DeskSettings, rates: Rates | None = None) -> Self:
        """Build it; the schema is brought up to date.

        Raises:
            BadKey: the key that decisions are signed with cannot be used.
        """
        database, assets = Database(settings.database_url), Assets.at(settings.assets_url)
        database.prepare(migrate=settings.migrate)
        deciding = Deciding(client, Signer.of(settings, "desk"))
        catalog = CatalogStore(database, assets, Profiles.load())
        costs, tenancy = Costs(database, Caps(settings.caps)), Tenancy(database)
        dossiers = Dossiers(HiringRecords(database), CandidatePapers(database, assets))
        return cls(
            settings=desk,
            client=client,
            database=database,
            deciding=deciding,
            queue=Queue(client, deciding),
            cases=Cases(client, deciding, database, catalog, costs, tenancy, dossiers),
            runs=Runs(client, database),
            costs=costs,
            told=Told(database),
            darkroom=Darkroom(assets),
            tenancy=tenancy,
            sessions=Sessions(database, desk.lifetime, desk.idle),
            reviewers=Reviewers(settings.home / REVIEWERS),
            rates=rates or Rates(),
        )

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
