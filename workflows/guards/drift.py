"""Against work that leaves its contract: now and then a judge looks at it with fresh eyes."""

from workflows.models import Ask, Judge, Transcript

LOOKS = 2
"""Looks in a row that find drift before a person is asked: one may be wrong, and the agent may come back by itself."""


def judging(transcript: Transcript) -> Judge | Ask | None:
    """Have the work judged every `judge_every` turns, and ask a person when it was off two looks in a row.

    A last turn is not judged any more: it changes no course, and the judge would spend the money that it needs.
    """
    if transcript.drifts >= LOOKS:
        return Ask(reason=_away(transcript))
    turns, every = transcript.spend.turns, transcript.limits.judge_every
    if not every or turns // every <= transcript.judged_at // every:  # at first both are 0; a fallback may skip a turn
        return None
    return None if transcript.last_turn_given else Judge()


def _away(transcript: Transcript) -> str:
    looks = {2: "Two"}.get(transcript.drifts, str(transcript.drifts))
    found = f": {transcript.drift}" if transcript.drift else "."
    where = f"the last one after turn {transcript.judged_at}"
    return f"{looks} looks in a row found the work away from its contract, {where}{found}"
