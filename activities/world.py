"""The world that the workflows act on: every part built once, by constructor, from the settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any, Self

from anthropic import AsyncAnthropic
from temporalio.client import Client
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.assets import Assets
from activities.catalog import CatalogStore
from activities.conversations import ConversationStore
from activities.database import Database
from activities.desk import StudioDesk
from activities.effects import Effects
from activities.evaluating import Evaluating
from activities.invocations import InvocationStore
from activities.label_names import Names
from activities.ledger import LedgerStore
from activities.ledger_rows import Caps
from activities.metering import Metering
from activities.paid_calls import PaidCalls
from activities.pauses import Pauses
from activities.people import Told
from activities.pools import places, pools_of, runs_in, served_by
from activities.pricing import Prices
from activities.rates import share_rates
from activities.rigging import Activities, claude, model_of, people_of, sandbox, watch
from activities.settings import Settings
from activities.slate_desk import SlateDesk
from activities.spots import Surroundings
from activities.studio.profiles import Profiles
from activities.telemetry import Telemetry
from activities.tools import TOOLS
from activities.tools.definition import Tool
from activities.tools.directories import catalog_references
from activities.tools.references import Directory
from activities.tools.toolbox import Toolbox, Toolset
from activities.versioning import deployment_of
from workflows import batch_desk, courier, scheduled, slate
from workflows.pipelines import PIPELINES
from workflows.tracing import queue

DRAIN = timedelta(seconds=30)
MONEY_PATIENCE = timedelta(minutes=2)
"""How long a call waits for money that other calls hold: most of them end within it, and give some back."""


HOUSE = (batch_desk.BatchDesk, courier.Courier, slate.Slate, scheduled.Scheduled)
"""Workflows that are no pipeline: they serve all of them."""


@dataclass(frozen=True)
class World:
    """Everything that workers need. `activities` are by part; each part is a task queue of its own."""

    settings: Settings
    database: Database
    assets: Assets
    conversations: ConversationStore
    catalog: CatalogStore
    people: Told
    ledger: LedgerStore
    activities: Mapping[str, Sequence[Callable[..., Any]]]
    workflows: Sequence[type]
    telemetry: Telemetry
    metering: Metering
    served: Sequence[str]
    deployment: WorkerDeploymentConfig = field(default_factory=deployment_of)

    @classmethod
    async def open(
        cls,
        settings: Settings | None = None,
        *,
        tools: Iterable[Tool] = TOOLS,
        pipelines: Sequence[type] = PIPELINES,
        dependencies: Iterable[object] = (),
        directories: Mapping[str, Directory] | None = None,
        client: AsyncAnthropic | None = None,
        telemetry: Telemetry | None = None,
    ) -> Self:
        """Build the world; `dependencies` are further values that tools ask for by their type.

        `directories` list what arguments may refer to, by kind: `Ref("flower")` needs one for `flower`. `telemetry` is
        that of the environment where none is given; the world closes it.

        Raises:
            BadTool: a tool cannot be run in this world.
            ValueError: no key and no endpoint for the model is configured, or an exporter that there is not.
        """
        settings, telemetry = settings or Settings(), telemetry or Telemetry.from_environment()
        tools, caps = tuple(tools), Caps(settings.caps)
        served = served_by(settings, pools := pools_of(tools))
        metering = Metering(telemetry, Names((each.name for each in tools), Prices().knows))
        database = Database(settings.database_url, watch(settings, telemetry, metering))
        assets, profiles = Assets.at(settings.assets_url), Profiles.load()
        database.prepare(migrate=settings.migrate)
        catalog, toolset = CatalogStore(database, assets, profiles), Toolset(tools, partial(runs_in, served=served))
        people, *tidings = people_of(settings, database)
        await catalog.seed()
        metering.read_from(database, caps)
        ledger, conversations = LedgerStore(database, caps), ConversationStore(database, toolset, caps)
        evaluating, around = Evaluating(database, assets), Surroundings(database, telemetry.sampled)
        world = (catalog, assets, profiles, evaluating.papers, *dependencies)
        references, effects = catalog_references(database, profiles, directories), Effects(database)
        toolbox = Toolbox(toolset, world, references, conversations, effects, assets, around, Pauses(database))
        client = client or claude(needed="model" in served)
        calls = PaidCalls(client, ledger, Prices(), MONEY_PATIENCE, around)
        model, batches = model_of(settings, database, assets, conversations, calls, client)
        invocations, studio = InvocationStore(database), StudioDesk(catalog.images, assets, profiles)
        shelf = (catalog.open_shoot, catalog.lay_out, catalog.page, catalog.verify, catalog.record)
        talks = (conversations.open, conversations.close, invocations.begin, invocations.finish)
        slates = SlateDesk(database)
        money = (ledger.top_up, ledger.read, batches.tend, slates.tend, slates.call_off)
        own: Activities = (*talks, *money, *shelf, *evaluating.activities, people.tell, *chain(*tidings), toolbox.use)
        using: Activities = (toolbox.use,)
        activities: dict[str, Activities] = {
            **dict.fromkeys(pools, using),  # also those that a tool names
            "workflows": own,
            "model": (model.call, model.compact, model.judge, batches.tend),
            "studio": (toolbox.use, studio.measure),
        }
        stores = (database, assets, conversations, catalog, people, ledger)
        workflows = (*pipelines, *HOUSE)
        return cls(settings, *stores, activities, workflows, telemetry, metering, served)

    def workers(
        self,
        client: Client,
        parts: Sequence[str] | None = None,
        base: str = "",
        deployment: WorkerDeploymentConfig | None = None,
    ) -> list[Worker]:
        """Make one worker for each part to be served: by default the parts, the queue and the version of this world."""
        served = self.served if parts is None else parts
        version = deployment or self.deployment
        return [self._worker(client, part, self.queue_of(part, base), version) for part in served]

    def queue_of(self, part: str, base: str = "") -> str:
        """Name the task queue of a part."""
        base = base or self.settings.task_queue
        return base if part == "workflows" else queue(base, part)

    def _worker(self, client: Client, part: str, task_queue: str, version: WorkerDeploymentConfig) -> Worker:
        return Worker(
            client,
            task_queue=task_queue,
            workflows=self.workflows if part == "workflows" else (),
            activities=self.activities[part],
            workflow_runner=sandbox(),
            graceful_shutdown_timeout=DRAIN,
            deployment_config=version,
            max_concurrent_activities=places(part, self.settings.places),
        )

    async def share_rates(self, client: Client) -> None:
        """Set the rates of the settings on the queues that are served here; without them, what operators set stays.

        Raises:
            RPCError: the server knows no rates of task queues.
        """
        weights, rates = self.settings.tenant_weights, self.settings.pool_rates
        for pool in self.served:
            per_tenant = self.settings.tenant_rate if pool == "model" else None
            if pool != "workflows" and (pool in rates or per_tenant or weights):
                await share_rates(client, self.queue_of(pool), rates.get(pool), per_tenant, weights)

    def metered(self, client: Client, base: str = "") -> AbstractAsyncContextManager[None]:
        """Export metrics while the queues are served; `client` is asked what waits in them.

        Raises:
            OSError: the port that they are to be scraped at is taken.
        """
        return self.metering.watching(client, {pool: self.queue_of(pool, base) for pool in self.activities})

    def close(self) -> None:
        """Let go of the database, and send the telemetry that waits."""
        self.metering.close()
        self.database.close()
        self.telemetry.close()
