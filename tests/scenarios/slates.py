"""Handing a batch of agents in, as the command line does."""

import hashlib

from activities.slate_tables import SlateRow
from activities.slates import Entry, SlateStore
from workflows.models import AgentOrder, Cap, RunState
from workflows.models.slates import BATCH, SlateOrder

AGENT = "SingleAgent"


async def hand_in(stage, name, *goals, micro_usd=0, at_once=2, **order):
    """Hand in one agent for each goal, and start the batch."""
    caps = (Cap(account=f"{BATCH}{name}", micro_usd=micro_usd),) if micro_usd else ()
    store = SlateStore(stage.world.database)
    await store.open(SlateRow(name=name, kind=AGENT, tenant="default", by="Ines", micro_usd=micro_usd or None))
    entries = [
        Entry(digest(goal), f"orders.jsonl:{line}", goal, f"{name}.{digest(goal)}", order_for(goal, caps, **order))
        for line, goal in enumerate(goals, 1)
    ]
    await store.hand_in(name, entries)
    ordered = SlateOrder(name=name, pipeline="single_agent", at_once=at_once, micro_usd=micro_usd)
    return await stage.client.start_workflow(
        "Slate", ordered, id=f"{BATCH}{name}", task_queue=stage.queue, result_type=RunState
    )


def digest(goal):
    return hashlib.sha256(goal.encode()).hexdigest()[:10]


def order_for(goal, caps, **order):
    return AgentOrder(goal=goal, caps=caps, **order).model_dump_json()
