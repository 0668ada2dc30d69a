"""What the model reads of a conversation: all of it, or what the latest cut left."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from activities.conversation_tables import ConversationRow, CutRow, MessageRow
from activities.errors import permanent
from activities.messages import Message, answerable, calls_of, digest_of, sendable, size_of, without_thinking
from activities.pictures import MOST_TOKENS
from workflows.models import Reply

_BYTES_PER_TOKEN = 3


@dataclass(frozen=True)
class View:
    """The messages before `head` as they are sent.

    `known` is what the API counted for the first `since` of them, 0 when it has not seen this prefix. `keep_from` is
    where the tail begins (1: nothing is cut).
    """

    messages: list[Message]
    known: int
    since: int
    keep_from: int

    @property
    def size(self) -> int:
        """Bytes on the wire, without images."""
        return size_of(self.messages)

    @property
    def image_tokens(self) -> int:
        """At most so many tokens are images."""
        blocks = [block for message in self.messages for block in message["content"]]
        return MOST_TOKENS * len([block for block in blocks if block.get("type") == "image"])


def conversation_row(session: Session, conversation: str) -> ConversationRow:
    """Read a conversation that must have been opened."""
    row = session.get(ConversationRow, conversation)
    if row is None:
        raise permanent("ConversationUnknown", f"no such conversation: {conversation}")
    return row


def message_rows(session: Session, conversation: str, head: int) -> list[MessageRow]:
    """Read all messages before `head`; none may be missing."""
    query = select(MessageRow).where(MessageRow.conversation == conversation, MessageRow.position < head)
    rows = list(session.scalars(query.order_by(MessageRow.position)))
    if [row.position for row in rows] != list(range(head)):
        raise permanent("PairingBroken", f"{conversation} has {len(rows)} of the {head} messages before this turn")
    return rows


def check_contract(talk: ConversationRow, task: MessageRow) -> None:
    """Make sure that contract and task are word for word what was ordered."""
    whole = digest_of(talk.contract) == talk.contract_digest and digest_of(task.content) == task.digest
    if not whole or talk.contract not in json.loads(task.content)[0]["text"]:
        raise permanent("ConversationDamaged", f"the order of {talk.id} is not what it was")


def said(row: MessageRow) -> list[Any]:
    """Read what counts of a message: only its words where its calls could never be answered."""
    content: list[Any] = json.loads(row.content)
    if row.role != "assistant" or answerable([call.id for call in calls_of(content)]):
        return content
    return [block for block in content if block.get("type") == "text"]


def view(session: Session, conversation: str, head: int, cut: CutRow | None = None) -> View:
    """Read the messages before `head`, after the latest cut (or `cut`, one that is only proposed)."""
    rows = message_rows(session, conversation, head)
    cut = cut or latest_cut(session, conversation, head)
    if cut is None:
        return _counted([(row, sendable(row.role, said(row))) for row in rows], 0, 1)
    # A message of its own, so that the task stays what it was, word for word; the API joins neighbours of one role.
    task = sendable("user", json.loads(rows[0].content))
    summary = sendable("user", [{"type": "text", "text": cut.summary}])
    tail = [(row, _after_cut(row, cut.position)) for row in rows[cut.keep_from :]]
    return _counted([(rows[0], task), (rows[0], summary), *tail], cut.position, cut.keep_from)


def latest_cut(session: Session, conversation: str, head: int) -> CutRow | None:
    """Read the cut that rules what is read at `head`."""
    query = select(CutRow).where(CutRow.conversation == conversation, CutRow.position <= head)
    return session.scalars(query.order_by(CutRow.position.desc()).limit(1)).first()


def context_of(view: View) -> int:
    """Count the tokens of a view, as far as the API counted them, the rest estimated."""
    return view.known + size_of(view.messages[view.since :]) // _BYTES_PER_TOKEN


def context_after(before: View, after: View, pinned: int) -> int:
    """Estimate the tokens after a cut: the share that stays of what the API counted before, and `pinned` bytes."""
    if not before.known:
        return after.image_tokens + (after.size + pinned) // _BYTES_PER_TOKEN
    counted = context_of(before)
    text = max(counted - before.image_tokens, 0) * (after.size + pinned) // (before.size + pinned)
    return min(after.image_tokens + text, counted)


def _after_cut(row: MessageRow, position: int) -> Message:
    content = said(row)
    # Models bind thinking to the whole prefix before it, which the cut has changed; an edited block is an error.
    return sendable(row.role, without_thinking(content) if row.position < position else content)


def _counted(sent: list[tuple[MessageRow, Message]], from_position: int, keep_from: int) -> View:
    known = since = 0
    for number, (row, _) in enumerate(sent):
        if row.record is None or row.position < from_position:
            continue
        if context := Reply.model_validate_json(row.record).context:
            known, since = context, number + 1
    return View([message for _, message in sent], known, since, keep_from)
