"""Stop reasons after which nothing more is to be expected from the model."""

from workflows.models import Halt, HaltKind, Stop, Transcript

_FINAL: tuple[tuple[Stop, HaltKind, str], ...] = (
    ("refusal", "refusal", "The model refused to answer; asking again would be a blind retry."),
    ("broken", "broken", "The reply came without a known stop reason; nothing of it was executed."),
    ("rejected", "rejected", "No reply is to be had from the model endpoint."),
)

_TRUNCATED = (
    "Two replies in a row were cut off at the output cap. It was raised once, after the first one, as far as the "
    "budget had room for it."
)


def failing(transcript: Transcript) -> Halt | None:
    """Halt after a refusal, a broken reply, a rejected request, or two replies in a row that were cut off.

    The first cut-off reply is no case for a ruling: the loop answers it with a higher output cap. A refusal is seen
    here only after the models that the agent may fall back to were asked as well.
    """
    stops = [turn.stop for turn in transcript.turns[-2:]]
    if stops == ["max_tokens", "max_tokens"]:
        return Halt(kind="truncated", reason=_TRUNCATED)
    for stop, kind, reason in _FINAL:
        if stops[-1:] == [stop]:
            last = transcript.turns[-1]
            said = f" {last.text}" if last.text else ""
            return Halt(kind=kind, reason=f"{reason} (turn {last.number}){said}")
    return None
