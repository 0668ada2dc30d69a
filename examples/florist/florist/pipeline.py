"""Bouquets for occasions: the florist arranges them side by side, and a person takes them or leaves them."""

from pydantic import BaseModel
from temporalio import workflow

from workflows.agent import Agent
from workflows.each import each
from workflows.models import WorkOrder
from workflows.process import Process


class Bouquet(BaseModel):
    """What the florist hands in."""

    name: str
    stems: int


class BouquetOrder(WorkOrder):
    """Bouquets that are wanted, besides the goal, the budget and all else that every order has."""

    occasions: tuple[str, ...]


FLORIST = Agent(
    name="florist",
    instructions="You are the florist of a small shop. Arrange one bouquet of stems in stock. Answer in JSON.",
    output=Bouquet,
    tools=("count_stems", "escalate_to_human"),
)


@workflow.defn
class Bouquets(Process):
    """Arranges one bouquet for each occasion."""

    @workflow.run
    async def run(self, order: BouquetOrder) -> list[Bouquet]:
        """Arrange them, show them to a person, and hand them over."""
        async with self.working(order):
            fates = await each(self.arrange, order.occasions, at_once=2)
            bouquets = [fate.result for fate in fates if fate.result]
            names = ", ".join(bouquet.name for bouquet in bouquets)
            decision = await self.ask(self.question("Bouquets", f"Shall we make these? {names}"))
            return bouquets if decision.choice == "approve" else []

    async def arrange(self, occasion: str) -> Bouquet | None:
        """Have one bouquet arranged."""
        return (await self.consult(FLORIST, f"A bouquet for a {occasion}.")).output
