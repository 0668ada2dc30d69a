"""How the ports of candidate evaluation are called."""

from datetime import timedelta

from workflows.calls import store
from workflows.evaluation_ports import Erasures, Evaluations
from workflows.models import PageRequest
from workflows.models.evaluation import Papers
from workflows.models.hiring import (
    CandidateQuery,
    CandidateRecord,
    Candidates,
    Claimed,
    Erased,
    ErasureOrder,
    EvaluationOrder,
    HiringDecision,
    Kept,
    Nearest,
    Posting,
)

LONG = timedelta(minutes=10)
BEAT = timedelta(seconds=60)


async def open_vacancy(order: EvaluationOrder) -> Posting:
    """Freeze the rubric and enter everybody who applied."""
    return await store(Evaluations.open_vacancy, order, "opens the vacancy", limit=LONG)


async def page_candidates(request: PageRequest) -> Candidates:
    """Name some of the candidates."""
    return await store(Evaluations.page, request, f"names candidates from {request.offset + 1}")


async def read_papers(query: CandidateQuery) -> Papers:
    """Read what a candidate handed in."""
    return await store(Evaluations.read, query, "reads the documents", limit=LONG, beat=BEAT)


async def nearest_passages(claimed: Claimed) -> Nearest:
    """Find what is nearest to quotes that stand nowhere."""
    return await store(Evaluations.nearest, claimed, f"looks for {len(claimed.quotes)} quotes")


async def record_candidate(record: CandidateRecord) -> None:
    """Keep where an evaluation stands."""
    await store(Evaluations.record, record, f"records: {record.state.status}")


async def keep_decision(decision: HiringDecision) -> Kept:
    """Keep a person's decision."""
    return await store(Evaluations.decide, decision, f"keeps the decision of {decision.by}")


async def erase_candidate(order: ErasureOrder) -> Erased:
    """Empty the stores."""
    return await store(Erasures.erase, order, f"erases {order.key}", limit=LONG)


async def erase_histories(order: ErasureOrder) -> Erased:
    """Have the server forget."""
    return await store(Erasures.erase_histories, order, f"erases the history of {order.key}", limit=LONG)
