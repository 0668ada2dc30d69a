"""A worker with small workflows that carry the real names, and the real slate: `python -m tests.console.stage`."""

import asyncio
import hashlib
import json
import signal

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

with workflow.unsafe.imports_passed_through():
    from activities.connection import connect
    from activities.database import Database
    from activities.leave import leave
    from activities.settings import Settings
    from activities.slate_desk import SlateDesk
    from workflows.models import (
        AgentOrder,
        AgentOutcome,
        AgentState,
        Attempt,
        Decision,
        ItemRow,
        ItemState,
        Question,
        Receipt,
        RunOrder,
        RunState,
        Scope,
        Spend,
    )
    from workflows.scheduled import Scheduled
    from workflows.slate import Slate
    from workflows.tracing import AWAITING_REVIEW, PIPELINE, RUN, STATUS, TENANT

PICTURE = b"\x89PNG stands for an image"
POOR = {"poor": "run:{run}", "needy": "item:{run}:needy", "late": "fleet/day/2026-01-31"}
"""The items that ask for money, and of which account."""
BUSY = "busy"
"""An item that works on and asks nobody."""
DIGEST = f"sha256:{hashlib.sha256(PICTURE).hexdigest()}"


@workflow.defn(name="ShootItem")
class StagedItem:
    """Asks at once, and ends as it is told. What it asks depends on its key: see `POOR`."""

    @workflow.init
    def __init__(self, key: str) -> None:
        run = workflow.info().workflow_id.partition(":")[0]
        self._question = Question(
            id=f"{workflow.info().workflow_id}?1",
            scope=Scope(run=run, item=key),
            title="White tee",
            reason="After 4 takes it still does not pass: background_white",
            digest=DIGEST,
            options=("approve", "reject", "revise"),
            asked_at=workflow.now(),
        )
        if key in POOR:
            about = {"kind": "budget", "account": POOR[key].format(run=run), "needs_micro_usd": 30_000}
            asks = {"reason": "the call needs more", "digest": "", "options": ("top_up", "reject", "reassign")}
            self._question = self._question.model_copy(update=about | asks)
        self._decision: Decision | None = None
        self._key = key

    @workflow.run
    async def run(self, key: str) -> ItemState:
        asks = AWAITING_REVIEW.value_set(key != BUSY)
        workflow.upsert_search_attributes([RUN.value_set(self._question.scope.run), asks])
        await workflow.wait_condition(lambda: self._decision is not None)
        workflow.upsert_search_attributes([AWAITING_REVIEW.value_set(False)])
        return self.state()

    @workflow.query
    def state(self) -> ItemState:
        take = Attempt(number=1, digest=DIGEST, direction="plain", score=61, missed=("background_white",))
        status, choice, by = "awaiting_review", "", ""
        if self._decision:
            choice, by = self._decision.choice, self._decision.by
            status = "published" if choice in {"approve", "top_up"} else "rejected"
        return ItemState.model_validate(
            {"key": self._key, "title": "White tee", "status": status, "attempts": (take,), "best": take}
            | {"decided_by": by, "decision": choice, "note": self._note()}
            | {"waiting": "the model endpoint, for 3 min so far" if self._key == "slow" else ""}
        )

    def _note(self) -> str:
        return f"{self._decision.micro_usd} {self._decision.note}" if self._decision else ""

    @workflow.query
    def question(self) -> Question | None:
        return None if self._decision else self._question

    @workflow.update
    async def decide(self, decision: Decision) -> Receipt:
        self._decision = decision
        return Receipt(question=self._question.id, choice=decision.choice, by=decision.by, at=workflow.now())

    @decide.validator
    def may_decide(self, decision: Decision) -> None:
        if decision.choice not in self._question.options:
            raise ApplicationError(f"{decision.choice} is not an option here", type="NotAnOption")


