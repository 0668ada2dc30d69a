"""Builds the parts of the world that have many parts of their own: people, the model, the sandbox of the workflows."""

from collections.abc import Callable, Sequence
from typing import Any

from anthropic import AsyncAnthropic
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.anomalies import AlertRules, Anomalies
from activities.assets import Assets
from activities.batch_rounds import BatchRounds
from activities.batches import BatchDesk
from activities.channels import TOLD, ChannelDesk
from activities.compactor import Compactor
from activities.conversations import ConversationStore
from activities.database import Database, Watch, all_of
from activities.judge import DriftJudge
from activities.keys import Keyring, own_key
from activities.messenger import Messenger
from activities.metering import Metering
from activities.model import ClaudeModel
from activities.offers import Offers
from activities.paid_calls import PaidCalls
from activities.pauses import Pauses
from activities.people import Told
from activities.sending import Couriers, channels_of
from activities.settings import Settings
from activities.span_watch import Spans
from activities.story import Story
from activities.telemetry import Telemetry
from activities.verifying import Verifier
from activities.warmth import Warmth

PASSED = ("workflows.models", "workflows.guards", "workflows.tracing")
"""Pure modules that workflow runs share; every other workflow module is watched by the sandbox."""

Activities = Sequence[Callable[..., Any]]


def sandbox() -> WorkflowRunner:
    """Make the runner of the workflows; a replay needs the same one."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED))


def watch(settings: Settings, telemetry: Telemetry, metering: Metering) -> Watch:
    """Have what is kept told by the log and by the trace, and counted."""
    return all_of(Story(content=settings.log_content).hear, Spans(telemetry, settings).hear, *metering.watches)


def people_of(settings: Settings, database: Database) -> tuple[Told, Activities, Activities]:
    """Build what tells people, what proves their decisions, and what sends them word."""
    keyring = Keyring(settings.decision_keys, settings.keys)
    if not settings.decision_keys:
        own_key(settings.keys)  # so that the first desk or command line of this home finds the key that we trust
    channels = channels_of(settings)
    people = Told(database, Couriers([each.name for each in channels]) if channels else None, TOLD)
    verifier = Verifier(database, keyring, seconds=settings.decision_seconds, trusting=settings.trust_signals)
    desk = ChannelDesk(database, channels, settings.desk_url)
    return people, (verifier.verify,), (desk.deliver, desk.give_up)


def model_of(
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
        pauses=Pauses(database),
    )
    return model, BatchRounds(desk, client, store, model)


def claude(*, needed: bool = True) -> AsyncAnthropic:
    """Make the client from the environment (`ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`); retries are Temporal's.

    A worker that serves no model calls does not need it to have a key.

    Raises:
        ValueError: when neither a key nor a token is set, which would only show at the first call.
    """
    client = AsyncAnthropic(max_retries=0, timeout=900.0, open_telemetry=False)
    if needed and not (client.api_key or client.auth_token):
        raise ValueError("ANTHROPIC_API_KEY is not set; set it, or start the rehearsal: python -m rehearsal")
    return client
