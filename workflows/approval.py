"""Ask a person, wait durably, accept one answer."""

import asyncio
import contextlib
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.calls import tell_people
from workflows.models import Decision, Notice, NoticeKind, Question, Receipt
from workflows.tracing import AWAITING_REVIEW

DEADLINE = "deadline"
RESERVED = {DEADLINE, "gate"}
FALLBACK_NOTE = "nobody answered before the deadline"


class Reviewable:
    """A workflow that may ask people: one open question at a time, answered by update, or by signal.

    The update is the entrance of choice, because its caller learns at once whether the answer was taken. A signal that
    is refused leaves a notice of the conflict.
    """

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._question: Question | None = None
        self._closed: Question | None = None
        self._decision: Decision | None = None
        self._last: Receipt | None = None

    @workflow.query(name="question", description="The open question, if there is one")
    def open_question(self) -> Question | None:
        """Tell what is being asked."""
        return self._question

    @workflow.update(name="decide", description="A person's answer to the open question")
    async def decide(self, decision: Decision) -> Receipt:
        """Take the answer; the validator has made sure that it fits."""
        return self._take(decision)

    @decide.validator
    def _may_decide(self, decision: Decision) -> None:
        if (conflict := self._conflict(decision)) is not None:
            raise conflict

    @workflow.signal(name="decide", description="A person's answer, for senders that need no receipt")
    async def decide_by_signal(self, decision: Decision) -> None:
        """Take the answer, or keep a notice of why it was refused."""
        if self._conflict(decision) is None:
            self._take(decision)
        elif (about := self._question or self._closed) is not None:
            await self._tell("conflict", about, decision)

    def _take(self, decision: Decision) -> Receipt:
        question = self._open()
        receipt = Receipt(question=question.id, choice=decision.choice, by=decision.by, at=workflow.now())
        self._decision, self._last = decision, receipt
        return receipt

    def _open(self) -> Question:
        if self._question is None:
            raise ApplicationError("Nothing is being asked.", type="NoQuestion", non_retryable=True)
        return self._question

    def _conflict(self, decision: Decision) -> ApplicationError | None:
        """Say why an answer cannot be taken: pure, so that the validator may use it."""
        question, last = self._question, self._last
        if last is not None and (self._decision is not None or question is None):
            text = f"Already decided: {last.by} chose {last.choice} at {last.at:%Y-%m-%d %H:%M:%S} UTC."
            return ApplicationError(text, type="AlreadyDecided", non_retryable=True)
        if question is None:
            return ApplicationError("Nothing is being asked.", type="NoQuestion", non_retryable=True)
        misfit = misfits(decision, question)
        return ApplicationError(misfit[1], type=misfit[0], non_retryable=True) if misfit else None

    async def ask(self, question: Question) -> Decision:
        """Ask, remind once, and return the first answer; silence at the deadline becomes the declared fallback."""
        self._question, self._decision, self._last = question, None, None
        workflow.upsert_search_attributes([AWAITING_REVIEW.value_set(True)])
        try:
            await self._tell("question", question)
            decision = await self._answer()
        finally:
            question, self._question, self._decision = self._question, None, None
            self._closed = question
            if workflow.in_workflow():  # also when the wait is called off, not when a worker drops the workflow
                workflow.upsert_search_attributes([AWAITING_REVIEW.value_set(False)])
        await self._tell("decided" if decision.by != DEADLINE else "expired", question, decision)
        return decision

    async def _answer(self) -> Decision:
        question = self._open()
        if (decision := await self._within(question.remind_after, "reminder")) is not None:
            return decision
        await self._tell("reminder", self._open())
        rest = max(question.deadline - question.remind_after, timedelta())
        if (decision := await self._within(rest, "deadline")) is not None:
            return decision
        if question.fallback == "hold":
            await workflow.wait_condition(lambda: self._decision is not None)
            return await self._answer_held()
        silence = Decision(choice="reject", by=DEADLINE, note=FALLBACK_NOTE, question=question.id)
        self._take(silence)  # so that a late answer is told that it is late
        return silence

    async def _within(self, limit: timedelta, title: str) -> Decision | None:
        """Wait for an answer; a reassignment changes the owner and the waiting goes on."""
        end = workflow.now() + limit
        with contextlib.suppress(asyncio.TimeoutError):
            while True:
                await workflow.wait_condition(
                    lambda: self._decision is not None,
                    timeout=max(end - workflow.now(), timedelta()),
                    timeout_summary=f"{title}: {self._open().title}",
                )
                if (decision := await self._final()) is not None:
                    return decision
        return None

    async def _answer_held(self) -> Decision:
        while (decision := await self._final()) is None:
            await workflow.wait_condition(lambda: self._decision is not None)
        return decision

    async def _final(self) -> Decision | None:
        """Return the decision unless it only hands the question to somebody else."""
        decision, question = self._decision, self._open()
        if decision is None or decision.choice != "reassign":
            return decision
        self._question = question.model_copy(update={"owner": decision.to})
        self._decision = self._last = None
        await self._tell("decided", self._question, decision)
        return None

    async def _tell(self, kind: NoticeKind, question: Question, decision: Decision | None = None) -> None:
        await tell_people(Notice(kind=kind, question=question, decision=decision, at=workflow.now()))


def misfits(decision: Decision, question: Question) -> tuple[str, str] | None:
    """Say how an answer misses what is asked: the error's type and its text."""
    if decision.by in RESERVED:
        return "NameReserved", f"{decision.by} stands for decisions that no person took; sign with a name."
    if decision.question not in {"", question.id} or decision.digest not in {"", question.digest}:
        return "StaleQuestion", "This answers something else than what is being asked now; look at it again."
    if decision.choice not in question.options:
        return "NotAnOption", f"{decision.choice} is not an option here; choose one of: {', '.join(question.options)}."
    if decision.choice == "reassign":
        return None if decision.to.strip() else ("OwnerMissing", "Say to whom.")
    if (question.needs_note or decision.choice == "revise") and not decision.note.strip():
        why = "what to change" if decision.choice == "revise" else "why: this needs a written justification"
        return "NoteMissing", f"Say in the note {why}."
    return None
