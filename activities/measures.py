"""What rows come to in numbers: pure, so that the same rows always come to the same.

A row that changes is worth the difference: `counted` of what it is now, less `counted` of what it was. A value of 0
says that there is such a series; without it, the first event of its kind would be seen by no `rate()`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, get_args

from activities import meter_names as names
from activities.alert_tables import AlertRow
from activities.attempt_errors import ERROR_KINDS, kind_of
from activities.baselines import AnomalyKind
from activities.catalog_rows import ShotRow
from activities.conversation_tables import ConversationRow, CutRow, JournalRow, MessageRow, ToolResultRow
from activities.database import Base
from activities.invocation_tables import FROM_OUTSIDE, InvocationRow
from activities.label_names import Names, among
from activities.ledger_tables import AttemptRow
from activities.people import NoticeRow
from workflows.models import Choice, HaltKind, ItemState, ItemStatus, Notice, Refusal, Status, Stop

MICRO = 1_000_000
TOKENS = ("input", "output", "thinking", "cache_read", "cache_write")
OUTCOMES = ("billed", "free", "unknown")
ANSWERS = ("ok", "declined", "refused")
REFUSALS: tuple[str, ...] = get_args(Refusal)
STOPS: tuple[str, ...] = get_args(Stop)
ENDS: tuple[str, ...] = ("published", "rejected", "failed", "cancelled")
STATUSES = frozenset({*get_args(Status), *get_args(ItemStatus), *FROM_OUTSIDE})
CHOICES: tuple[str, ...] = (*(choice for choice in get_args(Choice) if choice not in {"claim", "release"}), "expired")
"""Whoever claims a question has not answered it."""
ANSWERED = frozenset({"decided", "answered", "reassigned"})
ANOMALIES: tuple[str, ...] = get_args(AnomalyKind)
HALTS: tuple[str, ...] = get_args(HaltKind)
NOTES = ("nudge", "remind", "last_turn", "repair", "cut_off")
JOURNALED = frozenset({*HALTS, "asks", "anomaly"})
"""Rulings that the journal has too, but that are counted where they are kept: at the conversation, at the alert."""
RULINGS = (*NOTES, "compact", "judge_drift", "prefix_changed", "ask", *(f"halt_{kind}" for kind in HALTS))
GATE = "gate"
LAST_ATTEMPT = 5


class Measure(NamedTuple):
    """How much is added to which series; labels stand in the order of the metric's."""

    name: str
    labels: tuple[str, ...]
    value: float = 1


class Owners(Protocol):
    """Finds whose a row is."""

    def agent(self, conversation: str) -> str:
        """Name the agent of a conversation."""

    def invocation(self, run: str, item: str) -> str:
        """Name the invocation that works on an item, or on a run."""

    def pipeline(self, run: str) -> str:
        """Name the pipeline of a run."""


Measures = Iterator[Measure]


