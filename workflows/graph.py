"""Who works on a run, and what one take came to."""

from dataclasses import dataclass, replace

from workflows.agent import Agent
from workflows.guards.gate import objections
from workflows.models import Attempt, FactSheet, Listing, Plan, Revision, Take, Verdict


@dataclass(frozen=True)
class Graph:
    """planner → generator → critic → (below the threshold) refiner → generator … → publisher."""

    planner: Agent[Plan]
    generator: Agent[Take]
    critic: Agent[Verdict]
    refiner: Agent[Revision]
    publisher: Agent[Listing]

    def on(self, model: str) -> "Graph":
        """Use one model for every agent; empty keeps each agent's own."""
        if not model:
            return self
        return Graph(
            planner=replace(self.planner, model=model),
            generator=replace(self.generator, model=model),
            critic=replace(self.critic, model=model),
            refiner=replace(self.refiner, model=model),
            publisher=replace(self.publisher, model=model),
        )


@dataclass(frozen=True)
class Judged:
    """A take with what was measured and what the critic said, all of the same digest; the critic may have failed."""

    attempt: Attempt
    facts: FactSheet
    verdict: Verdict | None

    @property
    def digest(self) -> str:
        """The bytes that were judged."""
        return self.attempt.digest

    def objections(self, threshold: int) -> tuple[str, ...]:
        """Say what keeps it from being published."""
        return objections(self.digest, self.facts, self.verdict, threshold)

    def better(self, other: "Judged | None") -> "Judged":
        """Keep the one with the higher score; then the one that breaks fewer rules; then the earlier one."""
        if other is None:
            return self
        return self if self.rank > other.rank else other

    @property
    def rank(self) -> tuple[int, int]:
        """Order takes: the higher score first, then fewer broken rules."""
        return (self.attempt.score, -len(self.attempt.missed))


def uncovered(plan: Plan, wanted: tuple[str, ...]) -> str | None:
    """Say where a plan does not fit what is wanted: every view of every venue exactly once, and nothing else."""
    planned = [f"{shot.profile}/{shot.view}" for shot in plan.shots]
    problems = [f"missing: {name}" for name in wanted if name not in planned]
    problems += [f"not ordered: {name}" for name in sorted(set(planned) - set(wanted))]
    problems += [f"planned twice: {name}" for name in sorted(set(planned)) if planned.count(name) > 1]
    return f"shots: {'; '.join(problems)}"[:2_000] if problems else None
