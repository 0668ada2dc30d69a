"""Everything about one question: what is asked, what was made, measured and said, what it cost, who did what."""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import select
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from activities.catalog import CatalogStore
from activities.catalog_rows import AssetRow
from activities.database import Database
from activities.deciding import Deciding
from activities.images import Image
from activities.people import NoticeRow
from desk.costs import Cost, Costs
from desk.dossiers import Dossier, Dossiers
from desk.refusals import not_here
from desk.tenancy import Tenancy
from workflows.models import Guidelines, Identity, ItemState, Notice, Question, Shot, Tried

LIMIT = 5.0
"""Seconds that a worker has to tell what is asked; after that the records tell it."""
MOST_NOTICES = 500
ENDS = {"decided", "expired"}
IMAGE = "sha256:"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One item or agent, as somebody looks at it.

    `question` is the open one, else the last; None: nothing was asked. `answers` says whether its worker does.
    """

    workflow: str
    run: str
    item: str
    question: Question | None
    is_open: bool
    answers: bool
    state: ItemState | None
    shot: Shot | None
    guidelines: Guidelines | None
    images: tuple[Image, ...]
    notices: tuple[Notice, ...]
    costs: tuple[Cost, ...]
    cap: int | None
    dossier: Dossier | None = None

    @property
    def title(self) -> str:
        """Name it for people."""
        if self.shot:
            return self.shot.title
        return self.question.title if self.question else (self.state.title if self.state else self.workflow)

    @property
    def takes(self) -> tuple[Tried, ...]:
        """What was tried, first to last. Where nothing was asked, the facts of the best take are all there is."""
        if self.question is not None and self.question.tries:
            return self.question.tries
        if self.state is None:
            return ()
        best, facts, verdict = self.state.best, self.state.facts, self.state.verdict
        return tuple(
            Tried.of(each, facts, verdict) if best and facts and each.number == best.number else Tried(attempt=each)
            for each in self.state.attempts
        )

    @property
    def shown(self) -> Tried | None:
        """The take that is asked about, or that was published; else the best."""
        proof = self.state.publication.digest if self.state and self.state.publication else ""
        asked = self.question.digest if self.question else ""
        for wanted in (asked, proof, self.state.best.digest if self.state and self.state.best else ""):
            for take in self.takes:
                if wanted and take.attempt.digest == wanted:
                    return take
        return self.takes[-1] if self.takes else None

    @property
    def picture(self) -> str:
        """The digest of the image, where there is one."""
        if self.shown:
            return self.shown.attempt.digest
        asked = self.question.digest if self.question else ""
        return asked if any(image.digest == asked for image in self.images) else ""

    @property
    def ending(self) -> Notice | None:
        """What ended the question that is shown."""
        if self.is_open or self.question is None:
            return None
        ends = [each for each in self.notices if each.kind in ENDS and each.question.id == self.question.id]
        return ends[-1] if ends else None

    @property
    def micro_usd(self) -> int:
        """What it cost so far."""
        return sum(cost.micro_usd for cost in self.costs)

    def image(self, digest: str) -> Image | None:
        """Find what is kept of an image."""
        return next((image for image in self.images if image.digest == digest), None)


class Cases:
    """Opens cases for people who may see them."""

    def __init__(
        self,
        client: Client,
        deciding: Deciding,
        database: Database,
        catalog: CatalogStore,
        costs: Costs,
        tenancy: Tenancy,
        dossiers: Dossiers,
    ) -> None:
        """Ask the workflows first, and the records for everything else."""
        self._client, self._deciding, self._database = client, deciding, database
        self._catalog, self._costs, self._tenancy, self._dossiers = catalog, costs, tenancy, dossiers

    async def open(self, workflow: str, who: Identity) -> Case:
        """Open a case.

        Raises:
            Refused: there is no such workflow for this person.
        """
        run, _, item = workflow.partition(":")
        (asked, answers), notices = await asyncio.gather(self.asked(workflow), self._notices(run, item))
        question = asked or _last(notices)
        tenant = question.scope.tenant if question else await self._tenancy.of_run(run)
        if tenant is None or not who.serves(tenant):
            raise not_here("question")
        dossier = await self._dossiers.of(run, item, question)
        shot, state, guidelines, images, costs, account = await asyncio.gather(
            self._catalog.shot(run, item),
            self._state(run, item, workflow, asked=answers),
            self._catalog.guidelines(run),
            self._catalog.images.of_run(run),
            self._costs.of_run(run, item),
            self._costs.cap(f"item:{workflow}" if item else f"run:{run}"),
        )
        if question is None and shot is None and dossier is None and not costs:
            raise not_here("question")
        return Case(
            workflow=workflow,
            run=run,
            item=item,
            question=question,
            is_open=asked is not None or (not answers and _is_open(notices)),
            answers=answers,
            state=state,
            shot=shot,
            guidelines=guidelines,
            images=tuple(image for image in images if image.item == item),
            notices=notices,
            costs=costs,
            cap=account.cap,
            dossier=dossier,
        )

    async def was_made_for(self, run: str, digest: str) -> bool:
        """Tell whether an image was made for a run: the digest alone opens nothing."""
        query = select(AssetRow.digest).where(AssetRow.run == run, AssetRow.digest == digest).limit(1)
        return await self._database.read(lambda session: session.scalar(query)) is not None

    async def pulse(self, workflow: str) -> str:
        """Say in a word how a question stands; another word means that something changed."""
        question, answers = await self.asked(workflow)
        if not answers:
            raise TimeoutError
        return standing(question)

    async def asked(self, workflow: str) -> tuple[Question | None, bool]:
        """Ask a workflow what it asks; the second value says whether there was an answer at all."""
        try:
            async with asyncio.timeout(LIMIT):
                return await self._deciding.question(workflow), True
        except (TimeoutError, RPCError, WorkflowQueryFailedError, ValidationError):
            return None, False

    async def _state(self, run: str, item: str, workflow: str, *, asked: bool) -> ItemState | None:
        if not item:
            return None
        if (kept := await self._catalog.outcome(run, item)) is not None or not asked:
            return kept
        handle = self._client.get_workflow_handle(workflow)
        with contextlib.suppress(TimeoutError, RPCError, WorkflowQueryFailedError, ValidationError):
            async with asyncio.timeout(LIMIT):
                state: ItemState = await handle.query("state", result_type=ItemState)
                return state
        return None

    async def _notices(self, run: str, item: str) -> tuple[Notice, ...]:
        query = select(NoticeRow.body).where(NoticeRow.run == run, NoticeRow.item == item)
        latest = query.order_by(NoticeRow.id.desc()).limit(MOST_NOTICES)
        rows = await self._database.read(lambda session: session.scalars(latest).all())
        return tuple(Notice.model_validate_json(row) for row in reversed(rows))


def standing(question: Question | None) -> str:
    """Say in a word how a question stands: the same question, about the same thing, waiting for the same person."""
    if question is None:
        return "closed"
    told = (question.id, question.digest, question.owner, question.claimed_by, question.due_at, question.calls)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def _last(notices: Sequence[Notice]) -> Question | None:
    """Read the last question with its whole evidence, and how it stood at last."""
    asked = [each.question for each in notices if each.kind == "question"]
    if not asked:
        return None
    whole = asked[-1]
    latest = [each.question for each in notices if each.question.id == whole.id][-1]
    moved = {name: getattr(latest, name) for name in ("owner", "least", "due_at", "then", "claimed_by", "claimed_at")}
    return whole.model_copy(update=moved)


def _is_open(notices: Sequence[Notice]) -> bool:
    last = _last(notices)
    return last is not None and not any(each.kind in ENDS and each.question.id == last.id for each in notices)
