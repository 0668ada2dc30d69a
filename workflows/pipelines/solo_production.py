"""Catalog image production by one agent, who shoots, has takes evaluated, and publishes what the gate lets through."""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

from workflows.agent import Agent
from workflows.graph import Judged
from workflows.models import (
    End,
    FactSheet,
    ItemOrder,
    ItemState,
    Limits,
    Listing,
    MeasureRequest,
    Note,
    RunOrder,
    RunState,
    Talk,
    VerifyRequest,
    asset_id,
)
from workflows.pipelines.image_production import GRAPH, ImageProduction, ShootItem, section
from workflows.production_calls import measure_image, verify_published
from workflows.terms import GATE, grant

PHOTOGRAPHER = """You are the photographer of a catalog image production, and you work alone.
You make one image. Look up the fashion model with find_model and the venue's rules with venue_rules, render the shot
with render_shot, and put the take before the quality gate with evaluate_shot. What was measured, and what the critic
says, comes with the next message. Where the gate objects, change the settings that cause it and render again. Where it
clears the take, look up the product with describe_product, write title and alt text from its data alone, and call
publish_to_catalog once.
- Use only ids that a tool gave you. When a tool refuses, read its hint and correct the call.
- Lines `set <parameter> to <value>` are orders. Nothing but a cleared take can be published; do not try.
- Alt text: product type first, then colour, fabric and view; at most 125 characters; never "image of"; no claims.
- If it cannot be done, call escalate_to_human and say why.
Hand in the entry id with the title and alt text as JSON."""

ALONE = replace(
    GRAPH,
    publisher=Agent(
        "photographer",
        PHOTOGRAPHER,
        Listing,
        tools=(
            *("find_model", "venue_rules", "render_shot", "describe_asset", "evaluate_shot"),
            *("describe_product", "publish_to_catalog", "escalate_to_human"),
        ),
        limits=Limits(turns=40, tool_calls=80, micro_usd=1_000_000, wall=timedelta(hours=2)),
    ),
)
"""Planner and critic are others still: nobody judges what they made themselves."""


@workflow.defn(name="SoloProduction")
class SoloProduction(ImageProduction):
    """Produces the images of a catalog shoot, each by one agent alone."""

    pipeline = "solo_production"
    graph = ALONE
    item_workflow = "SoloItem"

    @workflow.run
    async def run(self, order: RunOrder) -> RunState:
        """Brief in, published entries out."""
        self.take_order(order)
        async with self.recorded(order.traceparent):
            with self.shown_to_the_end():
                await self.read_brief()
                await self.plan()
                await self.produce_items()
            return self.wrap_up()


@workflow.defn(name="SoloItem")
class SoloItem(ShootItem):
    """Produces one image by one agent. The gate is the same code as for many: it measures, and only it clears."""

    pipeline = "solo_production"
    graph = ALONE

    @workflow.run
    async def run(self, order: ItemOrder) -> ItemState:
        """Let the agent work until its take is published, or ask a person."""
        self.take_order(order)
        async with self.recorded(), self.settled():
            direction = order.shot.direction
            while direction:
                await self.shoot_alone(direction)
                direction = await self.confirm(direction)
        return self.item

    async def shoot_alone(self, direction: str) -> None:
        """Hand the whole of the work to one agent, and attend to what it has evaluated."""
        self._trouble, self._latest = "", None
        self.show("generating", self.graph.publisher.name)
        terms = self.terms(attend=self.evaluate)
        ended = await self.consult(self.graph.publisher, self.generator_task(direction), terms)
        if ended.output is None:
            self._trouble = ended.reason

    async def evaluate(self, talk: Talk) -> Talk:
        """Put before the gate what the agent asks it to look at; tell it the findings, or clear the take."""
        digest = _put_forward(talk)
        if digest is None or talk.end is not None:
            return talk
        before = self.spend.micro_usd
        facts = await measure_image(MeasureRequest(run=self.order.run, digest=digest, shot=self.order.shot))
        verdict = await self._judge(digest, facts)
        judged = Judged(self._attempt(digest, self.order.shot.direction, facts, verdict, before), facts, verdict)
        self._keep(judged)
        self.show("generating", self.graph.publisher.name)
        if self.passes:
            return talk.told(_findings(judged, passes=True)).granted(grant(asset_id(digest)))
        if not self.may_refine:
            return talk.ended(End(kind="asks", reason=""))
        self._refinements -= 1
        return talk.told(_findings(judged, passes=False))

    async def confirm(self, direction: str) -> str:
        """Believe that it is published only when the published bytes prove it; else a person looks."""
        if not self.passes or self._latest is None:
            return await self.escalate(direction)
        request = VerifyRequest(run=self.order.run, item=self.item.key, digest=self._latest.digest)
        proof = await verify_published(request)
        if proof.publication is None:
            self._trouble = f"It could not be published: {self._trouble or proof.problem}"
            return await self.escalate(direction)
        self.item = self._with(decided_by=GATE, decision="approve", publication=proof.publication)
        self.show("published")
        return ""

    def publisher_task(self, asset: str) -> str:
        """Show the shot, and that a person cleared this take of it."""
        return f"{super().publisher_task(asset)}\n{_gate(asset, passes=True)}"


def _put_forward(talk: Talk) -> str | None:
    """Find what the agent had evaluated in its last turn."""
    outcomes = talk.transcript.turns[-1].outcomes if talk.transcript.turns else ()
    return next((each.asset for each in outcomes if each.tool == "evaluate_shot" and each.ok), None)


def _findings(judged: Judged, *, passes: bool) -> Note:
    """Tell the agent what the gate found, bounded: of the facts only those that miss."""
    facts: FactSheet = judged.facts.model_copy(update={"facts": judged.facts.missed})
    text = f"{_gate(asset_id(judged.digest), passes=passes)}\n{section('Facts', facts)}"
    if judged.verdict is not None:
        text += f"\n{section('Verdict', judged.verdict, leave_out={'criteria'})}"
    return Note(kind="gate", text=text[:8_000])


def _gate(asset: str, *, passes: bool) -> str:
    word = "It is cleared: publish it." if passes else "It is not cleared."
    return f'## Gate\n```json\n{{"asset": "{asset}", "passes": {str(passes).lower()}}}\n```\n{word}\n'
