"""The world that the workflows act on: every part built once, by constructor, from the settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Self

from anthropic import AsyncAnthropic
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.anomalies import AlertRules, Anomalies
from activities.assets import Assets
from activities.batch_rounds import BatchRounds
from activities.batches import BatchDesk
from activities.candidate_papers import CandidatePapers
from activities.catalog import CatalogStore
from activities.compactor import Compactor
from activities.conversations import ConversationStore
from activities.database import Database
from activities.desk import StudioDesk
from activities.effects import Effects
from activities.erasure import Eraser
from activities.hiring import HiringDesk
from activities.invocations import InvocationStore
from activities.judge import DriftJudge
from activities.ledger import LedgerStore
from activities.ledger_rows import Caps
from activities.messenger import Messenger
from activities.model import ClaudeModel
from activities.offers import Offers
from activities.paid_calls import PaidCalls
from activities.people import Told
from activities.pricing import Prices
from activities.rates import share_rates
from activities.settings import Settings
from activities.story import Story
from activities.studio.profiles import Profiles
from activities.tools import TOOLS
from activities.tools.definition import Tool
from activities.tools.directories import catalog_references
from activities.tools.toolbox import Toolbox, Toolset
from activities.warmth import Warmth
from workflows import batch_desk
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


def build() -> WorkerDeploymentConfig:
    """Name the build by its version; left to itself, a worker digests every module, which takes seconds."""
    number = WorkerDeploymentVersion("callsheet", version("callsheet"))
    return WorkerDeploymentConfig(version=number, use_worker_versioning=False)


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

    @classmethod
    async def open(
        cls,
        settings: Settings | None = None,
        *,
        tools: Iterable[Tool] = TOOLS,
        pipelines: Sequence[type] = PIPELINES,
        dependencies: Iterable[object] = (),
        client: AsyncAnthropic | None = None,
    ) -> Self:
        """Build the world; `dependencies` are further values that tools ask for by their type.

        Raises:
            BadTool: a tool cannot be run in this world.
            ValueError: no key and no endpoint for the model is configured.
        """
        settings = settings or Settings()
        database = Database(settings.database_url, Story(content=settings.log_content).hear)
        assets, profiles = Assets.at(settings.assets_url), Profiles.load()
        database.prepare()
        catalog, people, toolset = CatalogStore(database, assets, profiles), Told(database), Toolset(tools)
        await catalog.seed()
        caps = Caps(settings.caps)
        ledger, conversations = LedgerStore(database, caps), ConversationStore(database, toolset, caps)
        papers = CandidatePapers(database, assets)
        hiring, eraser = HiringDesk(database, assets, papers), Eraser(database, assets)
        world = (catalog, assets, profiles, papers, *dependencies)
        references = catalog_references(database, profiles)
        toolbox = Toolbox(toolset, world, references, conversations, Effects(database), assets)
        model, batches = _model(settings, database, assets, conversations, ledger, client or claude())
        studio = StudioDesk(catalog.images, assets, profiles)
        invocations = InvocationStore(database)
        talks = (conversations.open, conversations.close, invocations.begin, invocations.finish)
        money = (ledger.top_up, ledger.read, batches.tend)
        shelf = (catalog.open_shoot, catalog.lay_out, catalog.page, catalog.verify, catalog.record)
        hired = (hiring.open_vacancy, hiring.page, hiring.read, hiring.nearest, hiring.record, hiring.decide)
        erased = (eraser.erase, eraser.erase_histories)
        parts: dict[str, Sequence[Callable[..., Any]]] = {
            "workflows": (*talks, *money, *shelf, *hired, *erased, people.tell, toolbox.use),
            "model": (model.call, model.compact, model.judge),
            "tools": (toolbox.use,),
            "studio": (toolbox.use, studio.measure),
        }
        workflows = (*pipelines, batch_desk.BatchDesk)
        return cls(settings, database, assets, conversations, catalog, people, ledger, parts, workflows)

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
            deployment_config=build(),
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

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


PLACES = {"workflows": 100, "model": 50, "tools": 20, "studio": 2}
"""How many activities of each part run at once in one process; the studio's keep a core busy each."""


def _model(
    settings: Settings,
    database: Database,
    assets: Assets,
    store: ConversationStore,
    ledger: LedgerStore,
    client: AsyncAnthropic,
) -> tuple[ClaudeModel, BatchRounds]:
    """Build what calls the model, at once or in batches."""
    calls = PaidCalls(client, ledger, Prices(), patience=MONEY_PATIENCE)
    rules = AlertRules(settings.alert_factor, settings.alert_sample, settings.alert_pause)
    desk = BatchDesk(database, calls, Messenger(settings.batch_window))
    model = ClaudeModel(
        store,
        calls,
        assets.get,
        Compactor(database, calls, Offers(client), assets.get, ledger.caps),
        DriftJudge(database, calls, ledger),
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
