"""Where decisions are handed in: one by one, or for several questions of the same kind."""

import secrets

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from desk.cases import Case, Cases
from desk.decisions import Decider, Outcome, read_ballot, read_entry
from desk.door import Door, Visit
from desk.item_pages import ItemPages
from desk.notices import Noticeboard
from desk.pages import DONE, Pages, rule
from desk.queue import Filters, Queue
from desk.refusals import Refused, malformed
from desk.rights import Offer, offers, question_path
from workflows.models import Receipt
from workflows.models.roles import MOVES

MOST = 50
"""Questions in one batch."""
TOGETHER = ("approve", "reject", "revise")
"""What can be decided for several at once; everything else is about one."""
ALONE = (
    "Each of these questions needs a justification of its own, as one about a person does: open it, and decide there."
)


class DecisionPages:
    """Takes decisions about one question."""

    def __init__(
        self, door: Door, decider: Decider, cases: Cases, queue: Queue, items: ItemPages, board: Noticeboard
    ) -> None:
        """Send them by `decider`."""
        self._door, self._decider, self._cases = door, decider, cases
        self._queue, self._items, self._board = queue, items, board

    def routes(self) -> list[Route]:
        """Serve them."""
        decide = self._door.opens(self.decide, role="reviewer")
        return [Route("/questions/{workflow:path}", decide, methods=["POST"])]

    async def decide(self, visit: Visit) -> Response:
        """Take one decision. Who was too late, or saw something else, is told so on the page as it is now."""
        workflow = visit.request.path_params["workflow"]
        before = await self._cases.open(workflow, visit.person)
        ballot = read_ballot(visit.form, visit.person)
        outcome = await self._decider.decide(workflow, ballot, visit.person)
        if outcome.receipt is None:
            case = await self._cases.open(workflow, visit.person)
            outcome = _late(outcome, case)
            draft = {"choice": ballot.decision.choice, "note": ballot.decision.note, "edited": ballot.decision.edited}
            return self._items.written(visit, case, status=outcome.status, problem=outcome, draft=draft)
        return await self._on(visit, before, outcome.receipt)

    async def _on(self, visit: Visit, case: Case, receipt: Receipt) -> Response:
        """Say what was done, and go on to the next question; after a move, stay."""
        filters = Filters.read(visit.request.query_params)
        here = question_path(case.workflow, filters.address())
        about = f"{case.title}, by {receipt.by}." + _overrides(receipt)
        stays = receipt.choice in MOVES or bool(receipt.call)
        title = DONE[receipt.choice].capitalize()
        await self._board.leave(visit.session, "good", f"{title}:", about, "" if stays else here)
        if stays:
            return RedirectResponse(here, 303)
        following = await self._queue.following(filters, visit.person, case.workflow)
        known = following and following != case.workflow
        return RedirectResponse(question_path(following, filters.address()) if known else f"/?{filters.address()}", 303)


class BatchPages:
    """Takes one decision for several questions that are alike."""

    def __init__(self, door: Door, pages: Pages, decider: Decider, cases: Cases) -> None:
        """Send them by `decider`, one by one: each is signed and proved for itself."""
        self._door, self._pages, self._decider, self._cases = door, pages, decider, cases

    def routes(self) -> list[Route]:
        """Serve them."""
        return [
            Route("/batch/preview", self._door.opens(self.preview, role="reviewer"), methods=["POST"]),
            Route("/batch", self._door.opens(self.decide, role="reviewer"), methods=["POST"]),
        ]

    async def preview(self, visit: Visit) -> Response:
        """Show all that the decision would be about, before there is one."""
        names = tuple(dict.fromkeys(visit.form.every("workflow")))
        if not 1 <= len(names) <= MOST:
            raise malformed(f"Select 1 to {MOST} questions.")
        cases = [await self._cases.open(name[:1_200], visit.person) for name in names]
        alike = _alike(cases)
        if any(case.question and case.question.needs_note for case in alike):
            raise Refused(409, "These are decided one by one", ALONE)
        common = [offer for offer in _common(cases, visit) if offer.choice in TOGETHER]
        if not common:
            raise Refused(409, "There is nothing to decide for all of them", "Each needs a decision of its own.")
        nonces = {case.workflow: secrets.token_hex(16) for case in alike}
        return self._pages.page("batch", visit, here="", cases=alike, offers=common, nonces=nonces)

    async def decide(self, visit: Visit) -> Response:
        """Take the decision, one by one; one that is not taken keeps none of the others from it."""
        entries = visit.form.every("entry")
        if not 1 <= len(entries) <= MOST or visit.form.one("choice") not in TOGETHER:
            raise malformed("This is no batch.")
        ballots = [read_entry(visit.form, visit.person, entry) for entry in entries]
        done: list[tuple[Case, Outcome]] = []
        for workflow, ballot in ballots:
            case = await self._cases.open(workflow, visit.person)
            if case.question is not None and case.question.needs_note:
                done.append((case, Outcome(None, "NotTogether", ALONE)))
                continue
            outcome = await self._decider.decide(workflow, ballot, visit.person)
            done.append((case, _late(outcome, case)))
        taken = sum(outcome.receipt is not None for _, outcome in done)
        return self._pages.page("batch-done", visit, here="", done=done, taken=taken, choice=visit.form.one("choice"))


def _late(outcome: Outcome, case: Case) -> Outcome:
    """Name who was first also where the workflow has ended since, and cannot say so itself."""
    if outcome.type not in {"NoQuestion", "Ended"} or (end := case.ending) is None:
        return outcome
    at = f"{end.at:%Y-%m-%d %H:%M:%S} UTC"
    if end.kind == "expired" or end.decision is None:
        return outcome._replace(type="TooLate", text=f"Nobody had answered by {at}, and so it was closed.")
    return outcome._replace(type="AlreadyDecided", text=f"{end.decision.by} chose {end.decision.choice} at {at}.")


def _alike(cases: list[Case]) -> list[Case]:
    open_ones = [case for case in cases if case.is_open and case.question is not None]
    kinds = {case.question.kind for case in open_ones if case.question}
    if not open_ones:
        raise Refused(409, "None of them waits any more", "Somebody was first. Look at the queue again.")
    if len(kinds) > 1:
        raise Refused(
            409, "These are not alike", f"A batch is about one kind of question, not {', '.join(sorted(kinds))}."
        )
    return open_ones


def _common(cases: list[Case], visit: Visit) -> list[Offer]:
    each = [offers(case.question, visit.person).decisions for case in cases if case.is_open and case.question]
    return [offer for offer in each[0] if all(offer in other for other in each)]


def _overrides(receipt: Receipt) -> str:
    rules = ", ".join(map(rule, receipt.overrides))
    return f" Recorded as an override of {rules}." if rules else ""
