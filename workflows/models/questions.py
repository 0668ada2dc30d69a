"""What people are asked: a question with its evidence, who is asked until when, and its card in a list."""

import hashlib
from datetime import datetime
from typing import Literal, Self

from workflows.models.base import Value, preview
from workflows.models.production import Attempt, Criterion, Fact, FactSheet, Verdict
from workflows.models.review import Fallback, ReviewStep
from workflows.models.roles import Choice, Role
from workflows.models.turns import GatedCall, Scope

QuestionKind = Literal["review", "first_view", "candidate", "budget", "pause", "question", "calls"]
WORDS = 240
"""Characters of a reason in the evidence of one attempt."""


class Tried(Value):
    """One attempt as evidence: what was asked for, what was measured, what the critic said, cut to be carried."""

    attempt: Attempt
    facts: tuple[Fact, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, attempt: Attempt, facts: FactSheet, verdict: Verdict | None) -> Self:
        """Sum one attempt up."""
        each = verdict.criteria if verdict else ()
        short = tuple(
            one.model_copy(
                update={"evidence": preview(one.evidence, WORDS), "reasoning": preview(one.reasoning, WORDS)}
            )
            for one in each
        )
        problems = tuple(preview(problem, WORDS) for problem in verdict.problems[:10]) if verdict else ()
        return cls(attempt=attempt, facts=facts.facts, criteria=short, problems=problems)


class Question(Value):
    """One question to people, bound to the digest of what they are shown.

    `digest` is of the artefact (`sha256:...`), of the arguments of the `calls`, or of the question's own words: never
    empty. `options` are the choices that end it; claim, release and reassign are always possible. `instruction` is what
    `edit` starts from. `objections` are the rules that an approval overrides. `micro_usd` is the cost so far. One of
    the kind `budget` names the account that is used up, and what the next call needs at least. One that `needs_note`
    takes no answer without a justification.

    Who waits: `owner` is asked now, and whoever has the role `least` may answer; until `due_at` (None: without end),
    reminded at the moments of `reminders` that are still to come. Then come the steps of `then`, and at their end the
    `fallback`. `claimed_by` holds it for one person.
    """

    id: str
    workflow: str = ""
    scope: Scope
    title: str
    reason: str
    kind: QuestionKind = "review"
    digest: str = ""
    options: tuple[Choice, ...] = ("approve", "reject", "revise", "reassign")
    facts: FactSheet | None = None
    verdict: Verdict | None = None
    tries: tuple[Tried, ...] = ()
    calls: tuple[GatedCall, ...] = ()
    instruction: str = ""
    objections: tuple[str, ...] = ()
    micro_usd: int = 0
    account: str = ""
    needs_micro_usd: int = 0
    needs_note: bool = False
    asked_at: datetime
    owner: str = "reviewers"
    least: Role = "reviewer"
    reminders: tuple[datetime, ...] = ()
    due_at: datetime | None = None
    then: tuple[ReviewStep, ...] = ()
    fallback: Fallback = "reject"
    claimed_by: str = ""
    claimed_at: datetime | None = None

    @property
    def concerns_all(self) -> bool:
        """Tell whether the account is that of others as well, who would all have to ask the same."""
        return bool(self.account) and not self.account.startswith(("agent:", "item:"))

    def handed_on(self, at: datetime) -> Self:
        """Ask the next of the chain: nobody has claimed it now."""
        step, *rest = self.then
        changes = {"owner": step.owner, "least": step.least, "due_at": at + step.deadline, "then": tuple(rest)}
        return self.model_copy(update={**changes, "reminders": step.moments(at), "claimed_by": "", "claimed_at": None})

    def slim(self) -> Self:
        """Leave the evidence out: it is kept once, with the notice that the question was asked."""
        calls = tuple(call.model_copy(update={"arguments": preview(call.arguments)}) for call in self.calls)
        without = {
            "tries": (),
            "facts": None,
            "verdict": None,
            "calls": calls,
            "instruction": preview(self.instruction),
        }
        return self.model_copy(update=without)

    def card(self) -> "QuestionCard":
        """Sum it up for a list."""
        return QuestionCard(
            id=self.id,
            kind=self.kind,
            title=preview(self.title, 120),
            reason=preview(self.reason, 160),
            digest=self.digest,
            owner=self.owner,
            least=self.least,
            claimed_by=self.claimed_by,
            asked_at=self.asked_at,
            due_at=self.due_at,
            score=self.verdict.score if self.verdict else None,
            missed=tuple(fact.rule for fact in self.facts.missed)[:6] if self.facts else (),
            attempts=len(self.tries),
            micro_usd=self.micro_usd,
            tenant=self.scope.tenant,
            run=self.scope.run,
            item=self.scope.item,
        )


class QuestionCard(Value):
    """A question in a list: the memo `question` of the workflow that asks, so that a queue costs one request."""

    id: str
    kind: QuestionKind
    title: str
    reason: str
    digest: str
    owner: str
    least: Role = "reviewer"
    claimed_by: str = ""
    asked_at: datetime
    due_at: datetime | None = None
    score: int | None = None
    missed: tuple[str, ...] = ()
    attempts: int = 0
    micro_usd: int = 0
    tenant: str = "default"
    run: str = ""
    item: str = ""


def digest_of_words(*words: str) -> str:
    """Digest what a question shows where there is no artefact."""
    return f"sha256:{hashlib.sha256(chr(10).join(words).encode()).hexdigest()}"
