"""Against a full context window."""

from workflows.models import Compact, Halt, Transcript

FULL = (3, 4)
"""The part of the window at which the conversation is shortened: 75 %, as a fraction of whole numbers."""


def crowding(transcript: Transcript) -> Compact | Halt | None:
    """Compact a conversation that fills the window; halt when compaction did not help.

    Every cut empties the prompt cache, and the newest messages always stay. So a cut that bought less than one turn
    means that what has to stay is too large: a second one would cost money and change nothing. Before the first turn
    `context` estimates the baseline (instructions, tools, task), which no cut can shorten: when that alone fills the
    window, no call is made.
    """
    if not (_is_full(transcript) or _was_exceeded(transcript)):
        return None
    turns = transcript.spend.turns
    if turns == 0 or (transcript.compacted_at and turns - transcript.compacted_at <= 1):
        return Halt(kind="context", reason=_too_large(transcript))
    return Compact()


def _is_full(transcript: Transcript) -> bool:
    part, whole = FULL
    return transcript.context * whole >= transcript.limits.window * part


def _was_exceeded(transcript: Transcript) -> bool:
    """Tell whether the endpoint found the prompt too long since the last cut."""
    last = transcript.turns[-1:]
    return any(turn.stop == "context_exceeded" and turn.number > transcript.compacted_at for turn in last)


def _too_large(transcript: Transcript) -> str:
    used = f"{transcript.context} of {transcript.limits.window} tokens"
    when = f"after the compaction at turn {transcript.compacted_at}: {used}"
    if not transcript.spend.turns:
        part, whole = FULL
        most = 100 * part // whole
        when = f"from the start: instructions, tools and task are about {used}, and {most} % is the most"
    return f"The conversation does not fit its window {when}. What has to stay is too large."
