"""Where a conversation stands: all that its workflow remembers of it."""

from datetime import datetime, timedelta
from typing import Literal, Self

from workflows.models.base import Small, Value
from workflows.models.conversations import Opened, Opening
from workflows.models.money import Purse, Spend
from workflows.models.rulings import HaltKind
from workflows.models.transcript import Transcript, Turn
from workflows.models.turns import Note, NoteKind, Outcome, Reply

FUNDED = "The budget was raised: your tools are available again. Go on from where you stood."

WINDOW = 24
"""Turns that the guards look back on."""


class End(Value):
    """How a conversation ended: with an answer, by a halt, by asking for a person, or to be carried on elsewhere.

    `paused` tells that a guard had it ask: it can go on where it stood. `ruled` tells that a guard ended it.
    """

    kind: Literal["answered", "halted", "asks", "carried"]
    halt: HaltKind | None = None
    reason: str = ""
    paused: bool = False
    ruled: bool = False


class Talk(Small):
    """A conversation between two turns.

    `notes` wait for the next user message. `repairs` counts outputs that were sent back because they misfit their type,
    `returns` those that fit it and were not accepted. `model` is the one that it fell back to; empty is the pinned one.
    `grants` were given on the way, by whoever attends to the conversation.
    """

    conversation: str
    pin: str
    head: int
    opened_at: datetime
    transcript: Transcript
    notes: tuple[Note, ...] = ()
    resume: bool = False
    interrupted: str = ""
    without_tools: bool = False
    repairs: int = 0
    returns: int = 0
    model: str = ""
    assets: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    end: End | None = None

    @classmethod
    def opened(cls, opening: Opening, opened: Opened, at: datetime) -> Self:
        """Begin: nothing said yet but the task."""
        return cls(
            conversation=opening.conversation,
            pin=opened.pin,
            head=opened.head,
            opened_at=at,
            transcript=Transcript(contract=opening.contract, limits=opening.limits, context=opened.context),
        )

    @property
    def spend(self) -> Spend:
        """What the conversation has cost so far."""
        return self.transcript.spend

    @property
    def turn(self) -> int:
        """How many turns were taken."""
        return self.transcript.spend.turns

    @property
    def has_lost_calls(self) -> bool:
        """Tell whether a call of the last turn has no result in the store."""
        last = self.transcript.turns[-1]
        stored = {outcome.call_id for outcome in last.outcomes if outcome.digest}
        return any(call.id not in stored for call in last.calls)

    def with_transcript(self, **changes: object) -> Self:
        """Change fields of the transcript."""
        return self.model_copy(update={"transcript": self.transcript.model_copy(update=changes)})

    def at(self, moment: datetime) -> Self:
        """Bring the clock up to date before the guards rule."""
        elapsed: timedelta = moment - self.opened_at
        return self.with_transcript(elapsed=elapsed)

    def idled(self, time: timedelta) -> Self:
        """Forgive time that was spent waiting for the model endpoint."""
        return self.model_copy(update={"opened_at": self.opened_at + time})

    def charged(self, purse: Purse) -> Self:
        """Take in what the ledger says: it knows of attempts that never got a reply."""
        if not purse.total:
            return self
        spend = self.spend.model_copy(update={"micro_usd": purse.total})
        known = purse if purse.needs else purse.model_copy(update={"needs": self.transcript.purse.needs})
        return self.with_transcript(purse=known, spend=spend)

    def billed(self, total: int) -> Self:
        """Take in what it came to. Which account refused a call, and what it lacked, stays as that call heard it."""
        purse = self.transcript.purse
        return self.charged(purse.model_copy(update={"total": total})) if total else self

    def told(self, note: Note, **changes: object) -> Self:
        """Add a note to the next user message; `changes` are of the transcript."""
        return self.with_transcript(**changes).model_copy(update={"notes": (*self.notes, note)})

    def heard(self, reply: Reply) -> Self:
        """Take in a reply. Notes stay pending when no user message was written: nothing was sent, or it resumed.

        Where nothing was said, the same has to be asked again; a call that was not made for want of money is no turn.
        """
        said = reply.head != self.head
        sent = said and not self.resume
        kinds: tuple[NoteKind, ...] = tuple(note.kind for note in self.notes) if sent else ()
        notes = () if sent else self.notes
        unfinished = not said or reply.stop == "pause_turn" or any(note.kind == "last_turn" for note in notes)
        turn = Turn(
            number=self.turn + 1,
            stop=reply.stop,
            calls=reply.calls,
            notes=kinds,
            micro_usd=reply.micro_usd,
            context=reply.context,
            text=reply.text if reply.stop in {"refusal", "rejected", "broken", "over_budget"} else "",
        )
        turns = int(said or reply.stop != "over_budget")
        spend = Spend(micro_usd=reply.micro_usd, usage=reply.usage, turns=turns, tool_calls=len(reply.calls))
        heard = self.with_transcript(
            turns=(*self.transcript.turns, turn)[-WINDOW:],
            spend=self.transcript.spend + spend,
            context=reply.context or self.transcript.context,
            purse=self.transcript.purse if reply.purse == Purse() else reply.purse,
            alert=reply.alert,
        )
        return heard.charged(reply.purse).model_copy(
            update={
                "head": reply.head,
                "notes": notes,
                "resume": reply.stop == "pause_turn" if said else self.resume,
                "interrupted": "" if said else self.interrupted,
                "without_tools": self.without_tools and unfinished,
            }
        )

    def answered(self, outcomes: tuple[Outcome, ...]) -> Self:
        """Take in what became of the calls of the last reply, in the order of the calls."""
        if not outcomes:
            return self
        *earlier, last = self.transcript.turns
        order = {call.id: number for number, call in enumerate(last.calls)}
        light = (outcome.model_copy(update={"preview": "", "hint": "", "milliseconds": 0.0}) for outcome in outcomes)
        every = tuple(sorted((*last.outcomes, *light), key=lambda outcome: order.get(outcome.call_id, len(order))))
        talk = self.with_transcript(turns=(*earlier, last.model_copy(update={"outcomes": every})))
        made = tuple(outcome.asset for outcome in outcomes if outcome.asset)
        asked = next((outcome.escalation for outcome in outcomes if outcome.escalation), None)
        unknown = next((outcome for outcome in outcomes if outcome.refusal == "unknown_outcome"), None)
        if unknown is not None:
            asked = asked or f"It is unknown whether {unknown.tool} took effect: {unknown.preview}"
        return talk.model_copy(
            update={
                "assets": (*self.assets, *made)[-WINDOW:],
                "end": End(kind="asks", reason=asked) if asked else self.end,
            }
        )

    def granted(self, grant: str) -> Self:
        """Let its tools act on what was cleared."""
        return self.model_copy(update={"grants": (*self.grants, grant)[-WINDOW:]})

    def sent_back(self, problem: str, *, fits: bool) -> Self:
        """Have the agent correct its output."""
        text = f"Your output was not accepted. {problem}\nAnswer again with the corrected JSON only."
        counted = {"returns": self.returns + 1} if fits else {"repairs": self.repairs + 1}
        return self.told(Note(kind="repair", text=text)).model_copy(update=counted)

    def ended(self, end: End) -> Self:
        """End it."""
        return self.model_copy(update={"end": end})

    def reopened(self, note: Note, at: datetime) -> Self:
        """Go on after a person's answer: what the guards held against the agent is forgiven, what it spent is not.

        The time that the person took is not the agent's.
        """
        fresh = self.with_transcript(turns=(), nudged_at=0, last_turn_given=False, drifts=0, alert="").unhurried(at)
        kept = tuple(pending for pending in fresh.notes if pending.kind != "nudge")  # a person has looked since
        return fresh.model_copy(update={"notes": kept}).model_copy(update={"resume": False}).told(note)

    def funded(self, at: datetime) -> Self:
        """Go on where it stood, after its budget was raised. Only an agent that was told to hand in hears of it."""
        told = any("last_turn" in turn.notes for turn in self.transcript.turns)
        fresh = self.with_transcript(turns=(), last_turn_given=False, purse=Purse()).unhurried(at)
        return fresh.told(Note(kind="funded", text=FUNDED)) if told else fresh

    def fallen_back(self, model: str) -> Self:
        """Ask another model from now on: to go back would pay for the whole prefix again."""
        return self.model_copy(update={"model": model})

    def refused(self, reply: Reply) -> Self:
        """Have another model answer in the place of one that refused; the refusal stays in the store."""
        return self.heard(reply).model_copy(update={"resume": True, "without_tools": self.without_tools})

    def unhurried(self, at: datetime) -> Self:
        """Take back a last turn that was announced and not taken; the time that a person took is not the agent's."""
        kept = tuple(note for note in self.notes if note.kind != "last_turn")
        left = {"notes": kept, "without_tools": False, "opened_at": at - self.transcript.elapsed}
        return self.resumed().model_copy(update=left)

    def resumed(self) -> Self:
        """Go on from where it ended."""
        return self.model_copy(update={"end": None})
