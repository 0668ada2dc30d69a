"""How much history one run of a workflow may have."""

from temporalio import workflow

HISTORY_EVENTS = 2_000
HISTORY_BYTES = 1_000_000


def history_is_full() -> bool:
    """Tell, between turns, that the flow should go on in a new run: long before the server would insist."""
    info = workflow.info()
    full = info.get_current_history_length() > HISTORY_EVENTS or info.get_current_history_size() > HISTORY_BYTES
    return full or info.is_continue_as_new_suggested()