@workflow.defn(name="ImageProduction")
class StagedProduction:
    """Has as many items as its title has words; one that is `Broke` first asks for money itself."""

    def __init__(self) -> None:
        self._rows: dict[str, ItemRow] = {}
        self._status = "reviewing"
        self._title = ""
        self._question: Question | None = None

    @workflow.run
    async def run(self, order: RunOrder) -> RunState:
        self._title = order.title
        if order.title == "Broke":
            self._rows["broke"] = ItemRow(key="broke", status="published")
            return await self._beg()
        await asyncio.gather(*(self._produce(word.lower()) for word in order.title.split()))
        published = [row for row in self._rows.values() if row.status == "published"]
        self._status = "complete" if len(published) == len(self._rows) else "partial" if published else "failed"
        return self.state()

    async def _beg(self) -> RunState:
        run = workflow.info().workflow_id
        self._question = Question(
            id=f"{run}?1",
            scope=Scope(run=run),
            title="more money?",
            reason="9 items wait",
            options=("top_up", "reject"),
            asked_at=workflow.now(),
            kind="budget",
            account=f"run:{run}",
        )
        self._status = "awaiting_review"
        await workflow.wait_condition(lambda: self._question is None)
        self._status = "complete"
        return self.state()

    @workflow.update
    async def decide(self, decision: Decision) -> Receipt:
        self._question = None
        return Receipt(question=decision.question, choice=decision.choice, by=decision.by, at=workflow.now())

    async def _produce(self, key: str) -> None:
        status = "generating" if key == BUSY else "awaiting_review"
        self._rows[key] = ItemRow(key=key, status=status, score=61, attempts=1)
        child = f"{workflow.info().workflow_id}:{key}"
        state = await workflow.execute_child_workflow(StagedItem.run, key, id=child)
        self._rows[key] = self._rows[key].model_copy(update={"status": state.status})

    @workflow.query
    def state(self) -> RunState:
        return RunState.model_validate(
            {
                "id": workflow.info().workflow_id,
                "pipeline": "image_production",
                "status": self._status,
                "title": self._title,
                "total": len(self._rows),
                "items": tuple(self._rows.values()),
                "published": tuple(f"ent_{key}" for key, row in self._rows.items() if row.status == "published"),
                "started_at": workflow.info().start_time,
                "spend": Spend(micro_usd=12_300, turns=9),
                "cap_micro_usd": 5_000_000,
            }
        )

    @workflow.query
    def question(self) -> Question | None:
        return self._question


@workflow.defn(name="SingleAgent")
class StagedAgent:
    """Answers at once; with the goal `lose` it fails, with the goal `wait` it waits as if it were paused."""

    def __init__(self) -> None:
        self._released = False

    @workflow.signal
    def released(self) -> None:
        self._released = True

    @workflow.run
    async def run(self, order: AgentOrder) -> AgentOutcome:
        workflow.upsert_search_attributes([PIPELINE.value_set("single_agent"), TENANT.value_set(order.tenant)])
        if order.goal.startswith("wait"):
            workflow.upsert_search_attributes([STATUS.value_set("paused")])
            await workflow.wait_condition(lambda: self._released)
        reason = " ".join((order.patience, *order.fallbacks))
        status = "failed" if order.goal.startswith("lose") else "complete"
        return AgentOutcome(status=status, spend=Spend(micro_usd=1_500), answer=f"done: {order.goal}", reason=reason)

    @workflow.query
    def state(self) -> AgentState:
        return AgentState(id=workflow.info().workflow_id, status="working", goal="")


PIPELINES = (StagedProduction, StagedItem, StagedAgent)


async def work() -> None:
    settings = Settings()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runner = SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules("workflows", "activities", "tests")
    )
    database = Database(settings.database_url)
    database.prepare()
    desk = SlateDesk(database)
    served = {
        "workflows": [*PIPELINES, Slate, Scheduled],
        "activities": [desk.tend, desk.call_off],
    }
    async with Worker(await connect(), task_queue=settings.task_queue, workflow_runner=runner, **served):
        print(json.dumps({"ready": True}), flush=True)  # noqa: T201 - this line is the contract
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(work())
    leave(0)
