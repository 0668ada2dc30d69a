"""What one look at a workflow shows, and which kinds of workflows there are to look at."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from workflows.models import AgentOutcome, AgentState, ItemState, Question, RunState
from workflows.models.hiring import CandidateOutcome, CandidateState

PRODUCTION = "ImageProduction"
ITEM = "ShootItem"
AGENT = "SingleAgent"
SOLO = "SoloProduction"
SOLO_ITEM = "SoloItem"
EVALUATION = "CandidateEvaluation"
SLATE = "Slate"
CANDIDATE = "EvaluateCandidate"
ERASURE = "CandidateErasure"

STATES: Mapping[str, type[BaseModel]] = {
    PRODUCTION: RunState,
    ITEM: ItemState,
    AGENT: AgentState,
    SOLO: RunState,
    SOLO_ITEM: ItemState,
    EVALUATION: RunState,
    SLATE: RunState,
    CANDIDATE: CandidateState,
}
OUTCOMES: Mapping[str, type[BaseModel]] = {**STATES, AGENT: AgentOutcome, CANDIDATE: CandidateOutcome}


class Look(BaseModel):
    """One look at a workflow: what it is, whether it goes on, and what it says of itself."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    running: bool
    execution: str
    run: RunState | None = None
    item: ItemState | None = None
    agent: dict[str, Any] | None = None
    error: str = ""

    @property
    def status(self) -> str:
        """Say in one word how far it is."""
        if self.run or self.item:
            return str((self.run or self.item).status)  # type: ignore[union-attr]
        return str((self.agent or {}).get("status") or self.execution)

    @property
    def waiting(self) -> str:
        """Say what an item or an agent waits for, other than people; empty when it works."""
        return self.item.waiting if self.item else str((self.agent or {}).get("waiting", ""))


class OpenQuestion(BaseModel):
    """A question that waits for a person, and where to answer it."""

    model_config = ConfigDict(frozen=True)

    id: str
    question: Question


def with_state(seen: Look, state: object) -> Look:
    """Add what a workflow says of itself."""
    match state:
        case RunState():
            return seen.model_copy(update={"run": state})
        case ItemState():
            return seen.model_copy(update={"item": state})
        case BaseModel():
            return seen.model_copy(update={"agent": state.model_dump(mode="json")})
        case dict():
            return seen.model_copy(update={"agent": state})
        case _:
            return seen
