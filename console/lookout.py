"""Looks at the whole fleet: the server's list first, then every run is asked at the same time, none for long."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError
from temporalio.client import Client, WorkflowExecution, WorkflowQueryFailedError
from temporalio.service import RPCError

from activities.database import now
from activities.pollers import unserved
from console.burn import LastMinute, Pace
from console.fleet import Frame, Kind, RunLine
from console.looks import AGENT, CANDIDATE, EVALUATION, ITEM, PRODUCTION, SLATE, SOLO, SOLO_ITEM, STATES, OpenQuestion
from console.runs import PATIENCE
from workflows.models import AgentState, Question, RunState
from workflows.tracing import COST_USD, RUN, STATUS, literal

MOST_RUNS = 20
MOST_WAITING = 200
"""Workflows that wait for people which are listed in one look."""
MOST_ASKED = 40
"""Open questions that are read in one look."""
LIMIT = 2.0
"""Seconds that one workflow has to answer."""
RUNNING = (
    f"(WorkflowType in ('{PRODUCTION}', '{SOLO}', '{EVALUATION}', '{AGENT}') or CallsheetPipeline is not null) "
    f"and WorkflowType not in ('{ITEM}', '{SOLO_ITEM}', '{CANDIDATE}') and ExecutionStatus = 'Running'"
)
"""Runs, single agents, and processes of anybody's own; not the items of runs."""
WAITING = "CallsheetAwaitingReview = true and ExecutionStatus = 'Running'"
MICRO = 1_000_000
KINDS: Mapping[str, Kind] = {PRODUCTION: "production", SOLO: "production", EVALUATION: "evaluation", SLATE: "batch"}
"""Whatever else runs tells what an agent tells."""

T = TypeVar("T")


class Lookout:
    """Looks again and again; between looks it only remembers what was spent."""

    def __init__(self, client: Client, ledger: LastMinute, queues: Mapping[str, str] | None = None) -> None:
        """Ask the server of `client`, and the `ledger` when there is one; `queues` are to be polled, by pool."""
        self._queues = queues or {}
        self._client = client
        self._ledger = ledger
        self._pace = Pace()

    async def look(self) -> Frame:
        """Take one look.

        Raises:
            RPCError: the server itself does not answer.
        """
        waiting = await self._list(WAITING, MOST_WAITING)
        runs = await self._chosen(Counter(_run_of(each) for each in waiting))
        running, waits, idle, lines, questions = await asyncio.gather(
            self._count(RUNNING),
            self._count(WAITING),
            unserved(self._client, self._queues),
            self._lines(runs),
            self._questions(waiting),
        )
        asked = Counter(_run_of(each) for each in waiting)
        found = [_with_questions(line, asked[line.id], questions) for line in lines]
        frame = Frame(at=now(), running=running, waiting=waits, questions=tuple(questions), unserved=idle)
        return await self._with_burn(frame, sorted(found, key=lambda line: (not line.questions, -_started(line))))

    async def _chosen(self, waiting: Mapping[str, int]) -> list[WorkflowExecution]:
        """Choose the runs that are shown: those that wait, then the latest; the server lists the latest first."""
        recent = await self._list(RUNNING, MOST_RUNS)
        missing = [run for run in waiting if run not in {each.id for each in recent}]
        names = ", ".join(literal(run) for run in missing)
        older = await self._list(f"{RUNNING} and WorkflowId in ({names})", MOST_RUNS) if missing else []
        every = sorted([*recent, *older], key=lambda each: (each.id not in waiting, -each.start_time.timestamp()))
        return every[:MOST_RUNS]

    async def _lines(self, runs: Iterable[WorkflowExecution]) -> list[RunLine]:
        return await asyncio.gather(*(self._line(each) for each in runs))

    async def _line(self, listed: WorkflowExecution) -> RunLine:
        line = _listed(listed)
        handle = self._client.get_workflow_handle(listed.id)
        wanted = STATES.get(listed.workflow_type, AgentState)  # a process of somebody's own tells the same, and more
        state = await _in_time(handle.query("state", result_type=wanted))
        return line.with_state(state) if isinstance(state, RunState | AgentState) else line

    async def _questions(self, waiting: Sequence[WorkflowExecution]) -> list[OpenQuestion]:
        """Read the questions of those that run the longest, oldest question first."""
        oldest = sorted(waiting, key=lambda each: each.start_time)[:MOST_ASKED]
        handles = [self._client.get_workflow_handle(each.id) for each in oldest]
        found = await asyncio.gather(*(_in_time(handle.query("question", result_type=Question)) for handle in handles))
        known = [
            OpenQuestion(id=each.id, question=question)
            for each, question in zip(oldest, found, strict=True)
            if isinstance(question, Question)
        ]
        return sorted(known, key=lambda each: each.question.asked_at)

    async def _with_burn(self, frame: Frame, lines: Sequence[RunLine]) -> Frame:
        self._pace.add(frame.at, {line.id: line.micro_usd for line in lines if line.answered})
        spent = await self._ledger.read(frame.at)
        if spent is not None:
            runs = [line.model_copy(update={"per_minute": spent.get(line.id, 0)}) for line in lines]
            return frame.model_copy(
                update={"runs": tuple(runs), "per_minute": sum(spent.values()), "burn_from": "ledger"}
            )
        runs = [line.model_copy(update={"per_minute": self._pace.per_minute(line.id)}) for line in lines]
        known = [line.per_minute for line in runs if line.per_minute is not None]
        return frame.model_copy(update={"runs": tuple(runs), "per_minute": sum(known) if known else None})

    async def _list(self, query: str, limit: int) -> list[WorkflowExecution]:
        listing = self._client.list_workflows(query, limit=limit, page_size=limit, rpc_timeout=PATIENCE)
        return [each async for each in listing]

    async def _count(self, query: str) -> int:
        return (await self._client.count_workflows(query, rpc_timeout=PATIENCE)).count


async def _in_time(answer: Awaitable[T]) -> T | None:
    """Wait for an answer, not for long; whatever keeps a run from answering is its own affair, not the view's."""
    try:
        async with asyncio.timeout(LIMIT):
            return await answer
    except (TimeoutError, RPCError, WorkflowQueryFailedError, ValidationError, RuntimeError):
        return None


def _listed(listed: WorkflowExecution) -> RunLine:
    known = listed.typed_search_attributes
    return RunLine(
        id=listed.id,
        kind=KINDS.get(listed.workflow_type, "agent"),
        stage=known.get(STATUS) or "",
        started_at=listed.start_time,
        micro_usd=round((known.get(COST_USD) or 0) * MICRO),
    )


def _with_questions(line: RunLine, open_here: int, questions: Iterable[OpenQuestion]) -> RunLine:
    own = [each.question for each in questions if each.question.scope.run == line.id]
    found: dict[str, datetime | str | int] = {"questions": max(line.questions, open_here)}
    if own:
        found |= {"oldest_asked_at": own[0].asked_at, "oldest_owner": own[0].owner}
    return line.model_copy(update=found)


def _run_of(each: WorkflowExecution) -> str:
    return each.typed_search_attributes.get(RUN) or each.id.partition(":")[0]


def _started(line: RunLine) -> float:
    return line.started_at.timestamp()
