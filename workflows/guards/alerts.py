"""Against spending that is out of the ordinary: a person looks before more money goes."""

from workflows.models import Ask, Transcript


def alarming(transcript: Transcript) -> Ask | None:
    """Ask a person when the ledger's watch found something: the alert says what, in its own words."""
    return Ask(reason=transcript.alert) if transcript.alert else None
