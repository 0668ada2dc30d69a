"""Against drift: the contract comes back while the agent works."""

from workflows.models import Remind, Transcript

EVERY = 5
"""Turns between two reminders."""


def drifting(transcript: Transcript) -> Remind | None:
    """Repeat the contract word for word after every fifth turn, at the tail, where no prompt cache breaks."""
    turns = transcript.spend.turns
    if turns % EVERY or transcript.reminded_at == turns:  # before the first turn both are 0
        return None
    return Remind(text=transcript.contract.text())
