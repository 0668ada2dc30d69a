"""What the evaluation of candidates asks of the world, in the manner of `ports`."""

from abc import ABC, abstractmethod

from temporalio import activity

from workflows.models import Done, PageRequest
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


class Evaluations(ABC):
    """Vacancies, candidates and what was decided about them."""

    @activity.defn(name="open_vacancy")
    @abstractmethod
    async def open_vacancy(self, order: EvaluationOrder) -> Posting:
        """Freeze the rubric and enter everybody who applied, once."""

    @activity.defn(name="page_candidates")
    @abstractmethod
    async def page(self, request: PageRequest) -> Candidates:
        """Name some of the candidates."""

    @activity.defn(name="read_papers")
    @abstractmethod
    async def read(self, query: CandidateQuery) -> Papers:
        """Read what a candidate handed in, as it is and redacted."""

    @activity.defn(name="nearest_passages")
    @abstractmethod
    async def nearest(self, claimed: Claimed) -> Nearest:
        """Find the real passages that are nearest to quotes that nobody confirmed."""

    @activity.defn(name="record_candidate")
    @abstractmethod
    async def record(self, record: CandidateRecord) -> Done:
        """Keep where a candidate's evaluation stands."""

    @activity.defn(name="keep_decision")
    @abstractmethod
    async def decide(self, decision: HiringDecision) -> Kept:
        """Keep a person's decision for good."""


class Erasures(ABC):
    """Takes away what is known of a candidate."""

    @activity.defn(name="erase_candidate")
    @abstractmethod
    async def erase(self, order: ErasureOrder) -> Erased:
        """Empty the stores; digests and decisions stay."""

    @activity.defn(name="erase_histories")
    @abstractmethod
    async def erase_histories(self, order: ErasureOrder) -> Erased:
        """Have the server forget the workflows that worked on the candidate."""
