"""Tools that reach people."""

from datetime import timedelta

from pydantic import Field

from activities.tools.definition import Arguments, Escalation, tool


class Question(Arguments):
    """What a person is to be asked."""

    reason: str = Field(min_length=1, max_length=1_000, description="why you cannot go on by yourself")
    question: str = Field(default="", max_length=1_000, description="what the person should decide")


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def escalate_to_human(question: Question) -> Escalation:
    """Hand the matter to a person. Use it when rules, tools or data keep you from doing it right; then stop."""
    return Escalation(question.reason, question.question)
