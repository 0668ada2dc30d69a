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

from activities.assets import Assets
from activities.catalog import CatalogStore
from activities.conversations import ConversationStore
from activities.database import Database
from activities.desk import StudioDesk
from activities.effects import Effects
from activities.model import ClaudeModel
from activities.people import Told
from activities.pricing import Prices
from activities.settings import Settings
from activities.studio.profiles import Profiles
from activities.tools import TOOLS
from activities.tools.definition import Tool
from activities.tools.directories import catalog_references
from activities.tools.toolbox import Toolbox, Toolset
from workflows.pipelines import PIPELINES
from workflows.tracing import queue

DRAIN = timedelta(seconds=30)
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
        database, assets, profiles = Database(settings.database_url), Assets.at(settings.assets_url), Profiles.load()
        database.prepare()
        catalog, people, toolset = CatalogStore(database, assets, profiles), Told(database), Toolset(tools)
        await catalog.seed()
        conversations = ConversationStore(database, toolset)
        world = (catalog, assets, profiles, *dependencies)
        references = catalog_references(database, profiles)
        toolbox = Toolbox(toolset, world, references, conversations, Effects(database), assets)
        model = ClaudeModel(client or claude(), conversations, Prices(), assets.get)
        studio = StudioDesk(catalog.images, assets, profiles)
        talks = (conversations.open, conversations.compact, conversations.close)
        shelf = (catalog.open_shoot, catalog.lay_out, catalog.page, catalog.verify, catalog.record)
        parts: dict[str, Sequence[Callable[..., Any]]] = {
            "workflows": (*talks, *shelf, people.tell, toolbox.use),
            "model": (model.call,),
            "tools": (toolbox.use,),
            "studio": (toolbox.use, studio.measure),
        }
        return cls(settings, database, assets, conversations, catalog, people, parts, tuple(pipelines))

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

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


PLACES = {"workflows": 100, "model": 50, "tools": 20, "studio": 2}
"""How many activities of each part run at once in one process; the studio's keep a core busy each."""


def claude() -> AsyncAnthropic:
    """Make the client from the environment (`ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`); retries are Temporal's.

    Raises:
        ValueError: when neither a key nor a token is set, which would only show at the first call.
    """
    client = AsyncAnthropic(max_retries=0, timeout=900.0, open_telemetry=False)
    if not (client.api_key or client.auth_token):
        raise ValueError("ANTHROPIC_API_KEY is not set; set it, or start the rehearsal: python -m rehearsal")
    return client
