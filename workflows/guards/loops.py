"""Against going in circles: repetition, alternation, longer rounds, and calls that bring nothing new.

An action is a tool with its exact arguments. Rounds of actions are a loop whatever comes back, because a clock or a
counter in a result makes every result look new. A repeated call is a loop sooner when its result is the same as well
and nothing else was learned or done in between.
"""

from typing import NamedTuple

from workflows.models import Call, Halt, Nudge, Transcript, Turn, preview

WINDOW = 5
"""Actions that show a repetition or an alternation: A A A A A, A B A B A."""

LONGEST = 4
"""Actions in the longest round that is looked for."""

STALE = 3
"""Turns in which the same call may bring the same result before it is a loop."""

APART = 5
"""Turns that pass before another nudge, for another loop."""


class Step(NamedTuple):
    """One call with what came of it; `result` is empty when the call has no outcome."""

    turn: int
    call: Call
    result: str
    ok: bool

    @property
    def action(self) -> tuple[str, str]:
        """The tool and its exact arguments."""
        return self.call.tool, self.call.digest

    @property
    def trace(self) -> tuple[str, str, str]:
        """The tool, its arguments with their jitter folded, and the result."""
        return self.call.tool, self.call.shape, self.result


class Loop(NamedTuple):
    """A loop that was found: what it looks like and the calls of one round."""

    looks: str
    calls: tuple[Call, ...]

    @property
    def actions(self) -> frozenset[tuple[str, str]]:
        """What is repeated, with the jitter of arguments folded."""
        return frozenset((call.tool, call.shape) for call in self.calls)

    def __str__(self) -> str:
        named = ", then ".join(f"{preview(call.tool, 60)} with {preview(call.preview, 120)}" for call in self.calls)
        return f"{self.looks}: {named}"


def circling(transcript: Transcript) -> Nudge | Halt | None:
    """Nudge an agent that goes in circles, halt it when it goes on after that.

    It goes on when a call made after the nudge ends a loop of no other actions than the nudge named. Any other loop is
    new: it gets a nudge of its own, a few turns later at the earliest.
    """
    steps = _steps(transcript.turns)
    loop = _find(steps)
    nudged = transcript.nudged_at
    if loop is None or steps[-1].turn != transcript.turns[-1].number or steps[-1].turn <= nudged:
        return None
    if not nudged:
        return Nudge(text=_advice(loop))
    told = _find([step for step in steps if step.turn <= nudged])
    if told is not None and loop.actions <= told.actions:
        return Halt(kind="loop", reason=f"Went on after the nudge at turn {nudged}. {loop}")
    return Nudge(text=_advice(loop)) if transcript.spend.turns - nudged >= APART else None


def _steps(turns: tuple[Turn, ...]) -> list[Step]:
    """Lay the calls that were run in a row."""
    steps = []
    for turn in turns:
        if turn.stop != "tool_use":  # the calls of a cut-off reply are never run
            continue
        outcomes = {outcome.call_id: outcome for outcome in turn.outcomes}
        for call in _distinct(turn.calls):
            outcome = outcomes.get(call.id)
            steps.append(Step(turn.number, call, outcome.digest if outcome else "", bool(outcome and outcome.ok)))
    return steps


def _distinct(calls: tuple[Call, ...]) -> list[Call]:
    """Count identical calls of one reply once: the model had not seen the first result when it wrote the second."""
    first: dict[tuple[str, str], Call] = {}
    for call in calls:
        first.setdefault((call.tool, call.digest), call)
    return list(first.values())


def _find(steps: list[Step]) -> Loop | None:
    """Find the loop that the last step belongs to, the shortest round first."""
    rounds = (_round(steps, period) for period in range(1, LONGEST + 1))
    return next((loop for loop in rounds if loop), None) or _stale(steps)


def _round(steps: list[Step], period: int) -> Loop | None:
    """Find actions that come back in the same order.

    A round is sure when it begins for the third time. Twice is what honest work does: look, change the world by other
    means, look again.
    """
    needed = max(WINDOW, 2 * period + 1)
    tail = [step.action for step in steps[-needed:]]
    if len(tail) < needed or tail[period:] != tail[:-period]:
        return None
    calls = tuple(step.call for step in steps[-period:])
    return Loop(f"The same {'call' if period == 1 else f'{period} calls'} over and over", calls)


def _stale(steps: list[Step]) -> Loop | None:
    """Find a call that brought the same result in several turns, with nothing new in between."""
    if not steps or not steps[-1].result:
        return None
    last = steps[-1]
    turns = {step.turn for step in steps[_latest_news(steps) :] if step.trace == last.trace}
    return Loop(f"The same call with the same result {len(turns)} times", (last.call,)) if len(turns) >= STALE else None


def _latest_news(steps: list[Step]) -> int:
    """Find the last step that succeeded and was unlike all before it: a new page read, a new file written."""
    seen: set[tuple[str, str, str]] = set()
    latest = 0
    for place, step in enumerate(steps):
        if step.ok and step.trace not in seen:
            latest = place
        seen.add(step.trace)
    return latest


def _advice(loop: Loop) -> str:
    return (
        f"You are going in circles. {loop}. Once more will not change anything. Do something else: work with the "
        "results you have, change the arguments for a reason you can name, use another tool, hand in what you have, "
        "or ask for a person if you cannot go on."
    )