class Worth:
    """Says what rows are worth, under labels that are bounded."""

    def __init__(self, labels: Names) -> None:
        """Make labels with `labels`."""
        self._labels = labels
        self._counted: Mapping[type[Base], Callable[[Any, Owners], Measures]] = {
            AlertRow: self._alert,
            AttemptRow: self._attempt,
            ConversationRow: self._conversation,
            CutRow: self._cut,
            InvocationRow: self._invocation,
            JournalRow: self._journal,
            MessageRow: self._message,
            NoticeRow: self._notice,
            ShotRow: self._item,
            ToolResultRow: self._result,
        }
        self._observed: Mapping[type[Base], Callable[[Any], Measures]] = {
            AttemptRow: self._attempt_taken,
            InvocationRow: self._invocation_size,
            ShotRow: _scores,
            ToolResultRow: self._result_taken,
        }

    def counted(self, row: Base, owners: Owners) -> Measures:
        """Tell what a row adds to counters."""
        if (count := self._counted.get(type(row))) is not None:
            yield from count(row, owners)

    def observed(self, row: Base) -> Measures:
        """Tell what a row puts into histograms."""
        if (observe := self._observed.get(type(row))) is not None:
            yield from observe(row)

    def standing(self) -> Measures:
        """Tell which series there are before anything has happened."""
        yield from (Measure(names.DECISIONS, (choice,), 0) for choice in CHOICES)
        for tool in sorted(self._labels.tools):
            yield from (Measure(names.TOOL_CALLS, (tool, answer), 0) for answer in ANSWERS)
            yield from (Measure(names.TOOL_REFUSALS, (tool, refusal), 0) for refusal in REFUSALS)

    def _attempt(self, row: AttemptRow, owners: Owners) -> Measures:
        whose = (self._labels.agent(owners.agent(row.conversation)), self._labels.model(row.model))
        ended = row.state != "open"
        tokens = (row.input, row.output, row.thinking, row.cache_read, row.write_5m + row.write_1h)
        yield Measure(names.LLM_COST, whose, row.micro_usd / MICRO if ended else 0)
        for sort, count in zip(TOKENS, tokens, strict=True):
            yield Measure(names.LLM_TOKENS, (*whose, sort), count if ended else 0)
        yield from (Measure(names.LLM_CALLS, (*whose, outcome), row.state == outcome) for outcome in OUTCOMES)
        failed = kind_of(row.error) if ended else ""
        yield from (Measure(names.LLM_ERRORS, (*whose, kind), kind == failed) for kind in ERROR_KINDS)

    def _attempt_taken(self, row: AttemptRow) -> Measures:
        """A batch takes hours and a failure may take no time; neither says how fast the model is."""
        replied = row.state in {"billed", "unknown"} and not row.error and not row.batch
        if replied and row.ended_at is not None:
            seconds = (row.ended_at - row.started_at).total_seconds()
            yield Measure(names.LLM_DURATION, (self._labels.model(row.model),), max(seconds, 0) * 1_000)

    def _message(self, row: MessageRow, owners: Owners) -> Measures:
        agent = self._labels.agent(owners.agent(row.conversation))
        if row.record is not None:
            stop = among(STOPS, json.loads(row.record).get("stop"))
            yield Measure(names.TURNS_TAKEN, (agent,))
            yield Measure(names.LLM_STOPS, (agent, stop))
        for note in json.loads(row.notes):
            if note.get("kind") in NOTES:
                yield Measure(names.RULINGS, (agent, note["kind"]))

    def _conversation(self, row: ConversationRow, _owners: Owners) -> Measures:
        agent = self._labels.agent(row.agent)
        yield Measure(names.TURNS_TAKEN, (agent,), 0)
        yield from (Measure(names.LLM_STOPS, (agent, stop), 0) for stop in STOPS)
        yield from (Measure(names.ANOMALIES, (agent, kind), 0) for kind in ANOMALIES)
        ruling = "ask" if row.ended == "asks" else f"halt_{row.ended}"
        yield from (Measure(names.RULINGS, (agent, each), 0) for each in RULINGS)
        if row.ended not in {"", "answered"}:
            yield Measure(names.RULINGS, (agent, among(RULINGS, ruling)))

    def _journal(self, row: JournalRow, _owners: Owners) -> Measures:
        if row.action == "ruling" and (ruling := _journaled(json.loads(row.data))):
            yield Measure(names.RULINGS, (self._labels.agent(row.agent), ruling))

    def _cut(self, row: CutRow, owners: Owners) -> Measures:
        yield Measure(names.RULINGS, (self._labels.agent(owners.agent(row.conversation)), "compact"))

    def _alert(self, row: AlertRow, _owners: Owners) -> Measures:
        yield Measure(names.ANOMALIES, (self._labels.agent(row.agent), among(ANOMALIES, row.kind)))

    def _result(self, row: ToolResultRow, _owners: Owners) -> Measures:
        tool, outcome = self._labels.tool(row.tool), json.loads(row.outcome)
        refusal = outcome.get("refusal")
        answer = "ok" if outcome.get("ok") else "refused" if refusal else "declined"
        yield Measure(names.TOOL_CALLS, (tool, answer))
        if refusal and not outcome.get("ok"):
            yield Measure(names.TOOL_REFUSALS, (tool, among(REFUSALS, refusal)))

    def _result_taken(self, row: ToolResultRow) -> Measures:
        """A call that was only answered as not run took no time, and says nothing of its tool."""
        outcome = json.loads(row.outcome)
        if (milliseconds := outcome.get("milliseconds") or 0) > 0 or outcome.get("refusal") != "conflict":
            yield Measure(names.TOOL_CALL_DURATION, (self._labels.tool(row.tool),), milliseconds)

    def _notice(self, row: NoticeRow, owners: Owners) -> Measures:
        if row.kind == "question":
            yield Measure(names.ESCALATIONS, (self._labels.agent(owners.invocation(row.run, row.item)),))
        elif row.kind == "expired":
            yield Measure(names.DECISIONS, ("expired",))
        elif row.kind in ANSWERED and (decision := Notice.model_validate_json(row.body).decision) is not None:
            yield Measure(names.DECISIONS, (among(CHOICES, decision.choice),))

    def _invocation(self, row: InvocationRow, _owners: Owners) -> Measures:
        agent = self._labels.agent(row.name)
        yield Measure(names.WORKFLOWS_STARTED, (agent,))
        yield Measure(names.ESCALATIONS, (agent,), 0)
        yield from (Measure(names.WORKFLOWS_COMPLETED, (agent, each), 0) for each in ("failed", "cancelled"))
        if row.status:
            yield Measure(names.WORKFLOWS_COMPLETED, (agent, among(STATUSES, row.status)))

    def _invocation_size(self, row: InvocationRow) -> Measures:
        if row.status:
            whose = (self._labels.agent(row.name),)
            yield Measure(names.TURNS_PER_WORKFLOW, whose, row.turns)
            yield Measure(names.WORKFLOW_COST, whose, row.micro_usd / MICRO)
            yield Measure(names.HISTORY_EVENTS, whose, row.events)
            yield Measure(names.HISTORY_BYTES, whose, row.bytes)

    def _item(self, row: ShotRow, owners: Owners) -> Measures:
        whose = (self._labels.pipeline(owners.pipeline(row.run)),)
        state = ItemState.model_validate_json(row.state) if row.state else None
        yield from (Measure(names.ITEMS, (*whose, end), 0) for end in ENDS)
        if state is not None:
            yield Measure(names.ITEMS, (*whose, among(ENDS, state.status)))
        first_pass = state and state.status == "published" and len(state.attempts) == 1 and state.decided_by == GATE
        yield Measure(names.FIRST_TAKE, whose, bool(first_pass))
        yield Measure(names.REFINEMENTS, whose, max(0, len(state.attempts) - 1) if state else 0)


def _scores(row: ShotRow) -> Measures:
    """A take without a verdict has the score 0, which is none."""
    for attempt in ItemState.model_validate_json(row.state).attempts if row.state else ():
        if attempt.score:
            number = str(attempt.number) if attempt.number < LAST_ATTEMPT else f"{LAST_ATTEMPT}+"
            yield Measure(names.VERDICT_SCORE, (number,), attempt.score)


def _journaled(data: Mapping[str, Any]) -> str:
    """Name a ruling of the journal; empty when it is none, or counted elsewhere."""
    kind = data.get("kind")
    if kind in JOURNALED:
        return ""
    if kind == "drift":
        return "judge_drift" if data.get("drifts") else ""
    return among(RULINGS, kind)
