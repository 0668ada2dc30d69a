"""Against spending more than was granted: money, tokens, turns, tool calls and time, before the call."""

from workflows.models import Allowance, Halt, HaltKind, LastTurn, Transcript

WALL_NEAR = (19, 20)
"""The part of the wall time after which the agent is asked to hand in."""


def spending(transcript: Transcript) -> Halt | LastTurn | None:
    """Stop before a cap is crossed, and leave the agent one turn to hand in what it has.

    Tokens and time are never overdrawn: nearly used up they give the last turn, used up they halt. Turns and tool calls
    count the work; the last turn, which has no tools, comes on top of them. Money is the ledger's: it alone refuses a
    call, and only after it shrank the output to its floor and waited for other callers, so its refusal halts at once;
    a person can cure that. Little money gives the last turn. It counts as taken when its note stands in a turn.
    """
    if transcript.turns and transcript.turns[-1].stop == "over_budget":
        return Halt(kind="budget" if _money_suffices(transcript) else "money", reason=_refused(transcript))
    if gone := _gone(transcript):
        return Halt(kind="budget", reason=f"The budget is used up: {'; '.join(gone)}.")
    reached = _reached(transcript)
    if not transcript.last_turn_given:
        ending = reached or _nearly_gone(transcript)
        return LastTurn(text=_hand_in("; ".join(ending))) if ending else None
    if reached and _last_turn_taken(transcript):
        only_money = reached == [_money(transcript)]
        kind: HaltKind = "money" if only_money else "budget"
        return Halt(kind=kind, reason=f"Not done after the last turn: {'; '.join(reached)}.")
    return None


def allowance(transcript: Transcript) -> Allowance:
    """Say what the next call may use: the tokens left, and as much output as they have room for."""
    tokens, least = _tokens_left(transcript), _least(transcript)
    room = tokens - transcript.context
    return Allowance(
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
    if _leaves_less_than(transcript, transcript.purse.needs):
        reached.append(_money(transcript))
    return reached


def _last_turn_taken(transcript: Transcript) -> bool:
    return any("last_turn" in turn.notes for turn in transcript.turns)


def _nearly_gone(transcript: Transcript) -> list[str]:
    """Name the caps that leave room for one call like the last, but not for the last turn after it."""
    if not transcript.turns:
        return []
    near, last = [], transcript.turns[-1].micro_usd
    if _leaves_less_than(transcript, last):
        near.append(f"{_money(transcript)}, and the last one cost {_dollars(last)}")
    if _tokens_left(transcript) < 2 * _smallest_call(transcript):
        near.append(_tokens(transcript))
    part, whole = WALL_NEAR
    if transcript.elapsed * whole >= transcript.limits.wall * part:
        near.append(_time(transcript))
    return near


def _leaves_less_than(transcript: Transcript, call: int) -> bool:
    """Tell whether after one more call, which takes `call` micro-dollars, a last turn at its floor is not covered.

    The purse came with the last reply: without one it says nothing, or what it said before a person topped it up.
    """
    left, needs = transcript.purse.left, transcript.purse.needs
    return bool(transcript.turns) and left is not None and needs > 0 and left < call + needs


def _money_suffices(transcript: Transcript) -> bool:
    """Tell whether a call that was refused lacked tokens instead: of those a top-up gives no more."""
    left, needs = transcript.purse.left, transcript.purse.needs
    return needs > 0 and (left is None or left >= needs)


def _tokens_left(transcript: Transcript) -> int:
    return max(0, transcript.limits.tokens - transcript.spend.usage.total)


def _least(transcript: Transcript) -> int:
    return min(transcript.limits.least_tokens, transcript.limits.max_tokens)


def _smallest_call(transcript: Transcript) -> int:
    """Count the tokens that even the shortest reply bills: the whole conversation is read again."""
    return transcript.context + _least(transcript)


def _refused(transcript: Transcript) -> str:
    said = transcript.turns[-1].text.rstrip(". ") or _lack(transcript)
    return f"The budget is used up: {_cost(transcript)}; {said}."


def _money(transcript: Transcript) -> str:
    return f"{_cost(transcript)}; {_lack(transcript)}"


def _cost(transcript: Transcript) -> str:
    return f"cost {_dollars(max(transcript.purse.total, transcript.spend.micro_usd))} so far"


def _lack(transcript: Transcript) -> str:
    purse = transcript.purse
    if purse.left is None or not purse.needs:
        return "the next call could cost more than is left"
    account = f"the account {purse.account}" if purse.account else "the tightest account"
    return f"{account} leaves {_dollars(max(0, purse.left))} and the next call needs {_dollars(purse.needs)}"


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
