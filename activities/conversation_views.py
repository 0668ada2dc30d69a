"""What a model reads of a conversation: all of it, or what the latest cut left.

The view of one model only ever grows between two cuts, because caches and signed thinking are bound to the exact
prefix. It never needs more rows than stand behind the latest cut, however long the conversation is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from activities.conversation_tables import ConversationRow, CutRow, MessageRow
from activities.errors import permanent
from activities.messages import (
    Block,
    Message,
    answerable,
    calls_of,
    digest_of,
    dumps,
    readable_size,
    sendable,
    with_order,
    without_thinking,
)
from activities.pictures import MOST_TOKENS
from activities.requests import prefix_of
from workflows.models import Reply

SIGNED = "compact-2026-09-04"
"""The API's beta that every request with a signed summary names."""

_BYTES_PER_TOKEN = 3
_READ = (MessageRow.role, MessageRow.content, MessageRow.record, MessageRow.model)


class Reader(NamedTuple):
    """The model that is to read a conversation, and the pinned one, which was asked wherever no other is named.

    `bound` tells that its requests begin as they always did: only then does it take back what it bound to that.
    """

    model: str
    pinned: str
    bound: bool = True

    def wrote(self, row: MessageRow) -> bool:
        """Tell whether an answer is this model's own."""
        return (row.model or self.pinned) == self.model


def reader_of(pin: Mapping[str, Any], model: str) -> Reader:
    """Tell who reads: `model`, or the pinned one where it is empty."""
    return Reader(model or pin["model"], pin["model"], pin.get("prefix") in {None, prefix_of(pin)})


