"""Trials: runs every case as often as the suite says, some at once, and judges each outcome."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from statistics import fmean
from typing import Any

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy

from console.errors import one_line
from console.evals.expectations import values
from console.evals.results import Trial
from console.evals.suites import Case, Suite
from console.evals.targets import Target

MICRO = 1_000_000
GRACE = 60.0
"""Seconds that a run which was called off has to clean up."""

Costs = Callable[[str], Awaitable[int]]
Heard = Callable[[Trial], None]


class Trials:
    """The trials of one suite."""

    def __init__(self, client: Client, queue: str, suite: Suite, target: Target, costs: Costs) -> None:
        """Start workflows by `client` on `queue`; `costs` tells what a run cost, from the records."""
        self._client, self._queue, self._suite, self._target, self._costs = client, queue, suite, target, costs
        self._spent = 0
        self.left_out = 0

    async def run(self, heard: Heard) -> list[Trial]:
        """Run them all; `heard` is told of each as it ends. They are given back case by case."""
        places = asyncio.Semaphore(self._suite.at_once)
        every = [case for _ in range(self._suite.repetitions) for case in self._suite.cases]

        async def placed(case: Case) -> Trial | None:
            async with places:
                if self._suite.budget_usd is not None and self._spent >= self._suite.budget_usd * MICRO:
                    self.left_out += 1
                    return None
                trial = await self._try(case)
                self._spent += trial.micro_usd
                heard(trial)
                return trial

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(placed(case)) for case in every]
        order = [case.name for case in self._suite.cases]
        done = [trial for task in tasks if (trial := task.result())]
        return sorted(done, key=lambda trial: order.index(trial.case))

    async def _try(self, case: Case) -> Trial:
        run = f"eval-{self._suite.name}-{case.name}-{secrets.token_hex(3)}"
        outcome = await self._outcome(run, await self._target.order(case))
        misses = [miss for path, expected in case.expect.items() for miss in expected.misses(path, outcome)]
        if misses and isinstance(outcome, dict) and outcome.get("error"):
            misses.append(f"error: {outcome['error']}")
        figures = {name: _mean(outcome, path) for name, path in self._suite.measures.items()}
        return Trial(
            case=case.name,
            run=run,
            misses=tuple(one_line(miss) for miss in misses),
            micro_usd=await self._costs(run),
            measured={name: figure for name, figure in figures.items() if figure is not None},
        )

    async def _outcome(self, run: str, order: Any) -> Any:  # noqa: ANN401 - any order, any outcome
        await self._client.start_workflow(
            self._target.workflow,
            order,
            id=run,
            task_queue=self._queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        handle = self._client.get_workflow_handle(run)  # without types: an outcome is judged as JSON has it
        try:
            async with asyncio.timeout(self._suite.minutes * 60):
                return await self._target.outcome(handle)
        except TimeoutError:
            await handle.cancel()
            await asyncio.wait({asyncio.ensure_future(_quietly(handle.result()))}, timeout=GRACE)
            return {"status": "timed_out", "error": f"it was called off after {self._suite.minutes:g} minutes"}
        except asyncio.CancelledError:
            await asyncio.shield(handle.cancel())
            raise
        except WorkflowFailureError as error:
            return {"status": "failed", "error": one_line(error.cause or error)}


async def _quietly(result: Awaitable[Any]) -> None:
    try:
        await result
    except WorkflowFailureError:
        return


def _mean(outcome: Any, path: str) -> float | None:  # noqa: ANN401 - any outcome
    found = [float(value) for value in values(outcome, path) if isinstance(value, int | float)]
    return fmean(found) if found else None
