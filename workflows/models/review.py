"""How long people have: who is asked, who is next, when they are reminded, and what silence means."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from workflows.models.base import Value
from workflows.models.roles import Role

Fallback = Literal["reject", "hold"]

LONGEST = timedelta(days=365)
MOST_REMINDERS = 10
MOST_STEPS = 8
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _wait(value: Any) -> Any:  # noqa: ANN401 - whatever a person wrote
    """Read a time as people write it; anything else is left to pydantic, which knows numbers and ISO 8601."""
    if not isinstance(value, str) or value.startswith(("P", "-P")):
        return value
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd])", value.strip().lower())
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*[smhd]|\s", "", value.strip().lower()):
        raise ValueError(f"{value[:40]!r} is no length of time; write it like 90s, 30m, 4h or 2d")
    return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))


def _bounded(value: timedelta) -> timedelta:
    if not timedelta() <= value <= LONGEST:
        raise ValueError(f"has to lie between 0 and {LONGEST.days}d")
    return value


Wait = Annotated[timedelta, BeforeValidator(_wait), AfterValidator(_bounded)]
"""A length of time: `90s`, `30m`, `4h`, `2d`, `1h30m`, seconds as a number, or ISO 8601 (`PT4H`)."""


class ReviewStep(Value):
    """One link of the chain: a person or a group, the least role that may answer, and how long they have.

    `reminders` count from the moment at which they are asked; those at or behind the deadline are not sent.
    """

    owner: str = Field(default="reviewers", min_length=1, max_length=200)
    least: Role = "reviewer"
    reminders: tuple[Wait, ...] = Field(default=(timedelta(hours=4),), max_length=MOST_REMINDERS)
    deadline: Wait = timedelta(hours=24)

    def moments(self, at: datetime) -> tuple[datetime, ...]:
        """Say when to remind somebody who is asked at this moment."""
        return tuple(at + each for each in sorted(self.reminders) if each < self.deadline)


class ReviewPolicy(ReviewStep):
    """Who is asked first, who is asked `then`, one after the other, and what silence at the end means.

    `hold` waits on for as long as it takes. Where a person has to decide, as in hiring, nothing else will do.
    """

    then: tuple[ReviewStep, ...] = Field(default=(), max_length=MOST_STEPS)
    fallback: Fallback = "reject"


class WrittenStep(ReviewStep):
    """A link of the chain as a person writes it: unknown names are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _reminded_in_time(self) -> Self:
        late = [each for each in self.reminders if each >= self.deadline]
        if late and "reminders" in self.model_fields_set:
            raise ValueError("reminders: each has to come before the deadline of its step")
        return self


class WrittenReview(WrittenStep):
    """A policy as a person writes it, in a brief or in an order."""

    then: tuple[WrittenStep, ...] = Field(default=(), max_length=MOST_STEPS)
    fallback: Fallback = "reject"

    def policy(self) -> ReviewPolicy:
        """Make the policy that crosses the wire."""
        return ReviewPolicy.model_validate(self.model_dump())
