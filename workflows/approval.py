"""Ask people, wait durably, hand the question on, and take the first answer that is proved."""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any, NoReturn

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows.calls import cause, tell_people, verify_decision
from workflows.models import MOVES, Decision, Docket, Misfit, Notice, NoticeKind, Question, Receipt, Submission
from workflows.models.docket import DEADLINE, misshapen
from workflows.tracing import ASKED_AT, AWAITING_REVIEW, DUE_AT, OWNER, QUESTION_KIND

FALLBACK_NOTE = "nobody answered before the deadline"
MOST_REFUSED = 100
"""Answers to one question that are refused on the record; further ones are turned away, so that history is bounded."""
MOVED: dict[str, NoticeKind] = {"claim": "claimed", "release": "released", "reassign": "reassigned"}


class Reviewable:
    """A workflow that may ask people: one open question at a time, answered by update, or by signal.

    An answer is proved by an activity before it counts: signature, role, tenant, age. Of those that are, the first is
    taken; every other one is refused on the record, and its sender told who was first. The update is the entrance of
    choice, because its caller learns at once.
    """

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._docket = Docket()
        self._weighing = 0
        self._arrivals = 0

    @workflow.query(name="question", description="The open question, if there is one")
    def open_question(self) -> Question | None:
        """Tell what is being asked."""
        return self._docket.question

    @workflow.query(name="last_answer", description="How the question before was answered, if there was one")
    def last_answer(self) -> Receipt | None:
        """Tell who decided last."""
        return self._docket.last

    @workflow.update(name="decide", description="A person's answer to the open question, or a move: claim, release, …")
    async def decide(self, decision: Decision) -> Receipt:
        """Prove the answer, then take it if it is the first."""
        heard = await self._hear_out(decision)
        if isinstance(heard, Misfit):
            raise _error(heard)
        return heard

    @decide.validator
    def _may_decide(self, decision: Decision) -> None:
        if (misfit := self._plainly_unfit(decision)) is not None:
            raise _error(misfit)

    @workflow.signal(name="decide", description="A person's answer, for senders that need no receipt")
    async def decide_by_signal(self, decision: Decision) -> None:
        """Prove and take the answer, or keep a notice of why it was refused."""
        if self._docket.about is None or self._docket.refused >= MOST_REFUSED:
            workflow.logger.warning("an answer by signal was dropped: nothing is asked, or too many were refused")
            return
        await self._hear_out(decision)

    async def ask(self, question: Question) -> Decision:
        """Ask, and return the answer; silence at the end of the chain becomes the declared fallback."""
        return (await self.hear(question))[-1]

    async def hear(self, question: Question) -> tuple[Decision, ...]:
        """Ask, and return the answers: one for each call that is asked about, or the only one.

        A question that an earlier run of this workflow left open is asked on in the place of this one.
        """
        if self._docket.question is None:
            self._docket = self._docket.opened(question)
            self._show_question()
            await self._tell("question", question)
        try:
            while not await self._answered():
                await self._go_on_asking()
        except workflow.ContinueAsNewError:
            raise
        except BaseException:
            self._close()
            raise
        question = self._close()
        decisions = tuple(each.decision for each in self._docket.answers)
        await self._tell("expired" if decisions[-1].by == DEADLINE else "decided", question, decisions[-1])
        return decisions

    def must_carry(self) -> bool:
        """Tell whether the waiting has to go on in a new run; a flow that can do that says so."""
        return False

    def carry_docket(self) -> NoReturn:
        """Go on in a new run, with the docket."""
        raise NotImplementedError

    async def _hear_out(self, decision: Decision) -> Receipt | Misfit:
        about = self._docket.about
        if about is None:
            return Misfit("NoQuestion", "Nothing is being asked.")
        self._weighing += 1
        try:
            kind, found = await self._weigh(decision, about)
        finally:
            self._weighing -= 1
        question = self._docket.about or about
        why = f"{found.type}: {found.text}" if isinstance(found, Misfit) else ""
        if decision.choice in MOVES and not why:
            self._show_question()
        if why or decision.choice in MOVES or not self._docket.complete:
            await self._tell(kind, question, decision, why)
        return found

    async def _weigh(self, decision: Decision, about: Question) -> tuple[NoticeKind, Receipt | Misfit]:
        """Prove a decision, and only then look whether it still fits: others may have come first meanwhile."""
        kind: NoticeKind = "refused"
        if (misfit := await self._unproved(decision, about)) is None:
            kind, misfit = "conflict", self._docket.conflict(decision)
        if misfit is not None:
            self._docket = self._docket.model_copy(update={"refused": self._docket.refused + 1})
            return kind, misfit
        self._docket, receipt = self._docket.taken(decision, workflow.now())
        return MOVED.get(decision.choice, "answered"), receipt

    async def _unproved(self, decision: Decision, about: Question) -> Misfit | None:
        self._arrivals += 1
        info = workflow.info()
        submission = Submission(
            workflow=info.workflow_id,
            tenant=about.scope.tenant,
            least=about.least,
            decision=decision,
            at=workflow.now(),
            key=f"{info.original_execution_run_id}:{self._arrivals}",
        )
        try:
            proof = await verify_decision(submission)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return Misfit(
                "NotProved", f"It could not be proved, and so nothing was done; send it again. {cause(error)}"
            )
        return Misfit(proof.refusal, proof.text) if proof.refusal else None

    def _plainly_unfit(self, decision: Decision) -> Misfit | None:
        """Say what needs no proof to be refused, and no record: pure, so that the validator may use it."""
        question = self._docket.question
        if self._docket.about is None:
            return Misfit("NoQuestion", "Nothing is being asked.")
        if self._docket.refused >= MOST_REFUSED:
            return Misfit(
                "TooManyRefused", f"{MOST_REFUSED} answers to this question were refused; look who sends them."
            )
        if question is None or decision.question not in {"", question.id}:
            return None
        return misshapen(decision, question)

    async def _answered(self) -> bool:
        """Wait for the last answer; tells whether there is one before the next reminder or the deadline."""
        with contextlib.suppress(asyncio.TimeoutError):
            while not self._docket.complete:
                moment, title = self._next_moment()
                await workflow.wait_condition(
                    lambda: self._docket.complete or self.must_carry(),
                    timeout=max(moment - workflow.now(), timedelta()) if moment else None,
                    timeout_summary=title,
                )
                await self._carry_if_full()
            return True
        await workflow.wait_condition(lambda: not self._weighing)  # what came in time is weighed first
        return self._docket.complete

    async def _carry_if_full(self) -> None:
        if not self._docket.complete:
            await workflow.wait_condition(workflow.all_handlers_finished)
            if not self._docket.complete:  # a handler may have taken the answer
                self.carry_docket()

    def _next_moment(self) -> tuple[datetime | None, str]:
        question = self._open()
        moment = next(iter(question.reminders), question.due_at)
        return moment, f"{'reminder' if question.reminders else 'deadline'}: {question.title}"

    async def _go_on_asking(self) -> None:
        """Remind the owner; at the deadline ask the next of the chain; at its end do what was declared."""
        question = self._open()
        if question.reminders:
            self._docket = self._docket.asking(question.model_copy(update={"reminders": question.reminders[1:]}))
            await self._tell("reminder", self._open())
        elif question.then:
            self._docket = self._docket.asking(question.handed_on(workflow.now()))
            self._show_question()
            await self._tell("moved", self._open())
        elif question.fallback == "hold":
            self._docket = self._docket.asking(question.model_copy(update={"due_at": None}))
            self._show_question()
            await self._tell("held", self._open())
        else:
            silence = Decision(choice="reject", by=DEADLINE, note=FALLBACK_NOTE, question=question.id)
            self._docket, _ = self._docket.taken(silence, workflow.now())

    def _open(self) -> Question:
        if self._docket.question is None:
            raise ApplicationError("Nothing is being asked.", type="NoQuestion", non_retryable=True)
        return self._docket.question

    def _close(self) -> Question:
        question = self._open()
        self._docket = self._docket.shut()
        if workflow.in_workflow():  # also when the wait is called off, not when a worker drops the workflow
            workflow.upsert_search_attributes([AWAITING_REVIEW.value_set(False)])
            workflow.upsert_memo({"question": None})
        return question

    def _show_question(self) -> None:
        """Let the question be found, and listed without asking the workflow."""
        if (question := self._docket.question) is None:
            return
        due = DUE_AT.value_set(question.due_at) if question.due_at else DUE_AT.value_unset()
        found_by: list[SearchAttributeUpdate[Any]] = [
            AWAITING_REVIEW.value_set(True),
            OWNER.value_set(question.owner),
            due,
        ]
        found_by += [QUESTION_KIND.value_set(question.kind), ASKED_AT.value_set(question.asked_at)]
        workflow.upsert_search_attributes(found_by)
        workflow.upsert_memo({"question": question.card().model_dump(mode="json")})

    async def _tell(
        self, kind: NoticeKind, question: Question, decision: Decision | None = None, why: str = ""
    ) -> None:
        shown = question if kind == "question" else question.slim()
        await tell_people(Notice(kind=kind, question=shown, decision=decision, at=workflow.now(), why=why))


def _error(misfit: Misfit) -> ApplicationError:
    return ApplicationError(misfit.text, type=misfit.type, non_retryable=True)
