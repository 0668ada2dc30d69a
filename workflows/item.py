"""One item's way: generate → measure and judge → refine … → publish, or a person."""

from abc import abstractmethod

from temporalio import workflow

from workflows.agent import Ended
from workflows.graph import Graph, Judged
from workflows.guards.gate import contradiction, total
from workflows.item_people import ItemPeople
from workflows.models import (
    Attempt,
    Cap,
    FactSheet,
    ItemOrder,
    ItemState,
    MeasureRequest,
    Scope,
    Take,
    Tried,
    Verdict,
    VerifyRequest,
    asset_id,
    preview,
)
from workflows.production_calls import measure_image, verify_published
from workflows.terms import GATE, grant

MOST_TRIES = 12
"""Attempts that a question shows, the last ones; all are in the item's record."""


class ItemFlow(ItemPeople):
    """The verbs of one item. What the agents are told is the subclass's; what may be published is the gate's."""

    graph: Graph

    def __init__(self) -> None:
        """Begin with no take."""
        super().__init__()
        self._latest: Judged | None = None
        self._refinements = 0

    @workflow.query(name="state", description="Where this item stands")
    def state(self) -> ItemState:
        """Tell where the item stands."""
        asked = question.reason if (question := self.open_question()) else ""
        status = "paused" if self.standing == "paused" else self.item.status
        return self._with(status=status, spend=self.spent, waiting=self.waiting, question=asked)

    @abstractmethod
    def generator_task(self, direction: str) -> str:
        """Write the generator's task."""

    @abstractmethod
    def critic_task(self, asset: str, facts: FactSheet) -> str:
        """Write the critic's task."""

    @abstractmethod
    def refiner_task(self, direction: str, judged: Judged) -> str:
        """Write the refiner's task."""

    @abstractmethod
    def publisher_task(self, asset: str) -> str:
        """Write the publisher's task."""

    def take_order(self, order: ItemOrder) -> None:
        """Bind the flow to its order."""
        self.order, self.graph = order, self.graph.on(order.model)
        self._refinements = order.refinements
        self.item = ItemState(key=order.shot.key, title=order.shot.title)
        scope = Scope(run=order.run, item=order.shot.key, tenant=order.tenant)
        caps = (
            Cap(account=f"item:{order.run}:{order.shot.key}", micro_usd=order.micro_usd),
            Cap(account=f"run:{order.run}", micro_usd=order.run_micro_usd),
            *order.caps,
        )
        self.begin(scope, order.contract, caps, order.review, order.patience)

    async def shoot(self, direction: str) -> None:
        """Make one take, measure its bytes, have it judged, and keep the best so far."""
        self._trouble, self._latest = "", None
        before = self.spend.micro_usd
        if (taken := await self._generate(direction)) is None:
            return
        facts = await measure_image(MeasureRequest(run=self.order.run, digest=taken, shot=self.order.shot))
        verdict = await self._judge(taken, facts)
        self._keep(Judged(self._attempt(taken, direction, facts, verdict, before), facts, verdict))

    @property
    def passes(self) -> bool:
        """Tell whether the gate lets the latest take through."""
        return self._latest is not None and not self._latest.objections(self.order.threshold)

    @property
    def may_refine(self) -> bool:
        """Tell whether the machine may try again by itself."""
        return self._latest is not None and self._latest.verdict is not None and self._refinements > 0

    async def refine(self, direction: str) -> str:
        """Turn what was found into the next direction."""
        if (latest := self._latest) is None:
            return await self.escalate(direction)
        self._refinements -= 1
        self.show("refining", self.graph.refiner.name)
        ended = await self.consult(self.graph.refiner, self.refiner_task(direction, latest))
        if ended.output is None:
            self._trouble = f"The refiner could not help: {ended.reason}"
            return await self.escalate(direction)
        return ended.output.direction

    async def escalate(self, direction: str) -> str:
        """Ask a person; the answer is a new direction, or ends the item. One who declined money is not asked again."""
        best = self._best
        decision = self.declined or await self.ask(self.question_now(direction))
        overrides = best.objections(self.order.threshold) if best and decision.choice == "approve" else ()
        self.item = self._with(
            decided_by=decision.by, decision=decision.choice, note=decision.note, overrides=overrides
        )
        if decision.choice == "approve" and best is not None:
            return await self.publish(best, decision.by, direction)
        if decision.choice == "edit":
            return decision.edited
        if decision.choice == "revise":
            return f"{direction}\n\nA reviewer asks for this: {decision.note}"
        self.show("rejected")
        return ""

    async def publish_latest(self, direction: str) -> str:
        """Publish the take that the gate let through."""
        if self._latest is None:
            return await self.escalate(direction)
        self.item = self._with(decided_by=GATE, decision="approve")
        return await self.publish(self._latest, GATE, direction)

    async def publish(self, judged: Judged, by: str, direction: str) -> str:
        """Have a cleared take published, and believe it only when the published bytes prove it."""
        self.show("publishing", self.graph.publisher.name)
        asset = asset_id(judged.digest)
        terms = self.terms(grants=(grant(asset, by),))
        ended = await self.consult(self.graph.publisher, self.publisher_task(asset), terms)
        proof = await verify_published(VerifyRequest(run=self.order.run, item=self.item.key, digest=judged.digest))
        if proof.publication is None:
            self._trouble = f"It could not be published: {ended.reason or proof.problem}"
            return await self.escalate(direction)
        self.item = self._with(publication=proof.publication)
        self.show("published")
        return ""

    async def _generate(self, direction: str) -> str | None:
        self.show("generating", self.graph.generator.name)
        terms = self.terms(accept=self._was_made_here)
        ended: Ended[Take] = await self.consult(self.graph.generator, self.generator_task(direction), terms)
        if ended.output is None:
            self._trouble = f"The generator handed nothing in: {ended.reason}"
            return None
        return {asset_id(digest): digest for digest in ended.talk.assets}[ended.output.asset]

    def _was_made_here(self, take: Take) -> str | None:
        talk = self.talk
        made = [asset_id(digest) for digest in talk.assets] if talk else []
        if take.asset in made:
            return None
        ours = ", ".join(made) or "none yet"
        return f"asset: {take.asset!r} was not made in this conversation; hand in one of: {ours}"

    async def _judge(self, digest: str, facts: FactSheet) -> Verdict | None:
        self.show("reviewing", self.graph.critic.name)
        threshold = self.order.threshold
        terms = self.terms(accept=lambda verdict: contradiction(verdict, facts, threshold), returns=1)
        task = self.critic_task(asset_id(digest), facts)
        ended: Ended[Verdict] = await self.consult(self.graph.critic, task, terms, images=(digest,))
        if ended.output is None:
            self._trouble = f"The critic gave no verdict: {ended.reason}"
        return ended.output

    def _attempt(self, digest: str, direction: str, facts: FactSheet, verdict: Verdict | None, before: int) -> Attempt:
        return Attempt(
            number=len(self.item.attempts) + 1,
            digest=digest,
            direction=preview(direction),
            score=total(verdict) if verdict else 0,
            missed=tuple(fact.rule for fact in facts.missed),
            micro_usd=self.spend.micro_usd - before,
        )

    def _keep(self, judged: Judged) -> None:
        self._latest, self._best = judged, judged.better(self._best)
        self._tries = (*self._tries, Tried.of(judged.attempt, judged.facts, judged.verdict))[-MOST_TRIES:]
        attempts = (*self.item.attempts, judged.attempt)
        best = self._best
        self.item = self._with(attempts=attempts, best=best.attempt, facts=best.facts, verdict=best.verdict)
