"""The docket: all that a workflow remembers of what it asked people. The next state is a new value."""

from datetime import datetime
from typing import NamedTuple, Self

from workflows.models.base import Value
from workflows.models.people import Decision, Receipt
from workflows.models.questions import Question
from workflows.models.roles import MOVES, may

DEADLINE = "deadline"
RESERVED = {DEADLINE, "gate"}
"""Names that stand for decisions which no person took."""
NOTED = {"revise": "what to change", "answer": "your answer"}
JUSTIFIED = "why: this needs a written justification"


class Misfit(NamedTuple):
    """Why an answer is not taken: a type for programs, and words for people."""

    type: str
    text: str


class Answered(Value):
    """An answer that was taken."""

    decision: Decision
    receipt: Receipt


class Docket(Value):
    """The open question with its answers, and the one closed last with the last answer to it.

    A question about several calls is complete when each has its answer; any other one with the first answer.
    """

    question: Question | None = None
    closed: Question | None = None
    answers: tuple[Answered, ...] = ()
    last: Receipt | None = None
    refused: int = 0

    def opened(self, question: Question) -> Self:
        """Put a question; what was answered before is closed."""
        return self.model_copy(update={"question": question, "answers": (), "refused": 0})

    def shut(self) -> Self:
        """Close the question; whoever comes later is told of its last answer."""
        if self.question is None:
            return self
        last = self.answers[-1].receipt if self.answers else None
        return self.model_copy(update={"question": None, "closed": self.question.slim(), "last": last})

    def asking(self, question: Question) -> Self:
        """Go on with the open question as it is now: somebody else is asked, or was reminded."""
        return self.model_copy(update={"question": question})

    @property
    def about(self) -> Question | None:
        """What was asked last."""
        return self.question or self.closed

    @property
    def open_calls(self) -> tuple[str, ...]:
        """What is not answered yet: the ids of calls, or "" for a question as a whole."""
        asked = tuple(call.call_id for call in self.question.calls) or ("",) if self.question else ()
        done = {each.receipt.call for each in self.answers}
        return tuple(call for call in asked if call not in done)

    @property
    def complete(self) -> bool:
        """Tell that nothing is left to answer."""
        return not self.open_calls

    def taken(self, decision: Decision, at: datetime) -> tuple[Self, Receipt]:
        """Take a decision that fits: a move changes who is waited for, anything else is an answer."""
        question = self.question
        if question is None:
            raise ValueError("nothing is being asked")
        overrides = question.objections if decision.choice == "approve" else ()
        receipt = Receipt(question=question.id, choice=decision.choice, by=decision.by, at=at, overrides=overrides)
        if decision.choice in MOVES:
            return self.asking(_moved(question, decision, at)), receipt
        calls = (decision.call,) if decision.call else self.open_calls
        new = tuple(
            Answered(
                decision=decision.model_copy(update={"call": call}), receipt=receipt.model_copy(update={"call": call})
            )
            for call in calls
        )
        docket = self.model_copy(update={"answers": (*self.answers, *new)})
        return docket, new[-1].receipt

    def conflict(self, decision: Decision) -> Misfit | None:
        """Say why a decision cannot be taken as things stand now."""
        question = self.question
        if question is None:
            return self._too_late()
        if decision.question not in {"", question.id}:
            return self._too_late(decision.question) or _stale()
        if misfit := misshapen(decision, question):
            return misfit
        if decision.choice not in MOVES and (misfit := self._answered(decision) or _void(decision, question)):
            return misfit
        return _held(decision, question)

    def _too_late(self, question: str = "") -> Misfit | None:
        """Name who decided, and when, what is closed now."""
        if self.closed is not None and self.last is not None and question in {"", self.closed.id}:
            return _decided(self.last)
        return None if question else Misfit("NoQuestion", "Nothing is being asked.")

    def _answered(self, decision: Decision) -> Misfit | None:
        if decision.call in self.open_calls or (not decision.call and self.open_calls):
            return None
        known = [each.receipt for each in self.answers if each.receipt.call == decision.call or not decision.call]
        return _decided(known[-1]) if known else None


def _moved(question: Question, move: Decision, at: datetime) -> Question:
    claims = move.choice == "claim"
    changes: dict[str, object] = {"claimed_by": move.by if claims else "", "claimed_at": at if claims else None}
    if move.choice == "reassign":
        changes["owner"] = move.to.strip()
    return question.model_copy(update=changes)


def misshapen(decision: Decision, question: Question) -> Misfit | None:
    """Say what is missing in a decision, whoever took it: what its sender can mend at once."""
    choice, calls = decision.choice, {call.call_id for call in question.calls}
    if decision.by in RESERVED:
        return Misfit("NameReserved", f"{decision.by} stands for decisions that no person took; sign with a name.")
    if choice not in MOVES and choice not in question.options:
        listed = ", ".join(question.options)
        return Misfit("NotAnOption", f"{choice} is not an option here; choose one of: {listed}.")
    if decision.call and decision.call not in calls:
        return Misfit("NoSuchCall", f"{decision.call} is not one of: {', '.join(sorted(calls)) or 'no calls'}.")
    return _unnoted(decision, question) or _unsaid(decision, calls)


def _unnoted(decision: Decision, question: Question) -> Misfit | None:
    choice = decision.choice
    needed = choice in NOTED or (question.needs_note and choice not in MOVES)
    if not needed or decision.note.strip():
        return None
    return Misfit("NoteMissing", f"Say in the note {NOTED.get(choice, JUSTIFIED)}.")


def _unsaid(decision: Decision, calls: set[str]) -> Misfit | None:
    choice = decision.choice
    if choice == "reassign" and not decision.to.strip():
        return Misfit("OwnerMissing", "Say to whom.")
    if choice == "edit" and not decision.edited.strip():
        return Misfit("EditMissing", "Give the edited text; it is what runs.")
    if choice == "edit" and len(calls) > 1 and not decision.call:
        return Misfit("CallMissing", f"Say which call you edited: {', '.join(sorted(calls))}.")
    return None


def _void(decision: Decision, question: Question) -> Misfit | None:
    """Say that what was decided about is not what is being asked: another artefact, or other arguments."""
    shown = {call.call_id: call.digest for call in question.calls}.get(decision.call, question.digest)
    if decision.digest in {"", shown}:
        return None
    text = f"Void: you decided about {decision.digest[:26]}…, but what is asked about is {shown[:26]}…; look again."
    return Misfit("StaleQuestion", text)


def _stale() -> Misfit:
    return Misfit("StaleQuestion", "Void: this answers something else than what is being asked now; look again.")


def _held(decision: Decision, question: Question) -> Misfit | None:
    """Say that somebody else holds the question, or that there is nothing to give back."""
    holder = question.claimed_by
    if decision.choice == "release" and not holder:
        return Misfit("NotClaimed", "Nobody has claimed this question.")
    if holder in {"", decision.by} or may(decision.role, "overrule"):
        return None
    since = f"{question.claimed_at:%Y-%m-%d %H:%M} UTC" if question.claimed_at else "a while"
    return Misfit("Claimed", f"{holder} has claimed this question since {since}; a lead can release it.")


def _decided(receipt: Receipt) -> Misfit:
    at = f"{receipt.at:%Y-%m-%d %H:%M:%S} UTC"
    if receipt.by == DEADLINE:
        return Misfit("TooLate", f"Too late: nobody had answered by {at}, and so it was rejected.")
    return Misfit("AlreadyDecided", f"Already decided: {receipt.by} chose {receipt.choice} at {at}.")
