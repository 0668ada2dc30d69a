"""Catalog image production: who the agents are, what they are told, and the process."""

from datetime import timedelta

from pydantic import BaseModel
from temporalio import workflow

from workflows.agent import Agent
from workflows.graph import Graph, Judged
from workflows.item import ItemFlow
from workflows.models import (
    FactSheet,
    ItemOrder,
    ItemState,
    Limits,
    Listing,
    Plan,
    Revision,
    RunOrder,
    RunState,
    Shoot,
    Take,
    Verdict,
    asset_id,
)
from workflows.pipeline import Pipeline

PLANNER = """You are the planner of a catalog image production.
You are given the contract and the brief, with every venue's rules. Say how each wanted view is to be shot.
- Plan every entry of `wanted` exactly once, nothing else. One plan line serves all products and colours.
- A direction speaks to a studio photographer: framing, light, background, mood. The venue's rules win over the mood.
- Think first (`reasoning`), then plan (`shots`). Hand in JSON only."""

GENERATOR = """You are the generator of a catalog image production.
You render one shot. Look up the fashion model by name with find_model and the venue's rules with venue_rules, then call
render_shot with settings that follow the direction and the rules. Lines `set <parameter> to <value>` are orders.
- Use only ids that a tool gave you. When a tool refuses, read its hint and correct the call.
- One good take is enough; render again only when the result shows an error.
- If it cannot be done, call escalate_to_human and say why.
Hand in the asset id of the take as JSON."""

CRITIC = """You are the critic of a catalog image production.
You see one take and the facts that were measured on its bytes. Judge exactly these criteria, each once: rules, colour,
framing, light, finish. For each: evidence first (quote a fact with its number, or say what you see), then reasoning,
then a score from 0 to 100.
- The facts are right. A required rule that is missed cannot score 80 or more under `rules`.
- `score` is the mean of the five, rounded half up. `asset` is the asset id you were given.
- Name every problem so that it can be repaired. Do not approve flawed work to be finished. Hand in JSON only."""

REFINER = """You are the refiner of a catalog image production.
A take fell short. Look up how it was rendered with describe_asset, find for each missed fact and each problem which
setting causes it, and write the next direction.
- Keep what was right. Change as little as repairs the problems.
- The direction holds the intent in words and one line `set <parameter> to <value>` for every setting that matters.
Think first (`reasoning`), then the `direction`. Hand in JSON only."""

PUBLISHER = """You are the publisher of a catalog image production.
The artefact was cleared. Look up the product of the shot with describe_product first. Write the title and the alt text
from the product data alone, in the manner the brand's guidelines ask for, then call publish_to_catalog once.
- Alt text: product type first, then colour, fabric and view; at most 125 characters; never "image of"; no claims.
- If publishing is refused for good, call escalate_to_human and say why.
Hand in the entry id with the title and alt text as JSON."""

SHORT = Limits(turns=12, tool_calls=24, micro_usd=400_000, wall=timedelta(minutes=30))

GRAPH = Graph(
    planner=Agent("planner", PLANNER, Plan, limits=SHORT.model_copy(update={"max_tokens": 8_192})),
    generator=Agent(
        "generator",
        GENERATOR,
        Take,
        tools=("find_model", "venue_rules", "render_shot", "escalate_to_human"),
        limits=SHORT,
    ),
    critic=Agent("critic", CRITIC, Verdict, limits=SHORT),
    refiner=Agent("refiner", REFINER, Revision, tools=("describe_asset",), limits=SHORT),
    publisher=Agent(
        "publisher",
        PUBLISHER,
        Listing,
        tools=("describe_product", "publish_to_catalog", "escalate_to_human"),
        limits=SHORT,
    ),
)


@workflow.defn(name="ImageProduction")
class ImageProduction(Pipeline):
    """Produces the images of a catalog shoot."""

    pipeline = "image_production"
    graph = GRAPH
    item_workflow = "ShootItem"

    @workflow.init
    def __init__(self, order: RunOrder) -> None:
        """Begin with what an earlier run of this production asked, so that late answers are told so."""
        super().__init__()
        self._docket = order.progress.docket if order.progress else self._docket

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

    def planner_task(self, shoot: Shoot) -> str:
        """Show the contract and the brief."""
        return f"## Contract\n{shoot.contract.text()}\n\n## Brief\n```json\n{shoot.summary}\n```\n"


@workflow.defn(name="ShootItem")
class ShootItem(ItemFlow):
    """Produces one image: one product, colour, venue and view."""

    pipeline = "image_production"
    graph = GRAPH

    @workflow.run
    async def run(self, order: ItemOrder) -> ItemState:
        """Shoot, judge, refine until it passes; then publish, or ask a person."""
        self.take_order(order)
        async with self.recorded(), self.settled():
            direction = order.shot.direction
            while direction:
                await self.shoot(direction)
                if self.passes:
                    direction = await self.publish_latest(direction)
                elif self.may_refine:
                    direction = await self.refine(direction)
                else:
                    direction = await self.escalate(direction)
        return self.item

    def generator_task(self, direction: str) -> str:
        """Show the shot and the direction."""
        return f"{self._common()}\n## Direction\n{direction}\n"

    def critic_task(self, asset: str, facts: FactSheet) -> str:
        """Show the shot and what was measured; the picture goes with it."""
        return f"{self._common()}\n{_artefact(asset)}\n{section('Facts', facts)}"

    def refiner_task(self, direction: str, judged: Judged) -> str:
        """Show what was tried and what was found."""
        artefact = _artefact(asset_id(judged.digest))
        found = section("Facts", judged.facts)
        if judged.verdict is not None:
            found += "\n" + section("Verdict", judged.verdict)
        return f"{self._common()}\n## Direction\n{direction}\n\n{artefact}\n{found}"

    def publisher_task(self, asset: str) -> str:
        """Show the shot and what was cleared."""
        return f"{self._common()}\n{_artefact(asset)}"

    def _common(self) -> str:
        return f"## Contract\n{self.contract.text()}\n\n{section('Shot', self.order.shot, leave_out={'direction'})}"


def section(heading: str, value: BaseModel, leave_out: set[str] | None = None) -> str:
    """Write a value as one section of a task."""
    return f"## {heading}\n```json\n{value.model_dump_json(exclude=leave_out)}\n```\n"


def _artefact(asset: str) -> str:
    return f'## Artefact\n```json\n{{"asset": "{asset}"}}\n```\n'
