"""What people read: a message made from a kept notice, with a link to where it is decided."""

import hashlib
from typing import NamedTuple
from urllib.parse import quote

from workflows.models import Notice, NoticeKind, Question, preview
from workflows.tracing import dollars

TITLES: dict[NoticeKind, str] = {
    "question": "Please decide",
    "reminder": "Still waits for you",
    "moved": "Nobody answered; please decide",
    "reassigned": "Handed to you; please decide",
    "held": "Nobody answered; it waits on",
    "decided": "Decided",
    "expired": "Nobody answered; it was rejected",
    "refused": "An answer was refused",
}
LONGEST_SUBJECT = 150


class Message(NamedTuple):
    """One message. `id` is the digest of the notice, the same at every attempt; `thread` that of the question."""

    id: str
    thread: str
    notice: Notice
    subject: str
    lines: tuple[str, ...]
    link: str


def message(digest: str, notice: Notice, desk: str = "") -> Message:
    """Say what a notice says, in a few lines."""
    question = notice.question
    subject = preview(f"{TITLES.get(notice.kind, notice.kind)}: {question.title}", LONGEST_SUBJECT)
    link = f"{desk.rstrip('/')}/questions/{quote(question.workflow, safe='')}" if desk and question.workflow else ""
    thread = hashlib.sha256(question.id.encode()).hexdigest()[:32]
    return Message(digest, thread, notice, subject, tuple(_lines(notice, question)), link)


def _lines(notice: Notice, question: Question) -> list[str]:
    lines = [preview(question.reason, 600)]
    if question.objections:
        lines.append(f"An approval overrides: {preview('; '.join(question.objections), 400)}")
    lines += [f"Call: {call.tool} {preview(call.arguments, 400)}" for call in question.calls]
    lines.append(
        f"Run {question.scope.run} {question.scope.item}".strip() + f" · cost so far {dollars(question.micro_usd)}"
    )
    if (decision := notice.decision) is not None:
        said = f": {preview(decision.note, 400)}" if decision.note else ""
        lines.append(f"{decision.by} chose {decision.choice.replace('_', ' ')}{said}")
    if notice.why:
        lines.append(f"Not taken. {preview(notice.why, 400)}")
    elif notice.kind not in {"decided", "expired"}:
        lines.append(_until(question))
    return lines


def _until(question: Question) -> str:
    asked = f"Asked: {question.owner}"
    if question.due_at is None:
        return f"{asked}, without a deadline"
    then = (
        question.then[0].owner
        if question.then
        else {"reject": "it is rejected", "hold": "it waits on"}[question.fallback]
    )
    return f"{asked}, until {question.due_at:%Y-%m-%d %H:%M} UTC; then {then}"
