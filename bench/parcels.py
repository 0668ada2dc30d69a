"""A pipeline for measurements: many parcels under one cap, each an agent that works until the money ends.

python -m bench.parcels     # a worker for it, configured by the environment like worker.py
"""

import asyncio
from datetime import timedelta

from temporalio import workflow

from workflows.agent import Agent
from workflows.flow import Flow
from workflows.models import Answer, Cap, Contract, Limits, ReviewPolicy, Scope, Spend, Value

SILENCE = ReviewPolicy(reminders=(), deadline=timedelta())
ROOMY = Limits(micro_usd=10**9, tokens=10**9, turns=1_000, tool_calls=10_000, max_tokens=4_096, least_tokens=256)


class ParcelOrder(Value):
    """One parcel of a run, or all of them."""

    run: str
    parcels: int
    micro_usd: int
    item: str = ""


@workflow.defn(name="Parcel")
class Parcel(Flow):
    """Works until its agent hands in, or until there is no money."""

    pipeline = "parcels"

    @workflow.run
    async def run(self, order: ParcelOrder) -> Spend:
        """Run the one agent; nobody is there to give more money."""
        caps = (
            Cap(account=f"item:{order.run}:{order.item}", micro_usd=order.micro_usd),
            Cap(account=f"run:{order.run}", micro_usd=order.micro_usd),
        )
        contract = Contract(goal=f"Sort the parcel {order.item} of {order.run}.")
        self.begin(Scope(run=order.run, item=order.item), contract, caps, SILENCE, "now")
        agent = Agent("sorter", "You are the sorter of parcels.", Answer, tools=("look",), limits=ROOMY)
        await self.consult(agent, f"## Contract\n{contract.text()}\n")
        return self.spent


@workflow.defn(name="Parcels")
class Parcels(Flow):
    """Starts all parcels at once."""

    pipeline = "parcels"

    @workflow.run
    async def run(self, order: ParcelOrder) -> Spend:
        """Wait for every parcel; sum up what they cost."""
        parcels = [order.model_copy(update={"item": f"p{number}"}) for number in range(order.parcels)]
        spends: list[Spend] = await asyncio.gather(
            *(
                workflow.execute_child_workflow("Parcel", each, id=f"{order.run}:{each.item}", result_type=Spend)
                for each in parcels
            )
        )
        return sum(spends, Spend())
