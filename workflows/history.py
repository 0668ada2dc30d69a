"""How much history one run of a workflow may have, and how it goes on in a new one."""

from typing import NoReturn

from temporalio import workflow

from workflows.models import Value

HISTORY_EVENTS = 2_000
HISTORY_BYTES = 1_000_000


def history_is_full() -> bool:
    """Tell, between turns, that the flow should go on in a new run: long before the server would insist.

    Also where the fleet was rolled to a new version meanwhile: a run of a version takes the next one only there.
    """
    info = workflow.info()
    full = info.get_current_history_length() > HISTORY_EVENTS or info.get_current_history_size() > HISTORY_BYTES
    return full or info.is_continue_as_new_suggested() or info.is_target_worker_deployment_version_changed()


def go_on(order: Value) -> NoReturn:
    """Go on in a new run, on the version that is current; of no meaning to workers that have no version."""
    workflow.continue_as_new(order, initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE)
