"""How one candidate is judged: every requirement by an evaluator of its own, on two copies, compared, summed up."""

from collections.abc import Sequence

from workflows.agent import Conversation
from workflows.child import Child
from workflows.each import each, results
from workflows.evaluation_calls import nearest_passages, read_papers
from workflows.guards.consistency import (
    disagreement,
    lacking,
    misstated,
    objection,
    scores_of,
    standing,
    total,
    uncited,
)
from workflows.models import Talk
from workflows.models.evaluation import (
    REPORTED,
    Change,
    Compared,
    Document,
    Evaluation,
    Finding,
    Flag,
    FlagKind,
    Look,
    Papers,
    Sight,
    Summary,
)
from workflows.models.hiring import CandidateOrder, CandidateQuery, Claimed
from workflows.models.rubrics import Requirement
from workflows.reading import Panel, evaluator_task, summariser_task

AGAIN = (
    "This was looked at before, and it is not clear yet. Read every part of every document again, cite whatever bears "
    "on the requirement, and judge afresh."
)


class Judging(Child):
    """The verbs of judging. What comes out of them is shown to a person; nothing is decided here."""

    panel: Panel
    order: CandidateOrder

    def __init__(self) -> None:
        """Begin with nothing read."""
        super().__init__()
        self.papers = Papers(title="")
        self.changes: tuple[Change, ...] = ()
        self.summary: Summary | None = None
        self._compared: tuple[Compared, ...] = ()
        self._misstated: tuple[Flag, ...] = ()

    @property
    def evaluation(self) -> Evaluation:
        """All that is known now; the total and what it comes to are worked out here, from the scores alone."""
        role, found = self.order.role, (flag for compared in self._compared for flag in compared.flags)
        scores = scores_of(self._compared) | {change.requirement: change.score for change in self.changes}
        settled = {change.requirement for change in self.changes}
        flags = (*self.papers.flags, *found, *self._misstated)
        doubts = [flag for flag in flags if flag.kind not in REPORTED and flag.requirement not in settled]
        return Evaluation(
            role=role.title,
            version=role.version,
            rubric=role.digest,
            documents=self.papers.documents,
            compared=self._compared,
            flags=flags,
            changes=self.changes,
            total=total(role, scores),
            standing=standing(role, scores, doubts=bool(doubts)),
            summary=self.summary,
            redactor=self.papers.redactor,
            replaced=self.papers.replaced,
            model=self.panel.evaluator.model,
        )

    async def read_documents(self) -> None:
        """Have what was handed in read, as it is and redacted."""
        self.show("reading")
        self.papers = await read_papers(CandidateQuery(run=self.scope.run, key=self.scope.item))

    async def evaluate(self, note: str = "") -> None:
        """Judge by every requirement on both copies; what is not clear then is looked at once more."""
        self._compared, self.changes, self.summary, self._misstated = (), (), None, ()
        if not self.papers.documents:
            return
        asked = self.order.role.requirements
        self.show("evaluating", self.panel.evaluator.name)
        first = await self._read_all("original", asked, note)
        self.show("comparing", self.panel.evaluator.name)
        second = await self._read_all("redacted", asked, note)
        unclear = tuple(one for one in asked if self._is_unclear(one, first[one.id], second[one.id]))
        again = f"{AGAIN} {note}".strip()
        first |= await self._read_all("original", unclear, again)
        second |= await self._read_all("redacted", unclear, again)
        self._compared = tuple(self._compare(one, first[one.id], second[one.id], again=one in unclear) for one in asked)
        await self._sum_up()

    async def _read_all(self, sight: Sight, asked: Sequence[Requirement], note: str) -> dict[str, Look]:
        """Have every requirement judged by an evaluator of its own, side by side."""
        looks = results(await each(lambda one: self._look(one, sight, note), asked, self.order.at_once))
        return {look.requirement: look for look in looks}

    async def _look(self, requirement: Requirement, sight: Sight, note: str) -> Look:
        """Have one requirement judged on one copy. An answer that does not hold is returned once, with the reason."""
        documents = self.papers.seen(sight)
        said: list[Finding] = []

        def accept(finding: Finding) -> str | None:
            said.append(finding)
            return objection(finding, requirement, _cited(conversation.talk))

        terms = self.terms(accept=accept, returns=1, grants=tuple(one.id for one in documents))
        conversation = Conversation(self.panel.evaluator, terms)
        name = self.name(f"{self.panel.evaluator.name}.{requirement.id}.{sight}")
        ended = await self.converse(
            conversation, await conversation.open(name, self._task(requirement, documents, note))
        )
        look = Look(requirement=requirement.id, sight=sight, finding=ended.output, conversation=name)
        if ended.output is not None:
            return look
        last = said[-1] if said else None
        return look.model_copy(update=await self._fallen(look, last, _cited(ended.talk), ended.reason))

    def _task(self, requirement: Requirement, documents: Sequence[Document], note: str) -> str:
        hints = self.order.guide.hints if self.order.guide else ()
        hint = next((one for one in hints if one.requirement == requirement.id), None)
        return evaluator_task(self.contract.text(), requirement, hint, documents, note)

    async def _fallen(self, look: Look, last: Finding | None, cited: tuple[str, ...], reason: str) -> dict[str, object]:
        """Say what to show of an evaluator whose answer could not be taken: never a score, always why."""
        if last is not None and (invented := uncited(last, cited)):
            claimed = Claimed(run=self.scope.run, key=self.scope.item, quotes=invented)
            near = (await nearest_passages(claimed)).passages
            told = [_stands_nowhere(quote, real) for quote, real in zip(invented, near, strict=True)]
            return {"flags": tuple(_flag("invented_quote", look, text) for text in told)}
        requirement = self.order.role.requirement(look.requirement)
        if last is not None and (problem := objection(last, requirement, cited)) is not None:
            return {"finding": last, "flags": (_flag("contradiction", look, problem),)}
        return {"flags": (_flag("unfinished", look, f"there is no answer: {reason}"),)}

    def _is_unclear(self, requirement: Requirement, first: Look, second: Look) -> bool:
        lacks = requirement.must_have and lacking(first, requirement) is not None
        return lacks or disagreement(first, second, self.order.policy.disagreement) is not None

    def _compare(self, requirement: Requirement, first: Look, second: Look, *, again: bool) -> Compared:
        flags = [*first.flags, *second.flags]
        if (lack := lacking(first, requirement)) is not None:
            flags.append(lack)
        if (differ := disagreement(first, second, self.order.policy.disagreement)) is not None:
            flags.append(Flag(kind="disagreement", requirement=requirement.id, text=f"{requirement.title}: {differ}"))
        return Compared(requirement=requirement.id, original=first, redacted=second, again=again, flags=tuple(flags))

    async def _sum_up(self) -> None:
        """Have it summed up for the person who decides; a summary that contradicts the scores is returned once."""
        self.show("summarising", self.panel.summariser.name)
        found, said = self.evaluation, list[Summary]()

        def accept(summary: Summary) -> str | None:
            said.append(summary)
            return misstated(summary, found.total, found.standing)

        task = summariser_task(
            self.contract.text(), self.order.role, self._compared, found.flags, found.total, found.standing
        )
        ended = await self.consult(self.panel.summariser, task, self.terms(accept=accept, returns=1))
        self.summary = ended.output
        if ended.output is None:
            problem = accept(said[-1]) if said else None
            kind: FlagKind = "contradiction" if problem else "unfinished"
            self._misstated = (Flag(kind=kind, text=f"The summary: {problem or ended.reason}"),)


def _cited(talk: Talk | None) -> tuple[str, ...]:
    """Give the digests of the passages that `cite` confirmed in a conversation."""
    return talk.assets if talk else ()


def _flag(kind: FlagKind, look: Look, text: str) -> Flag:
    copy = "" if look.sight == "original" else "in the redacted copy: "
    return Flag(kind=kind, requirement=look.requirement, text=f"{copy}{text}"[:2_000])


def _stands_nowhere(quote: str, real: str) -> str:
    return f"{quote!r} stands in no document; " + (f"nearest: {real!r}" if real else "nothing like it does")
