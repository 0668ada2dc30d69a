"""Transcripts as tests write them, and a conversation that heeds its guards."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from workflows.guards import GUARDS, Guard, rule
from workflows.models import (
    Ask,
    Call,
    Compact,
    Contract,
    Halt,
    Judge,
    LastTurn,
    Limits,
    Nudge,
    Outcome,
    Remind,
    Ruling,
    Stop,
    Transcript,
    Turn,
)

CONTRACT = Contract(goal="Shoot the dress", constraints=("White background",), acceptance=("The gate passes",))
ROOMY = Limits(turns=1_000, tool_calls=1_000)


class Act(NamedTuple):
    """One call as a test sees it: tool, arguments, result; `shape` is the arguments with their jitter folded."""

    tool: str
    args: str
    result: str = "True"
    ok: bool = True
    shape: str = ""


def call(act: Act, place: int = 0) -> Call:
    """Write the act as a call."""
    return Call(id=f"c{place}", tool=act.tool, digest=act.args, shape=act.shape or act.args, preview=act.args)


def outcome(act: Act, place: int = 0) -> Outcome:
    """Write what came of the act."""
    return Outcome(call_id=f"c{place}", tool=act.tool, ok=act.ok, digest=act.result, preview=act.result)


def turn(number: int, *acts: Act, stop: Stop | None = None, micro_usd: int = 0, text: str = "") -> Turn:
    """Write one turn; with calls it stops for them."""
    return Turn(
        number=number,
        stop=stop or ("tool_use" if acts else "end_turn"),
        calls=tuple(call(act, place) for place, act in enumerate(acts)),
        outcomes=tuple(outcome(act, place) for place, act in enumerate(acts)),
        micro_usd=micro_usd,
        text=text,
    )


def transcript(*turns: Turn, **more: object) -> Transcript:
    """Put turns together; totals that matter to a test come in `more`."""
    blank = Transcript(contract=CONTRACT, limits=ROOMY, turns=turns[-24:])
    spend = blank.spend.model_copy(update={"turns": len(turns)})
    return blank.model_copy(update={"spend": spend, **more})


@dataclass
class Talk:
    """A conversation: turns go in, and the rulings before each next call are heeded and kept.

    `findings` are what the drift judge finds, look by look; after the last one it finds no more drift.
    """

    guards: tuple[Guard, ...] = GUARDS
    now: Transcript = field(default_factory=transcript)
    rulings: list[tuple[int, Ruling]] = field(default_factory=list)
    findings: Iterator[bool] = field(default_factory=lambda: iter(()))

    def play(self, acts: Iterable[tuple[Act, ...]]) -> "Talk":
        """Take turns until they end or a guard ends the conversation."""
        for each in acts:
            self._take(turn(self.now.spend.turns + 1, *each))
            if self.ended:
                break
        return self

    @property
    def ended(self) -> bool:
        """Whether the last ruling was a halt, or a question to a person."""
        return bool(self.rulings) and isinstance(self.rulings[-1][1], Halt | Ask)

    def at(self, kind: type) -> list[int]:
        """After which turns there was such a ruling."""
        return [number for number, ruling in self.rulings if isinstance(ruling, kind)]

    def _take(self, new: Turn) -> None:
        spend = self.now.spend
        spend = spend.model_copy(
            update={"turns": spend.turns + 1, "tool_calls": spend.tool_calls + len(new.calls)},
        )
        self._change(turns=(*self.now.turns, new)[-24:], spend=spend)
        while (ruling := rule(self.guards, self.now)) is not None:
            self.rulings.append((spend.turns, ruling))
            if self.ended:
                break
            self._heed(ruling)

    def _heed(self, ruling: Ruling) -> None:
        match ruling:
            case Nudge():
                self._change(nudged_at=self.now.spend.turns)
            case Remind():
                self._change(reminded_at=self.now.spend.turns)
            case Judge():
                self._judge()
            case LastTurn():
                self._change(last_turn_given=True)
            case Compact():
                self._change(compacted_at=self.now.spend.turns, context=self.now.context // 2)

    def _judge(self) -> None:
        drifts = self.now.drifts + 1 if next(self.findings, False) else 0
        self._change(judged_at=self.now.spend.turns, drifts=drifts)

    def _change(self, **fields: object) -> None:
        self.now = self.now.model_copy(update=fields)


def one_by_one(*acts: Act) -> list[tuple[Act, ...]]:
    """One call per turn."""
    return [(act,) for act in acts]
