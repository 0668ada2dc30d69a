"""Scripts: exactly which turns an agent takes, for scenario tests and fault drills.

    Script({
        "planner": [answer(plan)],
        "generator": [fail(529, "overloaded_error", times=2), call("render_shot", shot="a"), answer(take)],
        "critic": [forever(answer(verdict))],
    })

Each conversation (told apart by its system prompt and first user message) takes the turns of its agent from the start,
one per request; a request that fails has used its turn up.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from rehearsal.errors import ApiError
from rehearsal.faults import Drip, ErrorEvent, Fault, Garble, HangUp, Lapse, Reject, Stall, Truncate
from rehearsal.player import (
    Performance,
    Player,
    Request,
    ServerToolUse,
    Summariser,
    Summary,
    Text,
    Thinking,
    ToolUse,
)

Turn = Performance | Callable[[Request], Performance]


@dataclass(frozen=True)
class Repeat:
    """A turn that is taken several times; `times` null: for ever."""

    turn: Turn
    times: int | None = None


Turns = Sequence[Turn | Repeat]
Part = Turns | Callable[[Request], Turns]


class Script(Player):
    """Plays fixed turns per agent. A part may also be a function that picks the turns for a conversation.

    `else_` answers for agents without a part. `compaction` has the turns for requests that ask for a summary; after the
    last of them, and without any, the server writes the summary. They take no turns from the agents' parts.
    """

    def __init__(
        self, parts: Mapping[str, Part], else_: Player | None = None, *, compaction: Part | None = None
    ) -> None:
        self._parts = parts
        self._else = else_
        self._compaction = compaction
        self._taken: dict[str, int] = {}

    def reply(self, request: Request) -> Performance:
        """Take the conversation's next turn.

        Raises:
            ApiError: the agent has no part, or no turn left.
        """
        part = self._parts.get(request.agent)
        if part is None:
            if self._else is None:
                raise ApiError(f"no script for '{request.agent}'")
            return self._else.reply(request)
        taken, turn = self._next(part, request, request.conversation)
        if turn is None:
            raise ApiError(f"script for '{request.agent}' has no turn {taken}")
        return turn if isinstance(turn, Performance) else turn(request)

    def compact(self, request: Request) -> Performance | None:
        """Take the conversation's next turn for a summary, if there is one."""
        if self._compaction is None:
            return self._else.compact(request) if isinstance(self._else, Summariser) else None
        _, turn = self._next(self._compaction, request, f"compaction of {request.conversation}")
        return turn if turn is None or isinstance(turn, Performance) else turn(request)

    def _next(self, part: Part, request: Request, taker: str) -> tuple[int, Turn | None]:
        taken = self._taken.get(taker, 0)
        self._taken[taker] = taken + 1
        return taken + 1, _turn(part(request) if callable(part) else part, taken)


def _turn(turns: Turns, taken: int) -> Turn | None:
    for each in turns:
        repeat = each if isinstance(each, Repeat) else Repeat(each, 1)
        if repeat.times is None or taken < repeat.times:
            return repeat.turn
        taken -= repeat.times
    return None


def say(text: str) -> Performance:
    """Answer with words."""
    return Performance((Text(text),))


def answer(value: BaseModel | Mapping[str, Any] | Sequence[Any]) -> Performance:
    """Answer with JSON, as an agent with an output schema does."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return say(json.dumps(plain, ensure_ascii=False))


def call(name: str, /, **arguments: Any) -> Performance:  # noqa: ANN401 - a tool's own arguments
    """Call one tool."""
    return Performance((ToolUse(name, arguments),))


def calls(*several: Performance) -> Performance:
    """Put the blocks of several turns into one reply, e.g. parallel calls."""
    return Performance(tuple(block for each in several for block in each.blocks))


def think(thoughts: str, then: Performance) -> Performance:
    """Think before a turn."""
    return replace(then, blocks=(Thinking(thoughts), *then.blocks))


def refuse(category: str | None = "general_harms", text: str = "") -> Performance:
    """Stop with a refusal."""
    return Performance((Text(text),) if text else (), stop="refusal", refusal=category)


def pause(text: str = "Searching.", **query: Any) -> Performance:  # noqa: ANN401 - the search's own arguments
    """Pause the turn in the middle of a search that the provider runs."""
    return Performance((Text(text), ServerToolUse("web_search", query)), stop="pause_turn")


def overflow(text: str = "The window is full") -> Performance:
    """Stop because the model's window is full."""
    return Performance((Text(text),), stop="model_context_window_exceeded")


def compacts(text: str | None) -> Performance:
    """Summarise what was said with these words; null: the summary failed."""
    return Performance((Summary(text),), stop="compaction")


def expire() -> Performance:
    """In a batch: let the batch end before this request was sent to the model."""
    return Performance(fault=Lapse("expired"))


def cancel() -> Performance:
    """In a batch: let the batch be canceled before this request was sent to the model."""
    return Performance(fault=Lapse("canceled"))


def stop(reason: str | None, then: Performance) -> Performance:
    """Give a turn another stop reason: null, or one that nobody knows."""
    return replace(then, stop=reason)


def cut(turn: Performance, at: float = 0.5) -> Performance:
    """Cut the last block of a turn off after this share of its text, with stop reason `max_tokens`."""
    return replace(turn, cut=at)


def fail(
    status: int,
    type: str = "api_error",  # noqa: A002 - the field's name on the wire
    message: str = "rehearsed error",
    *,
    retry_after: float | datetime | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    times: int = 1,
) -> Repeat:
    """Refuse with an HTTP error, several times if need be."""
    fault = Reject(status, type, message, retry_after, code, headers or {})
    return Repeat(Performance(fault=fault), times)


def stall(seconds: float, then: Performance | None = None, after: int = 1) -> Performance:
    """Fall silent in the middle of a turn."""
    return with_fault(Stall(seconds, after), then)


def drip(seconds: float, then: Performance | None = None) -> Performance:
    """Send a turn slowly, with a pause before each event."""
    return with_fault(Drip(seconds), then)


def hang_up(after: int = 0, then: Performance | None = None) -> Performance:
    """Drop the connection after so many events; 0: before any answer."""
    return with_fault(HangUp(after), then)


def truncate(after: int = 4, then: Performance | None = None) -> Performance:
    """End the stream too early, without `message_stop`."""
    return with_fault(Truncate(after), then)


def break_off(type: str = "overloaded_error", message: str = "Overloaded", after: int = 4) -> Performance:  # noqa: A002 - as on the wire
    """Send an `error` event in the middle of a stream."""
    return with_fault(ErrorEvent(type, message, after), None)


def garble(text: str = "<html>bad gateway</html>") -> Performance:
    """Answer 200 with something that is no reply."""
    return with_fault(Garble(text), None)


def later(seconds: float, then: Performance) -> Performance:
    """Wait before anything is answered."""
    return replace(then, delay=seconds)


def times(count: int, turn: Turn) -> Repeat:
    """Take a turn several times."""
    return Repeat(turn, count)


def forever(turn: Turn | Repeat) -> Repeat:
    """Take a turn for all requests to come."""
    return Repeat(turn.turn if isinstance(turn, Repeat) else turn)


def with_fault(fault: Fault, turn: Performance | None) -> Performance:
    """Let something go wrong on the way of a turn."""
    return replace(turn or say("These words are on their way while something happens."), fault=fault)
