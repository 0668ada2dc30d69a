"""What is offered to somebody, and under which words: the engine proves every decision again."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from workflows.models import Choice, Identity, Question
from workflows.models.questions import QuestionKind
from workflows.models.roles import MOVES, may

WORDS: Mapping[Choice, str] = {
    "approve": "Approve",
    "reject": "Reject",
    "revise": "Revise",
    "edit": "Edit",
    "answer": "Answer",
    "top_up": "Add money",
    "reassign": "Hand on",
    "claim": "Claim",
    "release": "Release",
}
OWN_WORDS: Mapping[tuple[QuestionKind, Choice], str] = {
    ("first_view", "approve"): "Note a first view",
    ("candidate", "approve"): "Goes on",
    ("candidate", "reject"): "Does not go on",
    ("candidate", "revise"): "Set a level, or ask again",
    ("pause", "approve"): "Let it go on",
    ("pause", "reject"): "End it",
    ("pause", "revise"): "Go on with a note",
    ("budget", "reject"): "Stop here",
    ("question", "reject"): "End it",
    ("question", "approve"): "Let it go on",
    ("calls", "approve"): "Allow",
    ("calls", "reject"): "Refuse",
}
KEYS: Mapping[Choice, str] = {
    "approve": "a",
    "reject": "r",
    "revise": "v",
    "edit": "e",
    "answer": "w",
    "top_up": "t",
    "reassign": "h",
}
ICONS: Mapping[Choice, str] = {
    "approve": "check",
    "reject": "cross",
    "revise": "undo",
    "edit": "pen",
    "answer": "talk",
    "top_up": "coin",
    "reassign": "swap",
    "claim": "hand",
    "release": "hand",
}


class Offer(NamedTuple):
    """A choice as a button."""

    choice: Choice
    label: str
    key: str
    icon: str


class Offers(NamedTuple):
    """What somebody may do about a question. `held` names who has claimed it, if that keeps them from it."""

    decisions: tuple[Offer, ...]
    reassign: bool
    claim: bool
    release: bool
    held: str


def label(kind: QuestionKind, choice: Choice) -> str:
    """Name a choice as people read it."""
    return OWN_WORDS.get((kind, choice), WORDS[choice])


def offers(question: Question, who: Identity) -> Offers:
    """Say what somebody may do about an open question."""
    holder = question.claimed_by
    overrules = may(who.role, "overrule", question.least)
    held = holder if holder not in {"", who.name} and not overrules else ""
    free = not held
    decisions = tuple(
        Offer(choice, label(question.kind, choice), KEYS.get(choice, ""), ICONS[choice])
        for choice in question.options
        if choice not in MOVES and free and may(who.role, choice, question.least)
    )
    return Offers(
        decisions=decisions,
        reassign=free and may(who.role, "reassign", question.least),
        claim=not holder and may(who.role, "claim", question.least),
        release=bool(holder) and free and may(who.role, "release", question.least),
        held=held,
    )


def question_path(workflow: str, found_by: str = "") -> str:
    """Name the address of a question; `found_by` are the filters that led there."""
    return f"/questions/{quote(workflow, safe='')}" + (f"?{found_by}" if found_by else "")


def run_path(run: str) -> str:
    """Name the address of a run."""
    return f"/runs/{quote(run, safe='')}"


def picture_path(workflow: str, digest: str, size: str) -> str:
    """Name the address of an image of a workflow."""
    return f"/pictures/{digest.removeprefix('sha256:')}/{size}?of={quote(workflow, safe='')}"
