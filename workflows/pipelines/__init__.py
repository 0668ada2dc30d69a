"""The pipelines that ship with Callsheet. This tuple is the only registration."""

from workflows.pipelines.candidate_erasure import CandidateErasure
from workflows.pipelines.candidate_evaluation import CandidateEvaluation, EvaluateCandidate
from workflows.pipelines.image_production import ImageProduction, ShootItem
from workflows.pipelines.single_agent import SingleAgent
from workflows.pipelines.solo_production import SoloItem, SoloProduction

PIPELINES = (
    *(ImageProduction, ShootItem, SingleAgent, SoloProduction, SoloItem),
    *(CandidateEvaluation, EvaluateCandidate, CandidateErasure),
)
