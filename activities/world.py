"""The world that the workflows act on: every part built once, by constructor, from the settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from anthropic import AsyncAnthropic
from temporalio.client import Client
from temporalio.worker import Worker, WorkerDeploymentConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.anomalies import AlertRules, Anomalies
from activities.assets import Assets
from activities.batch_rounds import BatchRounds
from activities.batches import BatchDesk
from activities.catalog import CatalogStore
from activities.channels import TOLD, ChannelDesk
from activities.compactor import Compactor
from activities.conversations import ConversationStore
from activities.database import Database, Watch, all_of
from activities.desk import StudioDesk
from activities.effects import Effects
from activities.evaluating import Evaluating
from activities.invocations import InvocationStore
from activities.judge import DriftJudge
from activities.keys import Keyring, own_key
from activities.label_names import Names
from activities.ledger import LedgerStore
from activities.ledger_rows import Caps
from activities.messenger import Messenger
from activities.metering import Metering
from activities.model import ClaudeModel
from activities.offers import Offers
from activities.paid_calls import PaidCalls
from activities.people import Told
from activities.pricing import Prices
from activities.rates import share_rates
from activities.sending import Couriers, channels_of
from activities.settings import QUEUES, Settings
from activities.span_watch import Spans
from activities.spots import Surroundings
from activities.story import Story
from activities.studio.profiles import Profiles
from activities.telemetry import Telemetry
from activities.tools import TOOLS
from activities.tools.definition import Tool
from activities.tools.directories import catalog_references
from activities.tools.references import Directory
from activities.tools.toolbox import Toolbox, Toolset
from activities.verifying import Verifier
from activities.versioning import deployment_of
from activities.warmth import Warmth
from workflows import batch_desk, courier
from workflows.pipelines import PIPELINES
from workflows.tracing import queue

DRAIN = timedelta(seconds=30)
MONEY_PATIENCE = timedelta(minutes=2)
"""How long a call waits for money that other calls hold: most of them end within it, and give some back."""
PASSED = ("workflows.models", "workflows.guards", "workflows.tracing")
"""Pure modules that workflow runs share; every other workflow module is watched by the sandbox."""


def sandbox() -> WorkflowRunner:
    """Make the runner of the workflows; a replay needs the same one."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED))


def watch(settings: Settings, telemetry: Telemetry, metering: Metering) -> Watch:
    """Have what is kept told by the log and by the trace, and counted."""
    return all_of(Story(content=settings.log_content).hear, Spans(telemetry, settings).hear, *metering.watches)


