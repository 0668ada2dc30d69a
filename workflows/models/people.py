"""Questions to people and their decisions."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from workflows.models.base import Value
from workflows.models.production import FactSheet, Verdict
from workflows.models.turns import Scope

Choice = Literal["approve", "reject", "revise", "reassign", "top_up"]
NoticeKind = Literal["question", "reminder", "decided", "conflict", "expired"]


class Question(Value):
    """One question to a person, bound to the digest of what they are shown.

    `options` are the allowed choices; `fallback` is what silence means: `reject`, or `hold` (wait on). A question of
    the kind `budget` names the account that is used up, and what the next call needs at least. One that `needs_note`
    takes no answer without a justification.
    """

    id: str
    scope: Scope
    title: str
    reason: str
    digest: str = ""
    options: tuple[Choice, ...] = ("approve", "reject", "revise", "reassign")
    facts: FactSheet | None = None
    verdict: Verdict | None = None
    micro_usd: int = 0
    owner: str = "reviewers"
    asked_at: datetime
    remind_after: timedelta = timedelta(hours=4)
    deadline: timedelta = timedelta(hours=24)
    fallback: Literal["reject", "hold"] = "reject"
    kind: Literal["review", "budget"] = "review"
    account: str = ""
    needs_micro_usd: int = 0
    needs_note: bool = False

    @property
    def concerns_all(self) -> bool:
        """Tell whether the account is that of others as well, who would all have to ask the same."""
        return bool(self.account) and not self.account.startswith(("agent:", "item:"))


class Decision(Value):
    """A person's answer. `question` and `digest` say what was answered; empty means the open one."""

    choice: Choice
    by: str = Field(min_length=1, max_length=200)
    note: str = Field(default="", max_length=4_000)
    question: str = Field(default="", max_length=1_200)
    digest: str = Field(default="", max_length=100)
    to: str = Field(default="", max_length=200, description="new owner, for `reassign`")
    micro_usd: int = Field(
        default=0, ge=0, le=10**12, description="for `top_up`: dollars x 1,000,000; 0: it was raised already"
    )


class Receipt(Value):
    """Tells the decider that the answer was taken."""

    question: str
    choice: Choice
    by: str
    at: datetime


class Notice(Value):
    """Something people are to be told, and that is kept: `decided` and `expired` carry the decision."""

    kind: NoticeKind
    question: Question
    decision: Decision | None = None
    at: datetime
