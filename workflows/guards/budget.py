"""Against spending more than was granted: money, tokens, turns, tool calls and time, before the call."""

from workflows.models import Allowance, Halt, LastTurn, Transcript

WALL_NEAR = (19, 20)
"""The part of the wall time after which the agent is asked to hand in."""


def spending(transcript: Transcript) -> Halt | LastTurn | None:
    """Stop before a cap is crossed, and leave the agent one turn to hand in what it has.

    Money, tokens and time are never overdrawn: nearly used up they give the last turn, used up they halt. Turns and
    tool calls count the work; the last turn, which has no tools, comes on top of them. A last turn counts as taken
    when its note stands in a turn.
    """
    if gone := _gone(transcript):
        return Halt(kind="budget", reason=f"The budget is used up: {'; '.join(gone)}.")
    reached = _reached(transcript)
    if not transcript.last_turn_given:
        ending = reached + _nearly_gone(transcript)
        return LastTurn(text=_hand_in("; ".join(ending))) if ending else None
    if reached and (_last_turn_taken(transcript) or _refused_twice(transcript)):
        return Halt(kind="budget", reason=f"Not done after the last turn: {'; '.join(reached)}.")
    return None


def allowance(transcript: Transcript) -> Allowance:
    """Say what the next call may use: all that is left, and as much output as the tokens left have room for."""
    tokens, least = _tokens_left(transcript), _least(transcript)
    room = tokens - transcript.context
    return Allowance(
        micro_usd=_money_left(transcript),
        tokens=tokens,
        max_tokens=max(least, min(transcript.limits.max_tokens, room)),
        least_tokens=least,
    )


def calls_left(transcript: Transcript) -> int:
    """Say how many tool calls of the next reply may still run: one reply can hold more than the cap has left."""
    return max(0, transcript.limits.tool_calls - transcript.spend.tool_calls)


def _gone(transcript: Transcript) -> list[str]:
    """Name the caps that leave nothing, not even for one small call."""
    gone = []
    if _money_left(transcript) <= 0:
        gone.append(_money(transcript))
    if _tokens_left(transcript) < _smallest_call(transcript):
        gone.append(_tokens(transcript))
    if transcript.elapsed >= transcript.limits.wall:
        gone.append(_time(transcript))
    if transcript.spend.turns > transcript.limits.turns:  # not even the last turn, on top of the cap, is left
        gone.append(_turns(transcript))
    return gone


def _reached(transcript: Transcript) -> list[str]:
    """Name the caps that are reached, and that only a last turn may pass."""
    spend, limits = transcript.spend, transcript.limits
    reached = []
    if spend.turns >= limits.turns:
        reached.append(_turns(transcript))
    if 0 < spend.tool_calls >= limits.tool_calls:  # an agent without tools has a cap of 0 and never reaches it
        reached.append(f"tool calls {spend.tool_calls} of {limits.tool_calls}")
    if transcript.turns and transcript.turns[-1].stop == "over_budget":
        reached.append(f"the next call could cost more than is left, {_money(transcript)}")
    return reached


def _last_turn_taken(transcript: Transcript) -> bool:
    return any("last_turn" in turn.notes for turn in transcript.turns)


def _refused_twice(transcript: Transcript) -> bool:
    """Tell that not even the last turn could be paid for: the same call is not tried a third time."""
    return [turn.stop for turn in transcript.turns[-2:]] == ["over_budget", "over_budget"]


def _nearly_gone(transcript: Transcript) -> list[str]:
    """Name the caps that leave room for one call like the last, but not for two: the last turn has to be paid for."""
    if not transcript.turns:
        return []
    near = []
    if _money_left(transcript) < 2 * transcript.turns[-1].micro_usd:
        near.append(_money(transcript))
    if _tokens_left(transcript) < 2 * _smallest_call(transcript):
        near.append(_tokens(transcript))
    part, whole = WALL_NEAR
    if transcript.elapsed * whole >= transcript.limits.wall * part:
        near.append(_time(transcript))
    return near


def _money_left(transcript: Transcript) -> int:
    own = transcript.limits.micro_usd - transcript.spend.micro_usd
    spare = transcript.spare_micro_usd
    return max(0, own if spare is None else min(own, spare))


def _tokens_left(transcript: Transcript) -> int:
    return max(0, transcript.limits.tokens - transcript.spend.usage.total)


def _least(transcript: Transcript) -> int:
    return min(transcript.limits.least_tokens, transcript.limits.max_tokens)


def _smallest_call(transcript: Transcript) -> int:
    """Count the tokens that even the shortest reply bills: the whole conversation is read again."""
    return transcript.context + _least(transcript)


def _money(transcript: Transcript) -> str:
    cost = f"cost {_dollars(transcript.spend.micro_usd)} of {_dollars(transcript.limits.micro_usd)}"
    spare = transcript.spare_micro_usd
    return cost if spare is None else f"{cost}, {_dollars(spare)} left in the run"


def _tokens(transcript: Transcript) -> str:
    return f"tokens {transcript.spend.usage.total} of {transcript.limits.tokens}"


def _turns(transcript: Transcript) -> str:
    return f"turns {transcript.spend.turns} of {transcript.limits.turns}"


def _time(transcript: Transcript) -> str:
    elapsed, wall = transcript.elapsed.total_seconds(), transcript.limits.wall.total_seconds()
    return f"time {elapsed:.0f} s of {wall:.0f} s"


def _dollars(micro_usd: int) -> str:
    return f"${micro_usd / 1_000_000:.4f}"


def _hand_in(ending: str) -> str:
    return (
        f"This is your last turn, because a limit is reached ({ending}). No tool is available any more. "
        "Hand in the best result you have, in the form that was asked for, and say in it what is missing."
    )
