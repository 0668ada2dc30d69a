"""Against drift: the contract comes back while the agent works."""

from workflows.models import Remind, Transcript

EVERY = 5
"""Turns between two reminders."""


def drifting(transcript: Transcript) -> Remind | None:
    """Repeat the contract word for word after every fifth turn, at the tail, where no prompt cache breaks.

    A turn that is answered by another model counts as two, so the fifth may have passed unseen.
    """
    if transcript.spend.turns // EVERY <= transcript.reminded_at // EVERY:  # before the fifth turn both are 0
        return None
    return Remind(text=transcript.contract.text())