@dataclass(frozen=True)
class View:
    """The messages before `head` as they are sent.

    `known` is what the API counted for the first `since` of them, 0 when it has not seen this prefix. `keep_from` is
    where the tail begins (1: nothing is cut). `betas` are what the endpoint has to be told. `order` is the task that
    the next user message has to repeat, where a signed summary has taken its place.
    """

    messages: list[Message]
    known: int
    since: int
    keep_from: int
    betas: tuple[str, ...] = ()
    order: tuple[Block, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that are read, without images, the order included that the next message repeats."""
        return readable_size([*self.messages, *self._due])

    @property
    def image_tokens(self) -> int:
        """At most so many tokens are images."""
        blocks = [block for message in (*self.messages, *self._due) for block in message["content"]]
        return MOST_TOKENS * len([block for block in blocks if block.get("type") == "image"])

    @property
    def _due(self) -> list[Message]:
        return [{"role": "user", "content": list(self.order)}] if self.order else []


def conversation_row(session: Session, conversation: str) -> ConversationRow:
    """Read a conversation that must have been opened."""
    row = session.get(ConversationRow, conversation)
    if row is None:
        raise permanent("ConversationUnknown", f"no such conversation: {conversation}")
    return row


def message_rows(session: Session, conversation: str, start: int, head: int) -> list[MessageRow]:
    """Read the messages from `start` to before `head`; none may be missing."""
    here = (MessageRow.conversation == conversation, MessageRow.position >= start, MessageRow.position < head)
    query = select(MessageRow).where(*here).order_by(MessageRow.position).options(load_only(*_READ))
    rows = list(session.scalars(query))
    if [row.position for row in rows] != list(range(start, head)):
        found = start + len(rows)
        raise permanent("PairingBroken", f"{conversation} has {found} of the {head} messages before this turn")
    return rows


def last_answer(session: Session, conversation: str, head: int) -> list[MessageRow]:
    """Read the answer before `head`; a paused answer, a refused one and their continuations are one."""
    here = (MessageRow.conversation == conversation, MessageRow.position < head, MessageRow.role == "user")
    query = select(MessageRow.position).where(*here).order_by(MessageRow.position.desc()).limit(1)
    asked = session.scalar(query)
    return message_rows(session, conversation, 0 if asked is None else asked + 1, head)


def check_contract(talk: ConversationRow, task: MessageRow) -> None:
    """Make sure that contract and task are word for word what was ordered."""
    whole = digest_of(talk.contract) == talk.contract_digest and digest_of(task.content) == task.digest
    if not whole or talk.contract not in json.loads(task.content)[0]["text"]:
        raise permanent("ConversationDamaged", f"the order of {talk.id} is not what it was")


def said(row: MessageRow) -> list[Any]:
    """Read what counts of a message: nothing of a refusal, only the words where calls could never be answered."""
    content: list[Any] = json.loads(row.content)
    if row.role != "assistant":
        return content
    if is_refusal(row):
        return []
    if answerable([call.id for call in calls_of(content)]):
        return content
    return [block for block in content if block.get("type") == "text"]


def is_refusal(row: MessageRow) -> bool:
    """Tell whether an answer is a refusal: sent back, it would only be refused again."""
    return row.record is not None and Reply.model_validate_json(row.record).stop == "refusal"


def view(session: Session, conversation: str, head: int, reader: Reader, cut: CutRow | None = None) -> View:
    """Read the messages before `head`, after the latest cut (or `cut`, one that is only proposed)."""
    cut = cut or latest_cut(session, conversation, head)
    if cut is None:
        rows = message_rows(session, conversation, 0, head)
        return _counted([(row, _as_sent(row, reader)) for row in rows if not is_refusal(row)], reader)
    task = session.get_one(MessageRow, (conversation, 0))
    check_contract(conversation_row(session, conversation), task)
    rows = [row for row in message_rows(session, conversation, cut.keep_from, head) if not is_refusal(row)]
    block = signed_block(cut, reader.model) if reader.bound else None
    if block is not None:
        return _after_signed(session, task, rows, cut, reader, block)
    # A message of its own, so that the task stays what it was, word for word; the API joins neighbours of one role.
    front = [sendable("user", json.loads(task.content)), sendable("user", [{"type": "text", "text": cut.summary}])]
    tail = [(row, _as_sent(row, reader, cut.position)) for row in rows]
    return _counted([*((None, message) for message in front), *tail], reader, cut)


def _after_signed(
    session: Session, task: MessageRow, rows: Sequence[MessageRow], cut: CutRow, reader: Reader, block: Block
) -> View:
    """Read what a signed summary left: kept answers stay as they were, because the API binds them to its block.

    Nothing may stand between the two, so the order comes back with the first message of the user, and with it what
    people said since: of that no model decides what stays.
    """
    people = json.loads(cut.block or "{}").get("people", "")
    order = tuple(sendable("user", [*json.loads(task.content), {"type": "text", "text": people}])["content"])
    bare = _last_unsigned(session, cut, reader.model)
    sent: list[tuple[MessageRow | None, Message]] = [(None, {"role": "assistant", "content": [block]})]
    for row in rows:
        message = _as_sent(row, reader, bare)
        if order and row.role == "user":
            message, order = {**message, "content": with_order(message["content"], order)}, ()
        sent.append((row, message))
    counted = _counted(sent, reader, cut)
    return View(counted.messages, counted.known, counted.since, cut.keep_from, (SIGNED,), order)


def sealed(model: str, block: Block, people: str) -> str:
    """Write a signed summary as it is kept: who wrote it, the block as it came, and what people said."""
    return dumps({"model": model, "block": block, "people": people})


def signed_block(cut: CutRow, model: str) -> Block | None:
    """Read the signed summary of a cut, for the model that wrote it; others read its words."""
    kept = json.loads(cut.block) if cut.block else None
    block: Block | None = kept["block"] if kept and kept["model"] == model else None
    return block


def latest_cut(session: Session, conversation: str, head: int) -> CutRow | None:
    """Read the cut that rules what is read at `head`."""
    here = (CutRow.conversation == conversation, CutRow.position <= head)
    return session.scalars(select(CutRow).where(*here).order_by(CutRow.position.desc()).limit(1)).first()


def context_of(view: View) -> int:
    """Count the tokens of a view, as far as the API counted them, the rest estimated."""
    return view.known + readable_size(view.messages[view.since :]) // _BYTES_PER_TOKEN


def context_after(before: View, after: View, pinned: int) -> int:
    """Estimate the tokens after a cut: the share that stays of what the API counted before, and `pinned` bytes."""
    if not before.known:
        return after.image_tokens + (after.size + pinned) // _BYTES_PER_TOKEN
    counted = context_of(before)
    text = max(counted - before.image_tokens, 0) * (after.size + pinned) // (before.size + pinned)
    return min(after.image_tokens + text, counted)


def _last_unsigned(session: Session, cut: CutRow, model: str) -> int:
    """Find where the prefix was last changed without this model's seal: thinking from before it is gone for good."""
    here = (CutRow.conversation == cut.conversation, CutRow.position < cut.position)
    earlier = session.scalars(select(CutRow).where(*here).order_by(CutRow.position.desc()))
    return next((row.position for row in earlier if signed_block(row, model) is None), 0)


def _as_sent(row: MessageRow, reader: Reader, bare: int = 0) -> Message:
    """Write a message for the wire. Thinking goes back unedited to the model that thought it, or not at all.

    Models bind thinking to the whole prefix before it, so what stands before `bare`, where the prefix changed, has
    none; and nothing has any once a new build of ours begins its requests in other words.
    """
    content = said(row)
    own = row.role == "user" or (reader.bound and reader.wrote(row) and row.position >= bare)
    return sendable(row.role, content if own else without_thinking(content))


def _counted(sent: list[tuple[MessageRow | None, Message]], reader: Reader, cut: CutRow | None = None) -> View:
    known = since = 0
    for number, (row, _) in enumerate(sent):
        if row is None or row.record is None or not reader.wrote(row) or row.position < (cut.position if cut else 0):
            continue
        if context := Reply.model_validate_json(row.record).context:
            known, since = context, number + 1
    return View([message for _, message in sent], known, since, cut.keep_from if cut else 1)