Activities = Sequence[Callable[..., Any]]


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
        metering = Metering(telemetry, Names((each.name for each in tools), Prices().knows))
        database = Database(settings.database_url, watch(settings, telemetry, metering))
        assets, profiles = Assets.at(settings.assets_url), Profiles.load()
        database.prepare(migrate=settings.migrate)
        catalog, toolset = CatalogStore(database, assets, profiles), Toolset(tools)
        people, decisions, sending = _people(settings, database)
        await catalog.seed()
        metering.read_from(database, caps)
        ledger, conversations = LedgerStore(database, caps), ConversationStore(database, toolset, caps)
        evaluating = Evaluating(database, assets)
        world = (catalog, assets, profiles, evaluating.papers, *dependencies)
        references = catalog_references(database, profiles, directories)
        around = Surroundings(database, telemetry.sampled)
        toolbox = Toolbox(toolset, world, references, conversations, Effects(database), assets, around)
        calls = PaidCalls(client := client or claude(), ledger, Prices(), MONEY_PATIENCE, around)
        model, batches = _model(settings, database, assets, conversations, calls, client)
        studio = StudioDesk(catalog.images, assets, profiles)
        invocations = InvocationStore(database)
        talks = (conversations.open, conversations.close, invocations.begin, invocations.finish)
        money = (ledger.top_up, ledger.read, batches.tend)
        shelf = (catalog.open_shoot, catalog.lay_out, catalog.page, catalog.verify, catalog.record)
        parts: dict[str, Sequence[Callable[..., Any]]] = {
            "workflows": (
                *talks,
                *money,
                *shelf,
                *evaluating.activities,
                people.tell,
                *decisions,
                *sending,
                toolbox.use,
            ),
            "model": (model.call, model.compact, model.judge),
            "tools": (toolbox.use,),
            "studio": (toolbox.use, studio.measure),
        }
        stores = (database, assets, conversations, catalog, people, ledger)
        return cls(settings, *stores, parts, (*pipelines, batch_desk.BatchDesk, courier.Courier), telemetry, metering)

    def workers(self, client: Client, parts: Sequence[str] = (), base: str = "") -> list[Worker]:
        """Make one worker for each part to be served: by default the parts and the queue of the settings."""
        return [self._worker(client, part, self.queue_of(part, base)) for part in parts or self.settings.queues]

    def queue_of(self, part: str, base: str = "") -> str:
        """Name the task queue of a part."""
        base = base or self.settings.task_queue
        return base if part == "workflows" else queue(base, part)

    def _worker(self, client: Client, part: str, task_queue: str) -> Worker:
        return Worker(
            client,
            task_queue=task_queue,
            workflows=self.workflows if part == "workflows" else (),
            activities=self.activities[part],
            workflow_runner=sandbox(),
            graceful_shutdown_timeout=DRAIN,
            deployment_config=self.deployment,
            max_concurrent_activities=PLACES[part],
        )

    async def share_rates(self, client: Client) -> None:
        """Set the rates of the settings on the queue of the model; without them, what operators set stays.

        Raises:
            RPCError: the server knows no rates of task queues.
        """
        rates = (self.settings.model_rate, self.settings.tenant_rate)
        if "model" in self.settings.queues and any(rates):
            await share_rates(client, self.queue_of("model"), *rates)

    def metered(self, client: Client, base: str = "") -> AbstractAsyncContextManager[None]:
        """Export metrics while the queues are served; `client` is asked what waits in them.

        Raises:
            OSError: the port that they are to be scraped at is taken.
        """
        return self.metering.watching(client, {part: self.queue_of(part, base) for part in QUEUES})

    def close(self) -> None:
        """Let go of the database, and send the telemetry that waits."""
        self.metering.close()
        self.database.close()
        self.telemetry.close()


PLACES = {"workflows": 100, "model": 50, "tools": 20, "studio": 2}
"""How many activities of each part run at once in one process; the studio's keep a core busy each."""


def _people(settings: Settings, database: Database) -> tuple[Told, Activities, Activities]:
    """Build what tells people, what proves their decisions, and what sends them word."""
    keyring = Keyring(settings.decision_keys, settings.keys)
    if not settings.decision_keys:
        own_key(settings.keys)  # so that the first desk or command line of this home finds the key that we trust
    channels = channels_of(settings)
    people = Told(database, Couriers([each.name for each in channels]) if channels else None, TOLD)
    verifier = Verifier(database, keyring, seconds=settings.decision_seconds, trusting=settings.trust_signals)
    desk = ChannelDesk(database, channels, settings.desk_url)
    return people, (verifier.verify,), (desk.deliver, desk.give_up)


def _model(
    settings: Settings,
    database: Database,
    assets: Assets,
    store: ConversationStore,
    calls: PaidCalls,
    client: AsyncAnthropic,
) -> tuple[ClaudeModel, BatchRounds]:
    """Build what calls the model, at once or in batches."""
    rules = AlertRules(settings.alert_factor, settings.alert_sample, settings.alert_pause)
    desk = BatchDesk(database, calls, Messenger(settings.batch_window))
    model = ClaudeModel(
        store,
        calls,
        assets.get,
        Compactor(database, calls, Offers(client), assets.get, calls.ledger.caps),
        DriftJudge(database, calls, calls.ledger),
        Anomalies(database, rules),
        Warmth(database),
        desk=desk,
    )
    return model, BatchRounds(desk, client, store, model)


def claude() -> AsyncAnthropic:
    """Make the client from the environment (`ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`); retries are Temporal's.

    Raises:
        ValueError: when neither a key nor a token is set, which would only show at the first call.
    """
    client = AsyncAnthropic(max_retries=0, timeout=900.0, open_telemetry=False)
    if not (client.api_key or client.auth_token):
        raise ValueError("ANTHROPIC_API_KEY is not set; set it, or start the rehearsal: python -m rehearsal")
    return client
