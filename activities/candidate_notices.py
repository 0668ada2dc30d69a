"""Notices to candidates: what they have to be told, by where they are, and whether it was told in time. Pure.

The texts are drafts for counsel, not advice. They name nobody: whoever sends them knows to whom.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from workflows.models.hiring import STAND_IN, HiringDecision
from workflows.models.rubrics import HiringPolicy, Role

NYC_DAYS = 10
"""Business days before use on which New York City's rules (6 RCNY 5-304) want candidates told."""

_SATURDAY = 5


def use_notice(role: Role, policy: HiringPolicy) -> str:
    """Write what a candidate is told before anything is read by a machine."""
    asked = "; ".join(each.title for each in role.requirements)
    lines = [
        f"About your application for: {role.title} (rubric {role.id} {role.version}).",
        "A computer program reads the documents you hand in and notes which passages bear on what the role asks for.",
        f"It looks at this, the same for everybody: {asked}.",
        "It reads a second copy without names, age, gender, origin and the like, to see whether they mattered.",
        "It decides nothing. A person reads your documents, sees what the program found, and decides.",
        f"You may ask how the program was used, have facts corrected, and have a person look again: {policy.contact}.",
        f"What you hand in is kept for {policy.retention_days} days after the decision, then erased.",
        *_by_place(policy),
    ]
    return "\n".join(lines)


def outcome_notice(decision: HiringDecision, role: str, policy: HiringPolicy) -> str:
    """Write what a candidate is told of a decision: only ever of one that a named person took."""
    if decision.by == STAND_IN:
        return "A demo decided this for show: nobody has read these documents, and there is nothing to send.\n"
    words = {"advance": "We would like to go on with you.", "decline": "We will not go on with your application."}
    return "\n".join(
        [
            f"About your application for: {role}.",
            words[decision.outcome],
            f"{decision.by} decided this on {decision.decided_at:%Y-%m-%d}, after reading your documents.",
            "A computer program had noted which passages bear on what the role asks for; it did not decide.",
            f"You may ask for an explanation, have facts corrected, and have a person look again: {policy.contact}.",
        ]
    )


def lateness(policy: HiringPolicy, notified_on: date | None, today: date) -> str | None:
    """Say what is wrong with when a candidate was told; None when nothing is known to be."""
    if not policy.jurisdictions:
        return None
    if notified_on is None:
        return "nothing says when the candidate was told that a program is used"
    if "us-nyc" in policy.jurisdictions and (days := business_days(notified_on, today)) < NYC_DAYS:
        return f"told {days} business days before; New York City asks for {NYC_DAYS}"
    return f"told on {notified_on}, which is still to come" if notified_on > today else None


def business_days(start: date, end: date) -> int:
    """Count the business days between two days; public holidays are not known here."""
    days = max((end - start).days, 0)
    return sum((start + timedelta(days=number)).weekday() < _SATURDAY for number in range(1, days + 1))


def _by_place(policy: HiringPolicy) -> Iterator[str]:
    if "us-nyc" in policy.jurisdictions:
        yield "New York City: you may ask for another way of selection or an accommodation, as far as there is one."
    if "eu" in policy.jurisdictions:
        yield "European Union: you are not subject to a decision by a machine alone; the program is a high-risk system."
    if "us-co" in policy.jurisdictions:
        yield "Colorado: after an adverse decision you are given the reasons, and may correct what they rest on."
    if "us-il" in policy.jurisdictions:
        yield "Illinois: this is the notice that a program is used; no postal code is looked at."
    if "us-ca" in policy.jurisdictions:
        yield "California: records of this are kept for four years."
